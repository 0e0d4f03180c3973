"""What going back to a run would take: which loads, out of which tables, and where history does not allow it.

append   rows carry their load's id: those of later loads go
scd2     so do versions; those that a later load ended are current again
merge    a row that a later load replaced is gone. Where every row that the earlier loads brought is still there, none
         was replaced, and the later ones go; else there is no way back
replace  the rows before are gone, unless no later load touched the table
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.loads_of import KnownLoad, RunMoment, known_loads, touched_by
from pipeline_cli.maintenance.dlt_state import LOADS

Kind = Literal["append", "merge", "replace", "scd2"]
OURS = ("_quarantine", "_files")  # what goes by the load's id as it stands


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A root table. rows: how many go; children: the tables of its nested lists, parents first, with their parents."""

    name: str
    kind: Kind
    rows: int
    children: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class SourceRollback:
    """One source. kept, removed: load ids, oldest first; refused: table -> why it cannot go back."""

    source: str
    kept: list[str]
    removed: list[str]
    tables: list[TablePlan] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        return f"bronze_{self.source}"


def plan_source(
    connection: Connection, warehouse: Warehouse, ledger: Ledger, source: str, run: RunMoment
) -> SourceRollback | None:
    """What of a source came after the run; None where nothing did."""
    dataset = f"bronze_{source}"
    there = {name for _, name in warehouse.relations([dataset])}
    if LOADS not in there:
        return None
    known = known_loads(ledger.database, run.environment, source)
    ids = [
        str(row[0])
        for row in connection.query(f"SELECT load_id FROM {quote(dataset, LOADS)} ORDER BY load_id")
    ]
    kept = [load_id for load_id in ids if _is_kept(load_id, known, run)]
    plan = SourceRollback(source, kept, [load_id for load_id in ids if load_id not in set(kept)])
    if not plan.removed:
        return None
    touched = {
        name for of, name in touched_by(ledger.database, run.environment, plan.removed) if of == dataset
    }
    for name, (kind, children) in _roots(connection, dataset, source, there).items():
        rows = _count(connection, dataset, name, plan.removed)
        why = _why_not(connection, plan, name, kind, rows, known, name in touched)
        if why:
            plan.refused[name] = why
        elif rows or kind == "scd2":
            plan.tables.append(TablePlan(name, kind, rows, tuple(children)))
    return plan


def _is_kept(load_id: str, known: Mapping[str, KnownLoad], run: RunMoment) -> bool:
    """By its run where the ledger knows it; a load of a run that was killed by when it began."""
    if load_id in known:
        return known[load_id].run_started_at <= run.started_at
    return float(load_id) <= run.ended_at.timestamp()


def _why_not(
    connection: Connection,
    plan: SourceRollback,
    table: str,
    kind: Kind,
    rows: int,
    known: Mapping[str, KnownLoad],
    is_touched: bool,
) -> str:
    if kind == "replace":
        is_changed = rows or is_touched
        return "replace keeps nothing of what was there before" if is_changed else ""
    if kind != "merge" or not rows:
        return ""
    if any(
        load_id not in known for load_id in plan.kept if _count(connection, plan.dataset, table, [load_id])
    ):
        return "merge: the ledger does not know how many rows the loads before brought"
    brought = sum(known[load_id].loaded.get(table, 0) for load_id in plan.kept if load_id in known)
    left = _count(connection, plan.dataset, table, plan.kept)
    if left == brought:
        return ""
    return f"merge: {brought - left} of the {brought} rows that the loads before brought were replaced since"


def _count(connection: Connection, dataset: str, table: str, load_ids: list[str]) -> int:
    if not load_ids:
        return 0
    listed = ", ".join(map(literal, load_ids))
    statement = f"SELECT count(*) FROM {quote(dataset, table)} WHERE _dlt_load_id IN ({listed})"
    return int(connection.query(statement)[0][0])


def _roots(
    connection: Connection, dataset: str, source: str, there: set[str]
) -> dict[str, tuple[Kind, list[tuple[str, str]]]]:
    """Root table -> how it is written, and its child tables, as dlt's stored schema has them."""
    rows = connection.query(
        f"SELECT {quote('schema')} FROM {quote(dataset, '_dlt_version')} WHERE schema_name = {literal(source)}"
        " ORDER BY inserted_at DESC LIMIT 1"
    )
    tables: Mapping[str, Any] = json.loads(rows[0][0])["tables"] if rows else {}
    found: dict[str, tuple[Kind, list[tuple[str, str]]]] = {}
    for name, table in tables.items():
        is_data = not name.startswith("_") and name in there and not table.get("parent")
        if is_data and "_dlt_load_id" in table["columns"]:
            found[name] = (_kind(table), _children(tables, name, there))
    return found


def _kind(table: Mapping[str, Any]) -> Kind:
    if "_dlt_valid_to" in table["columns"]:
        return "scd2"
    kind: Kind = table.get("write_disposition", "append")
    return kind


def _children(tables: Mapping[str, Any], root: str, there: set[str]) -> list[tuple[str, str]]:
    """(table, parent), parents first."""
    found: list[tuple[str, str]] = []
    names = [root]
    for parent in names:
        for name, table in tables.items():
            if table.get("parent") == parent and name in there:
                found.append((name, parent))
                names.append(name)
    return found
