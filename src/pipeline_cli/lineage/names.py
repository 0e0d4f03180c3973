"""What people call a table or column, found in the lineage."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pipeline_cli.errors import UsageError
from pipeline_cli.lineage.graph import Column, Lineage, Relation

MOST_SHOWN = 12


def find(lineage: Lineage, name: str) -> Column | str:
    """The relation's id, or the column, that `schema.table.column`, `table.column` or `table` names.

    Capitals count where they make a difference. Raises UsageError where there is none, or more than one, with
    the names that there are.
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
    raise _unknown(f"There is no table or column '{name}'.", name, _known(lineage, name))


def in_schema(lineage: Lineage, name: str) -> list[Relation]:
    """The tables of a schema, or a source's resources; none where nothing is called so, or a table is, too."""
    if _named(lineage, name):
        return []
    return [one for one in lineage.relations.values() if one.schema and _is_same(one.schema, name)]


def _known(lineage: Lineage, name: str) -> list[str]:
    """What a wrong name may have meant, with columns where it has a dot: what is made last stands first."""
    last_first = list(lineage.relations.values())[::-1]
    listed = sorted(
        last_first, key=lambda one: (not _is_table(lineage, one.id), not one.schema.startswith("gold"))
    )
    tables = [one.id for one in listed]
    tables += [one.name for one in listed]
    tables += dict.fromkeys(one.schema for one in listed if one.schema)
    if "." not in name:
        return tables
    return tables + [
        f"{table}.{column}" for one in listed for table in (one.id, one.name) for column in one.columns
    ]


def _splits(name: str) -> list[tuple[str, str]]:
    """(table, column) of each dot, the last one first; the whole may be a column's name, too."""
    parts = name.split(".")
    return [(".".join(parts[:place]), ".".join(parts[place:])) for place in range(len(parts) - 1, -1, -1)]


def _holders(lineage: Lineage, table: str, column: str) -> list[Column]:
    """The columns of this name, of tables rather than of the sources and reports that are called so, too."""
    named = _named(lineage, table) if table else list(lineage.relations)
    exact = [Column(one, column) for one in named if column in lineage.relations[one].columns]
    found = exact or [
        Column(one, own) for one in named for own in lineage.relations[one].columns if _is_same(own, column)
    ]
    if not table:
        return found
    return [one for one in found if _is_table(lineage, one.relation)] or found


def _called(lineage: Lineage, name: str) -> list[str]:
    """The tables of this name: `carts` may be bronze_shop.carts; else the source's resource, or the report."""
    named = _named(lineage, name)
    return [one for one in named if _is_table(lineage, one)] or named


def _named(lineage: Lineage, name: str) -> list[str]:
    """By id, else by a name that ends so; else by one that differs in capitals alone."""
    if name in lineage.relations:
        return [name]

    def ways(one: Relation) -> tuple[str, ...]:
        return one.id, one.name, f"{one.schema}.{one.name}"

    relations = lineage.relations.values()
    exact = [one.id for one in relations if name in ways(one)]
    return exact or [one.id for one in relations if any(_is_same(name, way) for way in ways(one))]


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _is_table(lineage: Lineage, one: str) -> bool:
    return lineage.relations[one].kind in ("model", "bronze", "table")


def _unknown(message: str, name: str, known: Collection[str]) -> UsageError:
    folded = {one.casefold(): one for one in reversed(list(known))}
    near = get_close_matches(name.casefold(), folded, n=1)
    if near:
        return UsageError(message, hint=f"Did you mean '{folded[near[0]]}'?")
    shown = _shorten(list(known)) if known else ""
    return UsageError(message, hint=f"There is: {shown}." if shown else "See: pipeline-cli lineage")


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
