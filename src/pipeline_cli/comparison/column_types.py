"""A column's type in one word for DuckDB and Postgres: `VARCHAR` and `character varying` are `text`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAMES = {
    "varchar": "text",
    "character varying": "text",
    "character": "text",
    "bpchar": "text",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int2": "smallint",
    "double precision": "double",
    "float": "real",
    "bool": "boolean",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "jsonb": "json",
    "blob": "binary",
    "bytea": "binary",
    "numeric": "decimal",
    "hugeint": "decimal(38,0)",  # what DuckDB makes of sum(bigint), and Postgres a numeric
}
_PARAMETERS = re.compile(r"\s*\(([\d\s,]*)\)")
NUMBERS = frozenset({"tinyint", "smallint", "integer", "bigint", "real", "double", "decimal"})


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """A column of one table. here, there: its type in either environment, None where it has no such column."""

    name: str
    here: str | None
    there: str | None


def canonical_type(kind: str) -> str:
    """The type's one name, with its numbers: `DECIMAL(38, 9)` and `numeric(38,9)` are `decimal(38,9)`."""
    lowered = " ".join(kind.lower().split())
    if lowered.endswith("[]"):
        return f"{canonical_type(lowered[:-2])}[]"
    found = _PARAMETERS.search(lowered)
    if found is None or lowered.startswith(("struct", "map", "enum", "union")):
        return _NAMES.get(lowered, lowered)
    bare = (lowered[: found.start()] + lowered[found.end() :]).strip()
    numbers = found[1].replace(" ", "")
    return f"{_NAMES.get(bare, bare)}({numbers})"


def family(kind: str) -> str:
    """The type without its numbers."""
    return canonical_type(kind).partition("(")[0]


def is_same_type(here: str, there: str, *, same_database: bool) -> bool:
    """Whether two columns have one type. Between two databases, a size that one of them leaves out says nothing."""
    one, other = canonical_type(here), canonical_type(there)
    if one == other:
        return True
    return not same_database and family(here) == family(there) and not ("(" in one and "(" in other)


def compare_columns(
    here: Mapping[str, str], there: Mapping[str, str], *, same_database: bool
) -> list[ColumnDifference]:
    """The columns that only one table has, or that have other types; types by name, in the tables' order."""
    found = []
    for name in [*here, *(name for name in there if name not in here)]:
        own, others = here.get(name), there.get(name)
        if own is not None and others is not None and is_same_type(own, others, same_database=same_database):
            continue
        found.append(ColumnDifference(name, own and canonical_type(own), others and canonical_type(others)))
    return found
