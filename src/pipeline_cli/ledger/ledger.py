"""The ledger as the rest of the program sees it. Every change is its own short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_cli.document import RunResult, StepResult, TryResult, utc_now
from pipeline_cli.drift import SourceFields
from pipeline_cli.ledger import deaths, history, pruning, recording
from pipeline_cli.ledger.alert_entries import AlertNews
from pipeline_cli.ledger.alert_store import AlertStore
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing, open_database, reading
from pipeline_cli.ledger.entries import LoadEntry, ModelBuild, RunEntry, RunSummary, TransformState
from pipeline_cli.ledger.export import ExportedTable, export_runs
from pipeline_cli.ledger.source_fields import read_fields, write_fields
from pipeline_cli.ledger.transform_state import (
    ask_rebuild,
    clear_rebuild,
    forget_states,
    needs_rebuild,
    read_state,
    write_state,
)


class Ledger:
    """Runs and what they did. Safe to use from several threads; several processes may hold one open.

    warnings: what the user should hear about opening it (a damaged file that was moved aside).
    """

    def __init__(self, database: Database, warnings: Sequence[str] = ()) -> None:
        self.database = database
        self.warnings = list(warnings)

    @classmethod
    def open(cls, database: Path | str) -> Ledger:
        """Open the ledger in a SQLite file, or at a URL (`open_database`); new ones are made.

        Raises LoadError where it cannot be opened, UsageError where a newer version wrote it.
        """
        return cls(*open_database(database))

    def close(self) -> None:
        self.database.close()

    @property
    def alerts(self) -> AlertStore:
        """The incidents, and the alerts due and sent."""
        return AlertStore(self.database)

    # -- a run as it happens -------------------------------------------------------------------------------

    def start_run(self, entry: RunEntry) -> None:
        """Open a run for this process; its status is `running` until finish_run or close_abandoned."""
        recording.start_run(self.database, entry)

    def claim(self, run_id: str) -> None:
        """The heartbeat: tell other hosts that the run's process is alive."""
        with changing(self.database) as connection:
            statement = "UPDATE runs SET claimed_at = :now WHERE run_id = :run_id"
            connection.change(statement, now=utc_now(), run_id=run_id)

    def start_step(self, run_id: str, pipeline: str, step: StepResult) -> None:
        """Write that a step has begun; `step.status` is `running`."""
        recording.write_step(self.database, (run_id, pipeline), step)

    def finish_step(self, run_id: str, pipeline: str, step: StepResult, message: str | None = None) -> None:
        """Write a step's final status with its checks and models. `message`: its first error, masked."""
        ended_at = step.started_at + timedelta(seconds=step.duration_s)
        recording.write_step(self.database, (run_id, pipeline), step, ended_at, message)

    def record_try(self, run_id: str, pipeline: str, step: str, attempt: TryResult) -> None:
        """Write a try that failed and is followed by another; finish_step writes them all."""
        recording.write_try(self.database, (run_id, pipeline, step), attempt)

    def record_load(self, run_id: str, environment: str, entry: LoadEntry) -> None:
        """Write the account of one ingest, a row a resource; one row without a resource where it has none."""
        recording.record_load(self.database, run_id, environment, entry)

    def finish_run(
        self, result: RunResult, ended_at: datetime | None = None, news: AlertNews | None = None
    ) -> None:
        """Close a run with its document; `unpublished` gives it until mark_published.

        news: the incidents and alerts that follow from it, written with it or not at all.
        """
        recording.finish_run(self.database, result, ended_at or utc_now(), news)

    def prune(self, environment: str, *, alerts_before: datetime, slots_before: datetime) -> int:
        """Remove alerts, incidents and slots that were over before; how many. What is due or open stays."""
        gone = pruning.prune_alerts(self.database, environment, alerts_before)
        return gone + pruning.prune_slots(self.database, environment, slots_before)

    def close_abandoned(self) -> list[str]:
        """Close the runs whose process is gone as `interrupted`; their ids."""
        return history.close_abandoned(self.database)

    def untold_deaths(self, environment: str) -> list[RunResult]:
        """The runs that died and were closed by others, with the steps that they were in; until mark_told."""
        return deaths.untold_deaths(self.database, environment)

    def mark_told(self, run_ids: Sequence[str]) -> None:
        deaths.mark_told(self.database, run_ids)

    # -- what was --------------------------------------------------------------------------------------------

    def document(self, run_id: str) -> dict[str, Any]:
        """The run document as `run --json` printed it. Raises UsageError for an unknown id."""
        return history.read_document(self.database, run_id)

    def recent(
        self, limit: int = 20, pipeline: str | None = None, environment: str | None = None
    ) -> list[RunSummary]:
        """The newest runs first; only those with a step of `pipeline`, in `environment`, where given."""
        return history.read_recent(self.database, limit, pipeline, environment)

    def last_success(self, environment: str, pipeline: str) -> datetime | None:
        """When the pipeline's newest successful (or unchanged) run ended; None when there is none."""
        return history.last_success(self.database, environment, pipeline)

    def last_load(self, environment: str, sources: Sequence[str]) -> datetime | None:
        """When one of the sources was last loaded, or found to have nothing new; None when none ever was."""
        return history.last_load(self.database, environment, sources)

    def last_builds(self, environment: str) -> dict[str, ModelBuild]:
        """The last successful build of each model, by its name (schema.name)."""
        return history.last_builds(self.database, environment)

    def last_failed(self, environment: str) -> str | None:
        """The id of the newest run that failed or was interrupted; None when there is none."""
        return history.last_failed(self.database, environment)

    def remaining(self, run_id: str) -> dict[str, dict[str, int]]:
        """Pipeline -> step -> tries so far, of the steps that neither this run nor a later one has done.

        Raises UsageError for an unknown id.
        """
        return history.remaining(self.database, run_id)

    def was_full_refresh(self, run_id: str) -> bool:
        with reading(self.database) as connection:
            return bool(
                connection.value("SELECT full_refresh FROM runs WHERE run_id = :run_id", run_id=run_id)
            )

    # -- sources ---------------------------------------------------------------------------------------------

    def source_fields(self, environment: str, source: str) -> SourceFields:
        """The fields that the source has given so far, by table; empty before its first load."""
        return read_fields(self.database, environment, source)

    def save_source_fields(self, environment: str, source: str, fields: SourceFields) -> None:
        write_fields(self.database, environment, source, fields)

    # -- transforms ------------------------------------------------------------------------------------------

    def transform_state(self, environment: str, pipeline: str, name: str) -> TransformState | None:
        """What the transform was last built from; None when it never was."""
        return read_state(self.database, (environment, pipeline, name))

    def save_transform(self, environment: str, pipeline: str, name: str, state: TransformState) -> None:
        write_state(self.database, (environment, pipeline, name), state)

    def forget_transforms(self, environment: str) -> None:
        """What all transforms were built from there: it is gone."""
        forget_states(self.database, environment)

    def needs_rebuild(self, environment: str, pipeline: str, name: str) -> bool:
        """Whether the transform has to be built from nothing: rows that it was built from were taken back."""
        return needs_rebuild(self.database, (environment, pipeline, name))

    def ask_rebuild(self, environment: str, pipeline: str, name: str, run_id: str) -> None:
        """Let the transform's next build be from nothing."""
        ask_rebuild(self.database, (environment, pipeline, name), run_id)

    def clear_rebuild(self, environment: str, pipeline: str, name: str) -> None:
        """It was built from nothing."""
        clear_rebuild(self.database, (environment, pipeline, name))

    def loaded_tables(self, environment: str, load_ids: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
        """Load id -> the (dataset, table) it put rows into; ids that the ledger does not know are absent."""
        query = (
            "SELECT load_id, dataset, table_name FROM loaded_tables "
            "WHERE environment = :environment AND load_id IN :load_ids"
        )
        found: dict[str, set[tuple[str, str]]] = {}
        with reading(self.database) as connection:
            for row in connection.rows(query, environment=environment, load_ids=tuple(load_ids)):
                touched = found.setdefault(str(row.load_id), set())
                if row.table_name:
                    touched.add((str(row.dataset), str(row.table_name)))
        return found

    # -- publishing ------------------------------------------------------------------------------------------

    def unpublished(self, environment: str, *, again: bool = False) -> list[str]:
        """The closed runs that are not in the warehouse yet, oldest first; all closed ones with `again`."""
        query = (
            "SELECT run_id FROM runs WHERE environment = :environment AND status <> 'running' "
            f"{'' if again else 'AND NOT published'} ORDER BY started_at"
        )
        with reading(self.database) as connection:
            return connection.values(query, environment=environment)

    def export(self, run_ids: Sequence[str]) -> list[ExportedTable]:
        """The rows of these runs, as the warehouse gets them."""
        return export_runs(self.database, run_ids)

    def mark_published(self, run_ids: Sequence[str]) -> None:
        with changing(self.database) as connection:
            statement = "UPDATE runs SET published = :published WHERE run_id IN :run_ids"
            connection.change(statement, published=True, run_ids=tuple(run_ids))
