"""Types of columns that nobody has typed, from all of their values: one pass, each value counted by its kind.

A type is only given where every value is exactly it: 007 stays text, 30 digits are a decimal, 12.50 is a double.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.manifest.files import Csv
from pipeline_cli.sources.files.kinds import (
    BIG_INTEGER,
    BIGINT,
    BOOL,
    DATE,
    DOUBLE_DIGITS,
    EXPONENT,
    FORMATTED_DATE,
    FORMATTED_TIME,
    LONG_NUMBER,
    SHORT_NUMBER,
    TEXT,
    TIME,
    ZONED_TIME,
    kind_sql,
)

if TYPE_CHECKING:
    from pipeline_cli.sources.column_types import ColumnType

SAMPLE_ROWS = 20_000
_MOST_DIGITS = 38
_AT_ONCE = 100  # columns: DuckDB's planning of one statement grows with the square of them
_PLAIN_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"


@dataclass(slots=True)
class Seen:
    """What a column's values are: kinds (a bit each), and the most digits before and after the point."""

    kinds: int = 0
    whole_digits: int = 0
    decimals: int = 0

    def add(self, other: Seen) -> None:
        self.kinds |= other.kinds
        self.whole_digits = max(self.whole_digits, other.whole_digits)
        self.decimals = max(self.decimals, other.decimals)

    @property
    def is_text(self) -> bool:
        """Whether no further value can change that the column is text."""
        return bool(self.kinds) and self.column_type()[0] == "text"

    def column_type(self) -> ColumnType:
        """The narrowest type that takes all the values exactly; text where there are none."""
        for data_type, kinds in _PLAIN_TYPES:
            if self.kinds and not self.kinds & ~kinds:
                return data_type, None, None
        if self.kinds and not self.kinds & ~(BIGINT | BIG_INTEGER | SHORT_NUMBER | LONG_NUMBER | EXPONENT):
            return self._number_type()
        return "text", None, None

    def _number_type(self) -> ColumnType:
        if not self.kinds & (BIG_INTEGER | LONG_NUMBER) and self.whole_digits <= DOUBLE_DIGITS:
            return "double", None, None
        if not self.kinds & EXPONENT and self.whole_digits + self.decimals <= _MOST_DIGITS:
            return "decimal", _MOST_DIGITS, self.decimals
        return "text", None, None


_PLAIN_TYPES = (
    ("bool", BOOL),
    ("bigint", BIGINT),
    ("date", DATE | FORMATTED_DATE),
    ("timestamp", TIME),
    ("timestamp", ZONED_TIME),
    ("timestamp", FORMATTED_TIME),
)


def add_types(
    connection: Any, relation: str, columns: Mapping[str, str], said: Csv, seen: dict[str, Seen]
) -> None:
    """Look at all of a relation and add what its columns are to `seen`, which is of the relations before it.

    relation: SQL after FROM; columns: the SQL of a column's text, by its name.
    """
    for name, found in _look(connection, relation, columns, said, seen).items():
        seen.setdefault(name, Seen()).add(found)


def _look(
    connection: Any, relation: str, columns: Mapping[str, str], said: Csv, seen: Mapping[str, Seen]
) -> dict[str, Seen]:
    """What the columns are: the first rows tell what a column cannot be, the whole data what it is.

    The whole is first held against what the first rows are, which costs a cast; only a column with other values
    is looked at value by value.
    """
    if not columns:  # all of them have types already
        return {}
    text = Seen(TEXT)
    found = {name: text for name in columns if name in seen and seen[name].is_text}
    left = {name: value for name, value in columns.items() if name not in found}
    sample = f"(SELECT * FROM {relation} LIMIT {SAMPLE_ROWS})"
    beginning = _count(connection, sample, left, said)
    found.update((name, text) for name, each in beginning.items() if each.is_text)
    likely = {name: each for name, each in beginning.items() if name not in found}
    checks = {name: like_sql(columns[name], each, said) for name, each in likely.items()}
    found.update(confirm(connection, relation, columns, likely, checks))
    rest = {name: value for name, value in columns.items() if name not in found}
    return {**found, **_count(connection, relation, rest, said)}


