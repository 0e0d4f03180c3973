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
    holders = [one for table, column in _splits(name) for one in _holders(lineage, table, column)]
    if len(holders) == 1 and not relations:
        return holders[0]
    several = relations or [f"{one.relation}.{one.name}" for one in holders]
    if several:
        raise UsageError(f"'{name}' may be several.", hint=f"Say which: {_shorten(several)}.")
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
    """The columns of this name, of tables rather than of the sources and reports that are called so, too."""
    named = _named(lineage, table) if table else list(lineage.relations)
    found = [Column(one, column) for one in named if column in lineage.relations[one].columns]
    if not table:
        return found
    return [one for one in found if _is_table(lineage, one.relation)] or found


def _called(lineage: Lineage, name: str) -> list[str]:
    """The tables of this name: `carts` may be bronze_shop.carts; else the source's resource, or the report."""
    named = _named(lineage, name)
    return [one for one in named if _is_table(lineage, one)] or named


def _named(lineage: Lineage, name: str) -> list[str]:
    """By id, else by a name that ends so."""
    if name in lineage.relations:
        return [name]
    return [one.id for one in lineage.relations.values() if name in (one.name, f"{one.schema}.{one.name}")]


def _is_table(lineage: Lineage, one: str) -> bool:
    return lineage.relations[one].kind in ("model", "bronze", "table")


def _unknown(message: str, name: str, known: Collection[str]) -> UsageError:
    near = get_close_matches(name, known, n=1)
    if near:
        return UsageError(message, hint=f"Did you mean '{near[0]}'?")
    shown = _shorten(list(known)) if known else ""
    return UsageError(message, hint=f"There is: {shown}." if shown else "See: pipeline-cli lineage")


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
