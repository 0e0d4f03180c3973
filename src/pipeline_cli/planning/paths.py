"""Where a field goes: the gold columns and the report figures that are made of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pipeline_cli.lineage.graph import Column, Lineage

MOST = 20
Path = tuple[str, ...]


def field_paths(lineage: Lineage, column: Column) -> list[Path]:
    """Ways from a bronze column to reports, each through the gold columns on it, the shortest ones first.

    A gold column that no report shows ends its way. Names: `price`, `fact_sales.revenue`, `report sales: revenue`.
    """
    found: dict[Path, None] = {}
    for way in islice(_ways(lineage, column), 2_000):
        shown = tuple(name for each in way[1:] if (name := _show(lineage, each)))
        if shown:
            found[(column.name, *shown)] = None
    ordered = sorted(found, key=lambda path: (not path[-1].startswith("report "), len(path), path))
    kept = [path for path in ordered if not any(_begins(other, path) for other in found)]
    return kept[:MOST]


def table_reports(lineage: Lineage, tables: list[str]) -> dict[str, list[str]]:
    """Report -> those of these tables that it reads, at first or second hand."""
    found: dict[str, list[str]] = {}
    for table in tables:
        if table not in lineage.relations:
            continue
        for reader in lineage.descendants(table):
            if lineage.relations[reader].kind == "report":
                found.setdefault(lineage.relations[reader].name, []).append(table)
    return found


def _ways(lineage: Lineage, column: Column) -> Iterator[list[Column]]:
    """All ways down from the column to columns that nothing is made of, without circles."""
    waiting = [[column]]
    while waiting:
        way = waiting.pop(0)
        uses = [each for each in lineage.uses(way[-1]) if each not in way]
        if not uses:
            yield way
        waiting += [[*way, each] for each in uses]


def _show(lineage: Lineage, column: Column) -> str:
    """A column as a path names it; nothing for what lies between bronze and gold."""
    relation = lineage.relations[column.relation]
    if relation.kind == "report":
        return f"report {relation.name}: {column.name}"
    if relation.kind == "model" and relation.schema.startswith("gold"):
        return f"{relation.name}.{column.name}"
    return ""


def _begins(longer: Path, path: Path) -> bool:
    return len(longer) > len(path) and longer[: len(path)] == path