def confirm(
    connection: Any,
    relation: str,
    columns: Mapping[str, str],
    likely: Mapping[str, Seen],
    checks: Mapping[str, str | None],
) -> dict[str, Seen]:
    """The columns whose values are all like the first ones: those for which their check holds throughout."""
    checks = {name: check for name, check in checks.items() if check}
    # Columns that are not asked for are not parsed, and what is malformed in them would not be told.
    parts = ["count(COLUMNS(*))"]
    found = {}
    for names in few(list(checks)) or [[]]:
        for name in names:
            # NULL is not false: bool_and passes over it, and a cast that fails is NULL.
            holds = f"coalesce({checks[name]}, {columns[name]} IS NULL)"
            parts += [f"coalesce(bool_and({holds}), true)", *digits_sql(columns[name])]
        row = select_row(connection, parts, relation)
        answers = row[len(row) - 3 * len(names) :]
        for index, name in enumerate(names):
            holds, whole_digits, decimals = answers[index * 3 : index * 3 + 3]
            if holds:
                found[name] = Seen(likely[name].kinds, whole_digits, decimals)
        parts = []
    return found


def like_sql(value: str, seen: Seen, said: Csv) -> str | None:
    """A cheap condition under which a value is of no other kind than those seen; None where there is none."""
    if said.date_format or said.timestamp_format or not seen.kinds:
        return None
    if seen.kinds == BIGINT:
        return f"try_cast({value} AS BIGINT)::VARCHAR = {value}"
    if seen.kinds == DATE:
        return f"try_cast({value} AS DATE)::VARCHAR = {value} AND length({value}) = 10"
    if seen.kinds == TIME:
        # Neither 'infinity' nor a year of five digits.
        is_plain = f"{value} LIKE '____-__-__%'"
        return f"try_cast({value} AS TIMESTAMP)::VARCHAR = replace({value}, 'T', ' ') AND {is_plain}"
    if seen.kinds == BOOL:
        return f"lower({value}) IN ('true', 'false')"
    if not seen.kinds & ~(BIGINT | SHORT_NUMBER):
        return f"length({value}) <= {DOUBLE_DIGITS} AND regexp_full_match({value}, '{_PLAIN_NUMBER}')"
    return None


def _count(connection: Any, relation: str, columns: Mapping[str, str], said: Csv) -> dict[str, Seen]:
    """Every value of `columns` by its kind."""
    found = {}
    for names in few(list(columns)):
        parts = []
        for value in map(columns.__getitem__, names):
            number = f"CASE WHEN NOT regexp_matches({value}, '[^0-9.-]') THEN {value} END"
            parts += [f"coalesce(bit_or({kind_sql(value, said)}), 0)", *digits_sql(number)]
        row = select_row(connection, parts, relation)
        found.update({name: Seen(*map(int, row[3 * at : 3 * at + 3])) for at, name in enumerate(names)})
    return found


def few(names: Sequence[str]) -> list[Sequence[str]]:
    """The names in parts, each of as many columns as one statement asks about."""
    return [names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE)]


def digits_sql(value: str) -> tuple[str, str]:
    """The most characters before a number's point (a sign counts as one), and after it."""
    point = f"strpos({value}, '.')"
    return (
        f"coalesce(max(CASE WHEN {point} > 0 THEN {point} - 1 ELSE length({value}) END), 0)",
        f"coalesce(max(CASE WHEN {point} > 0 THEN length({value}) - {point} ELSE 0 END), 0)",
    )


def select_row(connection: Any, parts: Sequence[str], relation: str) -> tuple[Any, ...]:
    # fetchall: with fetchone the statement is not over, and its reject tables are not written.
    row: tuple[Any, ...] = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchall()[0]
    return row
