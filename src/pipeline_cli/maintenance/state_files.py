"""The whole state in one file, and back: cursors, files that are done, decisions, and what the ledger knows of runs.

A state without its rows would make the next run skip records. So a restore wants the very load that the state
belongs to, in the warehouse.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.state import CURSORS, FILES, STATE_TABLES
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.document import StepResult, format_time, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.dump import dump_ledger, restore_ledger
from pipeline_cli.maintenance.dlt_state import (
    LOADS,
    STATES,
    new_load_id,
    read_state,
    sync_folder,
    write_load,
    write_state,
)
from pipeline_cli.maintenance.engine import prepare_dlt, recover_rows
from pipeline_cli.maintenance.operation import Operation, operate, pipelines_of, timed
from pipeline_cli.project import Project
from pipeline_cli.sources.build import is_column_source

FORMAT = 1
RESTORE = "state restore"
_TABLES = (FILES, CURSORS)


def backup_state(project: Project, warehouse: Warehouse, ledger: Ledger, path: Path) -> dict[str, int]:
    """Write the environment's state to `path`, whole or not at all. Returns how many cursors, files and runs."""
    prepare_dlt(project)
    sources = {}
    with closing(warehouse.connect()) as connection, connection.snapshot():
        for source in project.manifest.sources:
            tables = {name for _, name in warehouse.relations([f"bronze_{source}"])}
            if LOADS in tables:
                sources[source] = _dump_source(connection, tables, source)
    document = {
        "format": FORMAT,
        "project": project.manifest.name,
        "environment": project.environment_name,
        "made_at": format_time(utc_now()),
        "sources": sources,
        "ledger": dump_ledger(ledger.database, project.environment_name),
    }
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_text(json.dumps(document, ensure_ascii=False, default=str), encoding="utf-8")
    unfinished.replace(path)
    return {
        "sources": len(sources),
        "files": sum(len(each["tables"].get(FILES, ())) for each in sources.values()),
        "runs": len(document["ledger"]["runs"]),  # type: ignore[index]
    }


def _dump_source(connection: Connection, tables: set[str], source: str) -> dict[str, Any]:
    from dlt.common.versioned_state import json_encode_state

    dataset = f"bronze_{source}"
    [(newest,)] = connection.query(f"SELECT max(load_id) FROM {quote(dataset, LOADS)} WHERE status = 0")
    stored = read_state(connection, dataset, source) if STATES in tables else None
    kept = {name: _rows(connection, dataset, name) for name in _TABLES if name in tables}
    state: Any = stored.state if stored else None
    return {"load_id": newest, "dlt_state": json_encode_state(state) if state else None, "tables": kept}


def _rows(connection: Connection, dataset: str, table: str) -> list[dict[str, Any]]:
    names = list(STATE_TABLES[table])
    found = connection.query(f"SELECT {', '.join(map(quote, names))} FROM {quote(dataset, table)}")
    return [
        {
            name: value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in zip(names, row, strict=True)
        }
        for row in found
    ]


def read_backup(project: Project, path: Path) -> dict[str, Any]:
    """The document of a backup. Raises UsageError where it is none, or of another environment."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        is_ours = document["format"] == FORMAT and isinstance(document["sources"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise UsageError(f"{path} is no backup that this version can read.", code="E016")
    if document["environment"] != project.environment_name:
        raise UsageError(
            f"{path} is the state of '{document['environment']}', and this is '{project.environment_name}'.",
            code="E016",
            hint=f"pipeline-cli state restore {path} --env {document['environment']}",
        )
    return dict(document)


def restore_state(project: Project, path: Path, *, yes: bool) -> tuple[Operation, dict[str, Any]]:
    """Put the state of a backup in place of the destination's, source by source, and add the runs it knows.

    Raises UsageError where the warehouse lacks the load that a state belongs to, or holds later ones and `yes` is
    not given; nothing has changed then.
    """
    prepare_dlt(project)
    document = read_backup(project, path)
    sources = [name for name in document["sources"] if name in project.manifest.sources]
    if not sources:
        raise UsageError(f"{path} has the state of no source of this project.", code="E016")
    with operate(project, RESTORE, sources) as operation:
        for source in sources:
            if not is_column_source(project.manifest.sources[source]):
                recover_rows(operation, source)
        _require_rows(operation, document["sources"], sources, yes)
        for source in sources:
            _restore(operation, source, document["sources"][source])
        added = restore_ledger(operation.ledger.database, document["ledger"])
    return operation, {"sources": sources, "runs": added}


def _require_rows(operation: Operation, saved: Mapping[str, Any], sources: Sequence[str], yes: bool) -> None:
    later = []
    with closing(operation.warehouse.connect()) as connection:
        for source in sources:
            dataset, load_id = f"bronze_{source}", saved[source]["load_id"]
            tables = {name for _, name in operation.warehouse.relations([dataset])}
            ids = set()
            if LOADS in tables:
                ids = {row[0] for row in connection.query(f"SELECT load_id FROM {quote(dataset, LOADS)}")}
            if load_id is not None and load_id not in ids:
                raise UsageError(
                    f"{dataset} does not hold the load {load_id} that the state of {source} belongs to:"
                    " records that it takes for read would never come.",
                    code="E016",
                    hint="Restore the warehouse first; or read everything again: pipeline-cli run --full-refresh",
                )
            later += [source for each in ids if load_id is not None and each > load_id][:1]
    if (later or operation.project.environment.protected) and not yes:
        why = (
            f"{', '.join(later)}: loads have come since, and their records are read again"
            if later
            else "it is protected"
        )
        raise UsageError(
            f"the state of '{operation.project.environment_name}' is not replaced without consent ({why}; with"
            " write_disposition: append they would be there twice)",
            code="E016",
            hint="Add --yes if that is what you want.",
        )


def _restore(operation: Operation, source: str, saved: Mapping[str, Any]) -> None:
    from dlt.common.versioned_state import json_decode_state

    begun = time.monotonic()
    dataset, warehouse = f"bronze_{source}", operation.warehouse
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        load_id = new_load_id(connection, dataset)
        for table, rows in saved["tables"].items():
            _replace_rows(connection, dataset, table, rows)
        if saved["dlt_state"] is not None:
            state = dict(json_decode_state(saved["dlt_state"]))
            write_state(connection, operation.project, source, state, load_id)
        write_load(connection, dataset, source, load_id)
    if saved["dlt_state"] is not None and not is_column_source(operation.project.manifest.sources[source]):
        sync_folder(operation.project, warehouse, source)
    step = StepResult(f"state:{source}", "ingest", "succeeded")
    pipelines = list(pipelines_of(operation.project, [source])) or [source]
    operation.note_step(pipelines[0], timed(step, begun))
    operation.note_load(source, step, [load_id], frozenset(), "moved")


def _replace_rows(
    connection: Connection, dataset: str, table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    name = quote(dataset, table)
    connection.execute(f"DELETE FROM {name}")
    kinds = STATE_TABLES[table]
    for start in range(0, len(rows), 500):
        values = ", ".join(
            f"({', '.join(_sql(row[column], kind) for column, kind in kinds.items())})"
            for row in rows[start : start + 500]
        )
        connection.execute(f"INSERT INTO {name} ({', '.join(map(quote, kinds))}) VALUES {values}")


def _sql(value: Any, kind: str) -> str:
    types = {"text": "text", "bigint": "bigint", "timestamp": "timestamp with time zone"}
    return f"CAST({literal(None if value is None else str(value))} AS {types[kind]})"
