"""Which columns of a table are its content, and which only say how it came there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline_cli.lineage.fields import TECHNICAL

RECORD_HASH = "_record_hash"
ENDS = "_dlt_valid_to"  # of a version (scd2): empty for the one that stands
_PLACE = "_dlt_list_idx"  # of a nested list's element: the source gave it, too


def content_columns(types: Mapping[str, str], *, has_children: bool) -> list[str]:
    """The columns of a table that hold what the source gave, in its order.

    has_children: its nested lists stand in tables of their own; then the record's hash says whether they are alike.
    """
    names = [name for name in types if name not in TECHNICAL or name == _PLACE]
    if has_children and RECORD_HASH in types:
        names.append(RECORD_HASH)
    return names


def json_columns(*types: Mapping[str, str]) -> frozenset[str]:
    """Of tables that are compared, the columns that are JSON in any of them."""
    return frozenset(
        name for each in types for name, kind in each.items() if kind.lower() in ("json", "jsonb")
    )


def has_children(table: str, tables: Collection[str]) -> bool:
    """Whether one of `tables`, of the same dataset, holds nested lists of `table`."""
    return any(name.startswith(f"{table}__") for name in tables)
