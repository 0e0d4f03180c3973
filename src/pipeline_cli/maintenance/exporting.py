"""Rejected records as a file: CSV that is safe to open in a spreadsheet, or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import format_time
from pipeline_cli.project import Project
from pipeline_cli.quarantine import Rejected, Wanted, read_open
from pipeline_cli.quarantine.records import TABLE
from pipeline_cli.reports.csv_files import write_csv

COLUMNS = (
    "id",
    "source",
    "resource",
    "run_id",
    "rejected_at",
    "reasons",
    "record",
    "record_hash",
    "file",
    "line",
    "raw",
    "decision",
    "reason",
    "decided_by",
    "decided_at",
)
_BATCH = 1_000


def export_rejected(
    project: Project,
    warehouse: Warehouse,
    path: Path,
    sources: Sequence[str],
    wanted: Wanted,
    *,
    decided: bool,
) -> int:
    """Write the records that fit, oldest first, to `path`, in the form that its name ends in (.csv, .jsonl).

    decided: also those that are not open. Whole or not at all: an earlier file stays until this one is there.
    Returns how many; memory: a page of them.
    """
    batches = _batches(_records(project, warehouse, sources, wanted, decided))
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        if path.suffix == ".csv":
            rows = ([[_cell(name, row[name]) for name in COLUMNS] for row in batch] for batch in batches)
            count = write_csv(unfinished, COLUMNS, rows)
        else:
            count = _write_lines(unfinished, batches)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def to_dict(record: Rejected) -> dict[str, Any]:
    """The record's object, times as ISO 8601 in UTC."""
    found: dict[str, Any] = {name: getattr(record, name) for name in COLUMNS}
    for name in ("rejected_at", "decided_at"):
        found[name] = format_time(found[name])
    return found


def _records(
    project: Project, warehouse: Warehouse, sources: Sequence[str], wanted: Wanted, decided: bool
) -> Iterator[Rejected]:
    there = set(warehouse.relations([f"bronze_{source}" for source in sources]))
    with closing(warehouse.connect()) as connection:
        for source in sources:
            if (f"bronze_{source}", TABLE) in there:
                yield from read_open(connection, f"bronze_{source}", wanted, decided=decided)


def _batches(records: Iterator[Rejected]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for record in records:
        batch.append(to_dict(record))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _write_lines(path: Path, batches: Iterator[list[dict[str, Any]]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for row in (row for batch in batches for row in batch):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _cell(name: str, value: Any) -> Any:
    """Reasons as a sentence that people read: "$.price: … [minimum]; …"."""
    if name != "reasons":
        return value
    return "; ".join(f"{each['path']}: {each['message']} [{each['rule']}]" for each in value)
