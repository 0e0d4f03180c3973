"""Predicates held against the row check, many values at a time: each type, and each keyword alone, at its edges.

test_predicate_properties.py goes wide, with whole schemas; this goes deep, where one digit makes the difference.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.sources.scan import ColumnSpec
from tests.unit.contracts.columns_world import connect, is_same, see_columns

SEEDS = range(int(os.environ.get("PREDICATE_SEEDS", "2")))
ROWS = 400
CONNECTION = connect()
SHAPES = [(None, None), (10, 2), (18, 4), (38, 0), (5, 0), (38, 20), (20, 9)]
SPECS = [
    *(ColumnSpec("a", "a", "decimal", *shape) for shape in SHAPES),
    *(
        ColumnSpec("a", "a", kind)
        for kind in ("text", "bigint", "double", "date", "timestamp", "time", "bool", "wei")
    ),
    ColumnSpec("a", "a", "bool", is_declared=True),
    ColumnSpec("a", "a", "date", date_format="%d.%m.%Y"),
    ColumnSpec("a", "a", "timestamp", timestamp_format="%m/%d/%Y %H:%M:%S"),
]
ODD = [
    *(
        "nan",
        "inf",
        "-inf",
        "1e2",
        "15e2",
        "1E3",
        "0x1F",
        "0xFFFFF",
        "0b101",
        "1_000",
        "007",
        "-0",
        "+5",
        "5.",
        ".5",
        "00",
    ),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "9007199254740993",
        "0.1000000000000000055",
        "1e400",
        "5e-324",
        "",
    ),
    *(
        "epoch",
        "infinity",
        "2024-1-1",
        "0001-01-01",
        "0000-01-01",
        "10000-01-01",
        "9999-12-31",
        "2024-02-30",
        "٣",
        "\x00",
    ),
    *(
        "0044-03-15 (BC)",
        "0044-03-15 (BC) 10:00:00",
        "2024-01-01  1:00:00",
        "2024-01-01 24:00:00",
        "2016-12-31 23:59:60",
    ),
    *(
        "true",
        "False",
        "tRuE",
        "yes",
        "N",
        "1",
        "0",
        "on",
        " true",
        "t",
        "12:00",
        "24:00:00",
        "10:00:00.1234567",
    ),
    *(
        "29.02.2024",
        "9.2.2024",
        "02/29/2024 10:00:00",
        "2/9/2024 1:00:00",
        "29.02.0044",
        "2024-01-01 10:00:00-05",
    ),
]


PATTERNS = [
    *(
        r"^[a-z]+$",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        r"\W",
        r"\w",
        "^.{1,3}$",
        ".",
        "[^a]",
        "a$",
        "^a",
        r"^\w*$",
        "[.-]",
    ),
    *(
        r"[^\s@]+@",
        r"(?:a|b)+-?",
        r"^\S+$",
        r"^[^@]*$",
        r"[\w.-]{2,}?$",
        "é|_",
        r"\\",
        r"['\"]",
        "^$",
        r"[\s\d]",
    ),
]
NUMBER_KEYWORDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "type", "enum"]
TEXT_KEYWORDS = ["minLength", "maxLength", "pattern", "format", "type", "enum", "minimum"]


class Values:
    """Texts that a column might have, one character away from what it should."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def any(self, kind: str, edge: Any = None) -> str | None:
        """edge: a number that the schema speaks of."""
        draw = self.random
        if edge is not None and draw.random() < 0.2:
            return draw.choice(
                [str(edge), str(int(edge)), str(int(edge) + 1), f"{edge:.2f}", f"{edge:.9f}", f"{edge}.0"]
            )
        makers = {
            "date": self.time,
            "timestamp": self.time,
            "time": self.time,
            "text": self.text,
            "bool": self.odd,
        }
        text = draw.choice([makers.get(kind, self.number)] * 6 + [self.odd])()
        if draw.random() < 0.25:
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice("0159:TZ+- ./,e_") + text[at + draw.randrange(2) :]
        return None if draw.random() < 0.05 else text

    def odd(self) -> str:
        return self.random.choice(ODD)

    def number(self) -> str:
        draw = self.random
        sign = draw.choice(["", "", "-"])
        if draw.random() < 0.4:
            return (
                sign + str(draw.randrange(13)) + draw.choice(["", "", ".0", ".00", ".5", ".25", ".1", ".01"])
            )
        if draw.random() < 0.3:
            return repr(draw.uniform(-1, 1) * 10 ** draw.randrange(-8, 20))
        digits = "".join(draw.choices("0123456789", k=draw.randrange(1, 24)))
        places = "".join(draw.choices("0012345678900", k=draw.randrange(1, 12)))
        return (
            sign
            + draw.choice([digits, digits.lstrip("0") or "0"])
            + draw.choice(["", f".{places}", f".{places}"])
        )

    def time(self) -> str:
        draw = self.random
        at = datetime(1, 1, 1) + timedelta(seconds=draw.randrange(315_537_897_599))
        at = at if draw.random() < 0.3 else datetime(2024, 1, 1) + timedelta(seconds=draw.randrange(10**7))
        if draw.random() < 0.2:
            return at.strftime(draw.choice(["%d.%m.%Y", "%m/%d/%Y %H:%M:%S", "%H:%M:%S"]))
        fraction = "".join(draw.choices("0123456789", k=draw.choice([0, 0, 1, 3, 6, 7])))
        clock = at.strftime("%H:%M:%S") + (f".{fraction}" if fraction else "")
        offset = draw.choice(
            ["", "", "Z", "+00", "+02:00", "-05:30", "-05", "+0530", "+24:00", "+02:75", "z", " +02:00"]
        )
        return draw.choice([str(at.date()), clock, *[f"{at.date()}{draw.choice('T  t')}{clock}{offset}"] * 4])

    def text(self) -> str:
        return "".join(self.random.choices("ab1Z-@. _é\nٱ\u2028\u00a0👍'\"\\", k=self.random.randrange(8)))

    def schema(self, kind: str, turn: int) -> dict[str, Any]:
        """turn: which of the keywords of this kind."""
        draw = self.random
        small: int | float = draw.choice([draw.randrange(13), draw.randrange(13), draw.randrange(130) / 10])
        limit = draw.choice([small] * 6 + [-small, 0.1, 2**53 + 1, 2**63, 5e10])
        names = NUMBER_KEYWORDS if kind in ("bigint", "double", "decimal", "wei") else TEXT_KEYWORDS
        name = names[turn % len(names)]
        return {
            name: {
                "multipleOf": draw.choice([1, 2, 3, 0.01, 0.1, 0.5, 2.5, 0.25, 1e-9, 5.0]),
                "type": draw.choice(["integer", "number", "string", ["string", "null"], ["integer", "string"]]),
                "enum": [limit, draw.randrange(9), "a", "ab", "2024-01-01", True],
                "minLength": draw.randrange(6),
                "maxLength": draw.randrange(6),
                "pattern": draw.choice(PATTERNS),
                "format": draw.choice(["date", "date-time", "email", "uuid", "hostname", "time", "ipv4"]),
            }.get(name, limit)
        }  # fmt: skip


