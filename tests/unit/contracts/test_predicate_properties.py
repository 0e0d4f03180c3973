"""Predicates held against the row check: what SQL is certain of, Python accepts, and the value is the same."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.errors import UsageError
from pipeline_cli.sources.scan import ColumnSpec
from tests.unit.contracts.columns_world import connect, is_same, see

# The same tries each time; PREDICATE_EXAMPLES=20000 lets them loose.
LOOSE = os.environ.get("PREDICATE_EXAMPLES")
CONNECTION = connect()


def tries(count: int) -> Any:
    return settings(
        max_examples=int(LOOSE or count),
        deadline=None,
        derandomize=not LOOSE,
        phases=tuple(Phase) if LOOSE else (Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


# -- values ----------------------------------------------------------------------------------------------------------

DIGITS = st.integers(-(2**66), 2**66).map(str) | st.integers(-20, 120).map(str)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-200, max_value=10_000).map(
    str
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.floats(-5, 200).map(
    lambda x: repr(round(x, 3))
)
ODD_NUMBERS = words(
    "nan NaN inf -inf infinity Infinity 1e3 1E3 1e2 -1e-2 0x1F 0b1 1_000 007 00 -0 -0.0 0.0 .5 5. 5.0 5.00 +5 ' 5' "
    "1,5 - + . e 1e400 1e-400 0.1234567891 0.123456789 123456789012345678901234567890 99999999999999999999999999999.5 "
    "9223372036854775807 9223372036854775808 -9223372036854775808 9007199254740993 9007199254740993.0 1e22 5e-324 "
    "0.1000000000000000055 3.937334817260518e16 10000000000000000 true '' 12345678.9 0.30000000000000004 1e16"
) | st.sampled_from(["", " ", " 5", "5 ", "\t5", "5\n", "٣", "5\x00"])
MOMENTS = st.datetimes().map(lambda at: at.isoformat(sep=" ")) | st.datetimes().map(lambda at: at.isoformat())
OFFSETS = st.sampled_from(
    [
        "",
        "",
        "Z",
        "+00",
        "+02:00",
        "-05:30",
        "-05",
        "+0530",
        "+24:00",
        "+02:75",
        "z",
        " +02:00",
        "-23:59",
        " Z",
    ]
)
TIMES = st.tuples(MOMENTS, OFFSETS).map("".join)
DATES = st.dates().map(str) | words(
    "epoch infinity -infinity 2024-1-1 2024-02-30 10000-01-01 0000-01-01 0001-01-01 9999-12-31 2024-01-01(BC) "
    "2024/01/01 20240101 01.02.2024 2024-13-01 24-01-01"
)
ODD_TIMES = words(
    "2024-01-01T24:00:00 2016-12-31T23:59:60Z 2024-01-01T10:00:00.1234567 2024-01-01T10:00:00.1234560 2024-01-01T10 "
    "2024-01-01T10:00 2024-01-01T10:00:00,5 10000-01-01T00:00:00 0001-01-01T00:00:00+02:00 9999-12-31T23:59:59-01:00 "
    "10:00:00 10:00 24:00:00 10:00:00.5 1:00:00 10:00:00.1234567 2024-01-01T10:00:00Europe/Berlin now today"
) | st.sampled_from(
    ["2024-01-01  1:00:00", " 2024-01-01", "2024-01-01 10:00:00 ", "2024-01-01 10:00:00.5    "]
)
TRUTHS = st.sampled_from(
    ["true", "false", "True", "FALSE", "t", "F", "yes", "No", "y", "1", "0", "on", "tRuE", "2"]
)
TEXTS = st.text(st.sampled_from("ab1Z-@. _é\n\r٣\x00\u2028\u00a0👍'\"\\"), max_size=8) | st.sampled_from(
    [
        "a@b.example",
        "a.b+c@x-y.example.com",
        "a@xn--a.de",
        "A" * 64 + "@b.de",
        "10bf1771-ee9a-4f10-8270-6754b2b9d1e7",
        "10bf1771ee9a4f1082706754b2b9d1e7",
        "1.2.3.4",
        "01.2.3.256",
        "https://example.com/a/b?c=d",
        "https://ex ample.com",
        "example.com",
        "::1",
        "a" * 63 + ".com",
        "a" * 64 + ".com",
        "10:00:00Z",
        "P1D",
    ]
)
ANY = DIGITS | DECIMALS | FLOATS | ODD_NUMBERS | TIMES | DATES | ODD_TIMES | TRUTHS | TEXTS
MUTATIONS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from("ird"), st.sampled_from("0159:TZ+- ./,e_xa")), max_size=2
)


def mutate(text: str, changes: list[tuple[int, str, str]]) -> str:
    for place, kind, char in changes:
        at = place % (len(text) + 1)
        text = text[:at] + ("" if kind == "d" else char) + text[at + (kind != "i") :]
    return text


SMALL = st.integers(-3, 12).map(str) | st.integers(-30, 120).map(lambda tenths: str(Decimal(tenths) / 10))
NUMBERS = SMALL | DIGITS | DECIMALS | FLOATS | ODD_NUMBERS
OF_KIND = {
    "text": TEXTS,
    "bigint": NUMBERS,
    "double": NUMBERS,
    "decimal": NUMBERS,
    "wei": NUMBERS,
    "bool": TRUTHS,
    "date": DATES,
    "timestamp": TIMES | DATES | ODD_TIMES,
    "time": ODD_TIMES | st.times().map(str),
    "json": ANY,
}


def raws_of(kind: str) -> st.SearchStrategy[list[str | None]]:
    """Mostly what such a column has, or what was that before somebody touched it."""
    own = OF_KIND[kind]
    return st.lists(own | own | st.builds(mutate, own, MUTATIONS) | st.none() | ANY, min_size=1, max_size=12)


# -- schemas ---------------------------------------------------------------------------------------------------------

TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
LIMITS = (
    st.integers(-3, 12)
    | st.integers(-5, 150)
    | st.sampled_from([0.5, 0.1, -0.25, 99.99, 1e10, 2**53 + 1, 2**63, -(2**63), 1e300, 12.5])
)
PATTERNS = st.sampled_from(
    [
        r"^[a-z]+$",
        r"\d",
        r"\D",
        r"^\w+@\w+\.\w{2,}$",
        r"\s",
        r"\S",
        "a|b",
        "^(?:a|b)*$",
        "[^@]+@",
        ".",
        "^.{2,4}$",
        r"^\d{4}-\d{2}-\d{2}$",
        "(?=a)",
        r"\bA",
        r"[\w.-]+",
        "Z$",
        r"^20",
        "(a)(b)?",
        "[a-z0-9_-]{3,}?",
        r"\.",
        "é",
        r"^[^\s@]+@[^\s@]+$",
        r"[\[\]]",
        "^$",
        "",
        r"\u0041",
        "(?i)a",
        "a{2}",
        r"\p{L}",
        r"[-a]",
        r"[a-]",
        r"\/",
    ]
) | st.lists(
    st.sampled_from(
        [
            r"\d",
            r"\w",
            r"\s",
            r"\S",
            r"\W",
            ".",
            "a",
            "b",
            "-",
            "@",
            "[a-b]",
            "[^a]",
            "[^a@]",
            r"[\d.]",
            "(a|b)",
            "^",
            "$",
            "*",
            "+",
            "?",
            "{1,2}",
            "|",
            "(?:",
            "(",
            ")",
            "[",
            "]",
            "é",
            "1",
            r"\.",
            r"\-",
            "_",
            "'",
            "[-]",
            "&&",
        ]
    ),
    max_size=6,
).map("".join)
FORMATS = words(
    "date date-time email uuid ipv4 ipv6 hostname uri time duration phone idn-email iri uri-reference regex"
)
CONSTANTS = st.none() | st.booleans() | LIMITS | TEXTS | DATES
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(CONSTANTS, min_size=1, max_size=4),
    "const": CONSTANTS,
    "minimum": LIMITS,
    "maximum": LIMITS,
    "exclusiveMinimum": LIMITS,
    "exclusiveMaximum": LIMITS,
    "multipleOf": st.sampled_from([1, 2, 5, 0.01, 0.1, 0.5, 2.0, 2.5, 1e-9, 1e-10, 10**20, 1e17]),
    "minLength": st.integers(0, 5),
    "maxLength": st.integers(0, 12),
    "pattern": PATTERNS,
    "format": FORMATS,
    "items": st.just({"type": "integer"}),
    "x-remark": st.just(1),
}


def some_keywords(names: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: KEYWORDS[name] for name in names}


SIMPLE = st.lists(st.sampled_from(sorted(KEYWORDS)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries(some_keywords(names))
)
SCHEMAS = st.recursive(
    SIMPLE | st.booleans(),
    lambda inner: (
        st.builds(
            lambda simple, keyword, schemas: {**simple, keyword: schemas},
            SIMPLE,
            st.sampled_from(["anyOf", "allOf", "oneOf"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(lambda schema: {"not": schema}, inner)
        | st.just({"$ref": "#/$defs/named"})
    ),
    max_leaves=4,
)
KINDS = st.sampled_from(
    ["text", "bigint", "double", "decimal", "bool", "date", "timestamp", "time", "json", "wei"]
)


def spec_of(kind: str, shape: tuple[int | None, int | None], declared: bool) -> ColumnSpec:
    precision, scale = shape if kind == "decimal" else (None, None)
    return ColumnSpec("a", "a", kind, precision, scale, is_declared=declared)


SHAPES = st.sampled_from([(None, None), (10, 2), (18, 4), (38, 0), (5, 0), (38, 20), (20, 9)])
COLUMNS = KINDS.flatmap(
    lambda kind: st.tuples(st.builds(spec_of, st.just(kind), SHAPES, st.booleans()), raws_of(kind))
)


def make_contract(schema: Mapping[str, Any]) -> Contract:
    try:
        return Contract(json.loads(json.dumps(schema)), "x")
    except UsageError:  # a pattern that is none, two equal constants
        assume(False)
        raise


def hold(spec: ColumnSpec, contract: Contract | None, raws: list[Any], relation: str | None = None) -> None:
    for seen in see(CONNECTION, contract, [spec], [{"a": raw} for raw in raws], relation):
        assert seen.certain is True or seen.certain is False
        shown = (seen, spec, contract and contract.schema)
        if seen.certain:
            assert seen.judgement.reasons == (), shown
            assert is_same(spec, seen.values["a"], seen.judgement.row["a"]), shown
        assert seen.exact["a"] is True or seen.exact["a"] is False
        if seen.exact["a"]:
            assert seen.judgement.inexact == (), shown
            assert is_same(spec, seen.values["a"], seen.judgement.row["a"]), shown


@tries(150)
@given(COLUMNS)
def test_a_text_that_sql_is_certain_of_is_exactly_its_value(
    column: tuple[ColumnSpec, list[str | None]],
) -> None:
    hold(column[0], None, column[1])


@tries(200)
@given(COLUMNS, SCHEMAS, SIMPLE, st.booleans())
def test_a_text_that_sql_is_certain_of_meets_its_contract(
    column: tuple[ColumnSpec, list[str | None]], schema: Any, named: Any, required: bool
) -> None:
    spec, raws = column
    root: dict[str, Any] = {"properties": {"a": schema}, "$defs": {"named": named}}
    hold(spec, make_contract({**root, "required": ["a"]} if required else root), raws)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-5, 150)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-5, 200).map(lambda x: round(x, 2))
    | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abé"), inner, max_size=3),
    max_leaves=4,
)
JSON_TEXTS = (
    st.builds(lambda value, ascii_: json.dumps(value, ensure_ascii=ascii_), JSON_VALUES, st.booleans())
    | st.sampled_from(
        ['{"a":1,"a":2}', '[{"a":1,"a":2}]', "1.50", "1e3", "-0", "-0.0", "12345678901234567890.5"]
    )
    | st.sampled_from(
        ['"\\u0000"', '"\\u00e9"', '"\\\\u0000"', '"a\\nb"', '{"a":{"b":1,"b":2}}', "1e400", '"\\/"']
    )
)


@tries(150)
@given(
    st.builds(lambda kind: ColumnSpec("a", "a", kind, encoding="json"), KINDS),
    SCHEMAS,
    SIMPLE,
    st.lists(st.none() | JSON_TEXTS, min_size=1, max_size=12),
)
def test_a_json_value_that_sql_is_certain_of_meets_its_contract(
    spec: ColumnSpec, schema: Any, named: Any, raws: list[str | None]
) -> None:
    hold(spec, make_contract({"properties": {"a": schema}, "$defs": {"named": named}}), raws)


# -- typed values ----------------------------------------------------------------------------------------------------

ARROW = {
    "int8": st.integers(-128, 127),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "float32": st.floats(width=32),
    "float64": st.floats() | st.integers(-100, 100).map(float),
    "decimal128(10, 2)": st.decimals(-9999, 9999, places=2),
    "decimal128(38, 20)": st.decimals(-99, 99, places=20) | st.integers(-5, 5).map(Decimal),
    "bool_": st.booleans(),
    "string": ANY.filter(lambda text: "\x00" not in text) | st.sampled_from(["a\x00b"]),
    "date32": st.dates(),
    "timestamp('us')": st.datetimes(),
    "timestamp('us', 'UTC')": st.datetimes(timezones=st.just(UTC)),
    "time64('us')": st.times(),
    "binary": st.binary(max_size=3),
}


@tries(120)
@given(
    st.sampled_from(sorted(ARROW)).flatmap(
        lambda name: st.tuples(st.just(name), st.lists(st.none() | ARROW[name], min_size=1, max_size=8))
    ),
    st.builds(
        lambda kind, shape: ColumnSpec("a", "a", kind, *shape, encoding="typed"),
        KINDS | st.just("binary"),
        st.just((None, None)),
    ),
    SIMPLE | st.just(True),
)
def test_a_typed_value_that_sql_is_certain_of_meets_its_contract(
    given_values: tuple[str, list[Any]], spec: ColumnSpec, schema: Any
) -> None:
    import pyarrow

    name, values = given_values
    factory, _, arguments = name.partition("(")
    made = getattr(pyarrow, factory)(*ast.literal_eval(f"({arguments.rstrip(')')},)") if arguments else ())
    table = pyarrow.table({"n": list(range(len(values))), "r0": pyarrow.array(values, made)})
    CONNECTION.register("typed_table", table)
    hold(spec, make_contract({"properties": {"a": schema}}), table["r0"].to_pylist(), "FROM typed_table")


# -- several columns -------------------------------------------------------------------------------------------------

ROOTS = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("abc"), SIMPLE, max_size=3)},
    optional={
        "required": st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
        "additionalProperties": st.booleans() | SIMPLE,
        "patternProperties": st.dictionaries(
            st.sampled_from(["^a", "b|c", "."]), SIMPLE | st.booleans(), max_size=2
        ),
        "dependentRequired": st.just({"a": ["b"]}),
        "minProperties": st.integers(0, 3),
        "propertyNames": st.just({"pattern": "[ab]"}),
        "allOf": st.lists(
            st.builds(lambda each: {"properties": {"b": each}}, SIMPLE), min_size=1, max_size=2
        ),
        "anyOf": st.just([{"required": ["a"]}, {"required": ["b"]}]),
        "if": st.just({"properties": {"a": {"minLength": 3}}}),
        "then": st.just({"required": ["c"]}),
        "type": st.sampled_from(["object", "string"]),
        "$ref": st.just("#/$defs/named"),
    },
)


@tries(120)
@given(
    ROOTS,
    SIMPLE,
    st.tuples(KINDS, KINDS, KINDS),
    st.lists(st.tuples(*[st.none() | ANY] * 3), min_size=1, max_size=8),
)
def test_a_row_that_sql_is_certain_of_meets_its_contract(
    root: dict[str, Any], named: Any, kinds: tuple[str, ...], rows: list[tuple[str | None, ...]]
) -> None:
    contract = make_contract({**root, "$defs": {"named": {"properties": {"c": named}}}})
    specs = [ColumnSpec(name, name, kind) for name, kind in zip("abc", kinds, strict=True)]
    for seen in see(CONNECTION, contract, specs, [dict(zip("abc", row, strict=True)) for row in rows]):
        assert isinstance(seen.certain, bool)
        if seen.certain:
            assert seen.judgement.reasons == (), (seen, contract.schema)
            assert all(is_same(each, seen.values[each.name], seen.judgement.row[each.name]) for each in specs)


# -- the other way: what is plain and clean, SQL is certain of --------------------------------------------------------

NAMES = st.text("abcdefgh ÄÖü-", min_size=1, max_size=20)
CLEAN: dict[str, tuple[ColumnSpec, Any, st.SearchStrategy[str]]] = {
    "integers": (ColumnSpec("a", "a", "bigint"), {"type": "integer", "minimum": -(10**18)},
        st.integers(-(10**18), 10**18).map(str)),
    "whole numbers with a point": (ColumnSpec("a", "a", "bigint"), {"type": "integer"},
        st.integers(-(10**9), 10**9).filter(bool).map(lambda number: f"{number}.0")),
    "money in a double": (ColumnSpec("a", "a", "double"), {"type": "number", "minimum": -200, "multipleOf": 0.01},
        st.integers(-20_000, 10**9).filter(bool).map(lambda cents: f"{Decimal(cents) / 100:.2f}")),
    "money in a decimal": (ColumnSpec("a", "a", "decimal"), {"type": ["number", "null"], "maximum": 1e12},
        st.integers(0, 10**12).map(lambda cents: f"{Decimal(cents) / 100:.2f}")),
    "money in a narrow decimal": (ColumnSpec("a", "a", "decimal", 12, 2), {"exclusiveMaximum": 10**10},
        st.integers(0, 10**11).map(lambda cents: f"{Decimal(cents) / 100:.2f}")),
    "doubles": (ColumnSpec("a", "a", "double"), {"type": "number"},
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(repr)),
    "truths": (ColumnSpec("a", "a", "bool"), {"type": "boolean"}, st.sampled_from(["true", "False"])),
    "dates": (ColumnSpec("a", "a", "date"), {"type": "string", "format": "date"}, st.dates().map(str)),
    "dates of a form": (ColumnSpec("a", "a", "date", date_format="%d.%m.%Y"), {"type": "string"},
        st.dates(date(1000, 1, 1)).map(lambda day: day.strftime("%d.%m.%Y"))),
    "timestamps": (ColumnSpec("a", "a", "timestamp"), {"type": "string", "format": "date-time"},
        st.tuples(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28)), st.sampled_from(["T", " "]),
            st.sampled_from(["", "Z", "+00", "+02:00"])).map(lambda parts: parts[0].isoformat(parts[1]) + parts[2])),
    "timestamps west of Greenwich": (ColumnSpec("a", "a", "timestamp"), {"format": "date-time"},
        st.datetimes(datetime(2, 1, 1), datetime(9999, 1, 1)).map(lambda at: at.isoformat() + "-05:00")),
    "texts": (ColumnSpec("a", "a", "text"), {"type": "string", "minLength": 1, "maxLength": 20}, NAMES),
    "e-mail": (ColumnSpec("a", "a", "text"), {"type": "string", "format": "email"},
        st.from_regex(r"[a-z0-9]{1,9}(\.[a-z]{1,9})?@[a-z]{1,9}-?[a-z]{1,9}\.(com|example)", fullmatch=True)),
    "uuid": (ColumnSpec("a", "a", "text"), {"type": "string", "format": "uuid"}, st.uuids().map(str)),
    "choices": (ColumnSpec("a", "a", "text"), {"enum": ["it's", "Cash", None]}, st.sampled_from(["it's", "Cash"])),
    "patterns": (ColumnSpec("a", "a", "text"), {"pattern": r"^\w+-\d{2,4}(x|[y-z.])?$"},
        st.from_regex(r"[A-Za-z0-9_]{1,9}-[0-9]{2,4}[xyz.]?", fullmatch=True)),
    "references": (ColumnSpec("a", "a", "text"), {"anyOf": [{"$ref": "#/$defs/short"}, {"type": "null"}]},
        st.text("abc", max_size=3)),
    "what SQL does not say": (ColumnSpec("a", "a", "text"), {"not": {"const": "z"}, "format": "ipv6"},
        st.ip_addresses(v=6).map(str)),
    "JSON texts": (ColumnSpec("a", "a", "text", encoding="json"), {"type": "string", "maxLength": 20},
        NAMES.map(json.dumps)),
    "JSON numbers": (ColumnSpec("a", "a", "double", encoding="json"), {"type": ["number", "null"]},
        st.sampled_from(["1", "12.5", "null", "-0.25"])),
    "JSON times": (ColumnSpec("a", "a", "timestamp", encoding="json"), {"type": "string", "format": "date-time"},
        st.datetimes(datetime(2, 1, 1), datetime(9999, 1, 1)).map(lambda at: f'"{at.isoformat()}Z"')),
    "JSON objects": (ColumnSpec("a", "a", "json", encoding="json"), {"properties": {"b": {"type": "integer"}}},
        st.integers().map(lambda number: f'{{"b": {number % 100}, "c": [{{"d": null}}]}}')),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
@tries(25)
@given(st.data())
def test_sql_is_certain_of_what_is_plain_and_clean(name: str, data: st.DataObject) -> None:
    spec, schema, values = CLEAN[name]
    contract = make_contract(
        {"properties": {"a": schema}, "required": ["a"], "$defs": {"short": {"maxLength": 3}}}
    )
    raws = data.draw(st.lists(values, min_size=1, max_size=10))
    for raw, seen in zip(raws, see(CONNECTION, contract, [spec], [{"a": raw} for raw in raws]), strict=True):
        assert seen.certain is True, (raw, seen)
    hold(spec, contract, raws)
