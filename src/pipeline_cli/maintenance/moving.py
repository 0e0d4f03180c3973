"""`state list` and `state set`: how far the sources have been read, and a cursor that is moved by hand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse
from pipeline_cli.document import StepResult
from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.cursors import (
    CursorState,
    SourceState,
    bookmark_text,
    compare,
    parse_value,
    read_source,
    write_column_cursor,
)
from pipeline_cli.maintenance.dlt_state import (
    incrementals,
    new_load_id,
    read_state,
    sync_folder,
    write_load,
    write_state,
)
from pipeline_cli.maintenance.engine import prepare_dlt
from pipeline_cli.maintenance.operation import Operation, operate, pipelines_of, timed
from pipeline_cli.project import Project
from pipeline_cli.sources.build import is_column_source

SET = "state set"


@dataclass(frozen=True, slots=True)
class Move:
    """A cursor's move. direction: -1 back, 1 forward; meaning: what the next run does then."""

    cursor: CursorState
    value: Any
    direction: int
    meaning: str


def read_states(project: Project, warehouse: Warehouse, sources: Sequence[str]) -> list[SourceState]:
    """The states of these sources; of one that was never loaded, an empty one."""
    prepare_dlt(project)
    found = []
    with closing(warehouse.connect()) as connection:
        for source in sources:
            tables = {name for _, name in warehouse.relations([f"bronze_{source}"])}
            found.append(read_source(connection, tables, source))
    return found


def plan_move(project: Project, warehouse: Warehouse, source: str, resource: str, text: str) -> Move:
    """What `state set` would do. Raises UsageError for a resource without a cursor, or a value of another kind."""
    [state] = read_states(project, warehouse, [source])
    cursor = find_cursor(project, state, resource)
    value = parse_value(cursor, text)
    direction = compare(cursor, value)
    disposition = _disposition(project, source, resource)
    return Move(cursor, value, direction, _explain(cursor, value, direction, disposition))


def find_cursor(project: Project, state: SourceState, resource: str) -> CursorState:
    """The resource's cursor. Raises UsageError where it has none, and says what it has."""
    shown = f"{state.source}.{resource}"
    found = [each for each in state.cursors if each.resource == resource]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        paths = ", ".join(each.path for each in found)
        raise UsageError(f"{shown} has more than one cursor: {paths}.", code="E015")
    if any(each.resource == resource for each in state.files):
        raise UsageError(
            f"{shown} has no cursor: it remembers the files that are done.",
            code="E015",
            hint="To read all of them again: pipeline-cli run PIPELINE --full-refresh",
        )
    hints = project.manifest.sources[state.source].resources.get(resource)
    if getattr(hints, "incremental", None) is not None:
        raise UsageError(
            f"{shown} has not been read yet in '{project.environment_name}'.",
            code="E015",
            hint="Its first run begins at incremental.initial_value.",
        )
    raise UsageError(f"{shown} has no cursor: every run reads all of it.", code="E015")


def _disposition(project: Project, source: str, resource: str) -> str:
    hints = project.manifest.sources[source].resources.get(resource)
    return "append" if hints is None else str(hints.write_disposition)


def _explain(cursor: CursorState, value: Any, direction: int, disposition: str) -> str:
    shown = f"{cursor.source}.{cursor.resource}"
    if direction < 0:
        told = f"the next run reads the records of {shown} from {value} on again"
        if disposition == "append":
            return f"{told}; with write_disposition: append those up to {cursor.value} will be there twice"
        return f"{told}; {disposition} keeps one of each key"
    if direction > 0:
        return f"records of {shown} between {cursor.value} and {value} that have not been read are skipped"
    return f"{shown} stands there already"


def require_consent(project: Project, move: Move, yes: bool) -> None:
    """Raise UsageError where the move wants --yes: a protected environment, or rows that would be there twice."""
    disposition = _disposition(project, move.cursor.source, move.cursor.resource)
    doubles = move.direction < 0 and disposition == "append"
    if yes or not (project.environment.protected or doubles):
        return
    why = f"environment {project.environment_name!r} is protected" if not doubles else "rows would be doubled"
    raise UsageError(f"{why}: {move.meaning}", code="E015", hint="Add --yes if that is what you want.")


def set_cursor(
    project: Project, source: str, resource: str, text: str, *, yes: bool
) -> tuple[Operation, Move]:
    """Move a cursor, in the destination and in one transaction. Raises UsageError, Busy, LoadError."""
    prepare_dlt(project)
    with operate(project, SET, [source]) as operation:
        begun = time.monotonic()
        recovered = _recover(operation, source)
        move = plan_move(project, operation.warehouse, source, resource, text)
        require_consent(project, move, yes)
        load_ids: list[str] = []
        if move.direction:
            load_ids = [_write(operation, move)]
            if move.cursor.kept_in == "dlt":
                sync_folder(project, operation.warehouse, source)
        step = StepResult(f"state:{source}", "ingest", "succeeded" if move.direction else "unchanged")
        step.notes = [*recovered, f"{source}.{resource}: {move.cursor.value} -> {move.value}: {move.meaning}"]
        pipelines = list(pipelines_of(project, [source])) or [source]
        operation.note_step(pipelines[0], timed(step, begun))
        operation.note_load(source, step, load_ids, frozenset(), "moved")
    return operation, move


def _recover(operation: Operation, source: str) -> list[str]:
    """What a run that died left is loaded first: its own cursor would come after ours."""
    if is_column_source(operation.project.manifest.sources[source]):
        return []
    from pipeline_cli.maintenance.engine import recover_rows

    return recover_rows(operation, source)


def _write(operation: Operation, move: Move) -> str:
    source, warehouse = move.cursor.source, operation.warehouse
    dataset = f"bronze_{source}"
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        load_id = new_load_id(connection, dataset)
        if move.cursor.kept_in == "columns":
            value = bookmark_text(move.cursor, str(move.value))
            write_column_cursor(connection, dataset, (move.cursor.resource, value, operation.run_id, load_id))
        else:
            _write_dlt(connection, operation.project, move, load_id)
        write_load(connection, dataset, source, load_id)
    return load_id


def _write_dlt(connection: Connection, project: Project, move: Move, load_id: str) -> None:
    cursor = move.cursor
    stored = read_state(connection, f"bronze_{cursor.source}", cursor.source)
    assert stored is not None
    state = deepcopy(stored.state)
    entry = incrementals(state)[cursor.resource, cursor.path]
    # Of the records that stand there none is known: all of them are read.
    entry |= {"last_value": move.value, "unique_hashes": []}
    write_state(connection, project, cursor.source, state, load_id)