def check(cases: list[tuple[ColumnSpec, Contract | None, list[str | None]]]) -> int:
    """Returns for how many values SQL was certain."""
    certain = 0
    for (spec, contract, raws), column in zip(cases, see_columns(CONNECTION, cases), strict=True):
        for raw, seen in zip(raws, column, strict=True):
            shown = (raw, spec, contract and contract.schema, seen)
            assert isinstance(seen.certain, bool) and isinstance(seen.exact["a"], bool), shown
            assert not (seen.certain and seen.judgement.reasons), shown
            assert not (seen.exact["a"] and seen.judgement.inexact), shown
            if seen.certain or seen.exact["a"]:
                assert is_same(spec, seen.values["a"], seen.judgement.row["a"]), shown
            certain += seen.certain
    return certain


@pytest.mark.parametrize("seed", SEEDS)
def test_what_sql_takes_as_exact_is_exact_in_every_type(seed: int) -> None:
    values = Values(seed)
    cases = [(spec, None, [values.any(spec.data_type) for _ in range(ROWS)]) for spec in SPECS]
    assert check(cases) > ROWS  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_sql_says_of_each_keyword_is_what_the_row_check_says(seed: int) -> None:
    values = Values(seed)
    cases: list[tuple[ColumnSpec, Contract | None, list[str | None]]] = []
    for turn in range(len(NUMBER_KEYWORDS)):
        for spec in SPECS:
            schema = values.schema(spec.data_type, turn)
            (limit,) = schema.values()
            edge = limit if isinstance(limit, (int, float)) else None
            raws = [values.any(spec.data_type, edge) for _ in range(ROWS // 4)]
            cases.append((spec, Contract({"properties": {"a": schema}}, "x"), raws))
    assert check(cases) > ROWS


@pytest.mark.parametrize("seed", SEEDS)
def test_what_sql_says_of_each_pattern_is_what_the_row_check_says(seed: int) -> None:
    values = Values(seed)
    texts: list[str | None] = [values.text() for _ in range(ROWS * 3)]
    spec = ColumnSpec("a", "a", "text")
    patterns = [Contract({"properties": {"a": {"pattern": each}}}, "x") for each in PATTERNS]
    assert check([(spec, contract, texts) for contract in patterns]) > ROWS


def test_the_comparison_of_these_tests_tells_differences() -> None:
    spec = ColumnSpec("a", "a", "timestamp")
    assert is_same(spec, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
    assert not is_same(spec, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    assert not is_same(spec, None, datetime(2024, 1, 1, tzinfo=UTC))
