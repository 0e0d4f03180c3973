"""What people call a table or column, found in the lineage."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pipeline_cli.errors import UsageError
from pipeline_cli.lineage.graph import Column, Lineage

MOST_SHOWN = 12


def find(lineage: Lineage, name: str) -> Column | str:
    """The relation's id, or the column, that `schema.table.column`, `table.column` or `table` names.

    Raises UsageError where there is none, or more than one, with the names that there are.
    """
    relations = _called(lineage, name)
    if len(relations) == 1:
        return relations[0]
    holders = relations or [
        one for table, column in _splits(name) for one in _holders(lineage, table, column)
    ]
    if len(holders) == 1:
        return holders[0]
    if holders:
        wanted = [one if isinstance(one, str) else ".".join(one) for one in holders]
        raise UsageError(f"'{name}' may be several.", hint=f"Say which: {_shorten(wanted)}.")
    for table, column in _splits(name):
        if known := _called(lineage, table):
            raise _unknown(
                f"{known[0]} has no column '{column}'.", column, lineage.relations[known[0]].columns
            )
    everything = [*lineage.relations, *(one.name for one in lineage.relations.values())]
    raise _unknown(f"There is no table or column '{name}'.", name, everything)


def _splits(name: str) -> list[tuple[str, str]]:
    """(table, column) of each dot, the last one first; the whole may be a column's name, too."""
    parts = name.split(".")
    return [(".".join(parts[:place]), ".".join(parts[place:])) for place in range(len(parts) - 1, -1, -1)]


def _holders(lineage: Lineage, table: str, column: str) -> list[Column]:
    tables = _called(lineage, table) if table else list(lineage.relations)
    return [Column(one, column) for one in tables if column in lineage.relations[one].columns]


def _called(lineage: Lineage, name: str) -> list[str]:
    """By id, else by a name that ends so: `carts` may be bronze_shop.carts, `sales` the report."""
    if name in lineage.relations:
        return [name]
    bare = [one.id for one in lineage.relations.values() if name in (one.name, f"{one.schema}.{one.name}")]
    tables = [one for one in bare if lineage.relations[one].kind in ("model", "bronze", "table")]
    return tables or bare


def _unknown(message: str, name: str, known: Collection[str]) -> UsageError:
    near = get_close_matches(name, known, n=1)
    if near:
        return UsageError(message, hint=f"Did you mean '{near[0]}'?")
    shown = _shorten(list(known)) if known else ""
    return UsageError(message, hint=f"There is: {shown}." if shown else "See: pipeline-cli lineage")


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
