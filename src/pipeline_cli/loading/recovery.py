"""What a run that died left behind is made whole before anything new is read.

dlt resumes a pending load package, but not safely: killed between the destination's COMMIT and the marker of a
job, `append` on DuckDB loads the rows twice, and on Postgres the retry fails for ever on the unique `_dlt_id`.
So the package's rows are removed first, by their load id, from main and staging tables; then all of its jobs are
queued again, and it is loaded as if for the first time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.errors import PipelineCliError, causes_of
from pipeline_cli.failpoints import failpoint
from pipeline_cli.loading.account import AccountError
from pipeline_cli.loading.closing import load_normalized, package_folder
from pipeline_cli.loading.pipeline import tables_below
from pipeline_cli.loading.working_folder import note_sizes

if TYPE_CHECKING:
    from dlt.common.schema import Schema
    from dlt.pipeline.pipeline import Pipeline

_UNFINISHED = ("started_jobs", "failed_jobs", "completed_jobs")


def finish_pending(pipeline: Pipeline, warehouse: Warehouse) -> tuple[frozenset[str], list[str]]:
    """Load what an earlier run extracted but did not finish loading.

    Returns the tables that received rows, and notes for the user. Where the package can never load, it is taken
    back: the cursor is rewound, and the source's records are read again.
    """
    if not pipeline.has_pending_data:
        return frozenset(), []
    from dlt.pipeline.exceptions import PipelineStepFailed

    failpoint("recovery.begin")
    if _is_overtaken(pipeline, warehouse):
        drop_pending(pipeline, warehouse)
        pipeline.sync_destination()
        return frozenset(), [
            "A load that an earlier run left here was given up: another host has loaded this source since."
        ]
    try:
        mend_packages(pipeline, warehouse)
        for load_id in pipeline.normalize().loads_ids:
            note_sizes(package_folder(pipeline, load_id))
        tables = _pending_tables(pipeline)
        load_normalized(pipeline, warehouse)
        failpoint("recovery.loaded")
    except PipelineStepFailed as error:
        if not _is_final(error):
            raise
        drop_pending(pipeline, warehouse)
        return frozenset(), ["A load that an earlier run left can never succeed; its records are read again."]
    return tables, ["The load that an earlier run left unfinished was completed first."]


def sweep_remains(pipeline: Pipeline) -> None:
    """Finish what dlt was deleting when its process died: until then it finds no way to go on.

    A normalized package is renamed into its place, then what it was extracted as is deleted file by file. Without a
    normalized one it was being taken back: then state and cursor come from the destination, as on a new machine.
    """
    extracted = pipeline._get_normalize_storage().extracted_packages
    folder = Path(extracted.storage.storage_path)
    normalized = set(pipeline.list_normalized_load_packages())
    for load_id in extracted.list_packages() if folder.is_dir() else ():
        if load_id in normalized:
            extracted.delete_package(load_id)
        elif not (folder / load_id / "new_jobs").is_dir():
            pipeline.drop()
            return


def _is_overtaken(pipeline: Pipeline, warehouse: Warehouse) -> bool:
    """Whether the destination holds a load that began after the oldest package left here.

    We load nothing new before this package is done with: so another host has, from the cursor as it was, and the
    package's records are there already.
    """
    pending = {*pipeline.list_normalized_load_packages(), *pipeline.list_extracted_load_packages()}
    if (pipeline.dataset_name, "_dlt_loads") not in set(warehouse.relations([pipeline.dataset_name])):
        return False
    oldest = min(pending, key=float)
    connection = warehouse.connect()
    try:
        table = quote(pipeline.dataset_name, "_dlt_loads")
        later = connection.query(f"SELECT load_id FROM {table} WHERE load_id > ?", [oldest])
    finally:
        connection.close()
    return any(load_id not in pending for (load_id,) in later)


def drop_pending(pipeline: Pipeline, warehouse: Warehouse) -> None:
    """Take back what an earlier run left: its rows, its package, and its cursor."""
    mend_packages(pipeline, warehouse)
    pipeline.abort_packages()


def mend_packages(pipeline: Pipeline, warehouse: Warehouse) -> None:
    """Take every half-loaded package's rows out of the destination, and queue all of its jobs again."""
    for load_id in pipeline.list_normalized_load_packages():
        mend_package(pipeline, warehouse, load_id)


def mend_package(pipeline: Pipeline, warehouse: Warehouse, load_id: str) -> None:
    """Take a half-loaded package's rows out of the destination, and queue all of its jobs again."""
    storage = pipeline._get_load_storage()
    folder = package_folder(pipeline, load_id)
    schema = storage.normalized_packages.load_schema(load_id)
    connection = warehouse.connect()
    try:
        _remove_rows(connection, warehouse, pipeline.dataset_name, schema, load_id)
    finally:
        connection.close()
    failpoint("recovery.removed")
    queue = folder / "new_jobs"
    queue.mkdir(exist_ok=True)
    for markers in (".pending_transitions", ".exceptions"):
        for marker in (folder / markers).glob("*") if (folder / markers).is_dir() else ():
            marker.unlink()
    for state in ("new_jobs", *_UNFINISHED):
        for job in (folder / state).glob("*") if (folder / state).is_dir() else ():
            if job.suffix == ".exception" or _is_followup(job):
                job.unlink()
            elif state != "new_jobs":
                job.replace(queue / job.name)
    failpoint("recovery.queued")


def _remove_rows(
    connection: Connection, warehouse: Warehouse, dataset: str, schema: Schema, load_id: str
) -> None:
    staging = f"{dataset}_staging"
    there = set(warehouse.relations([dataset, staging]))
    roots = [name for name, table in schema.tables.items() if not table.get("parent")]
    with connection.transaction():
        for table in (each for root in roots for each in tables_below(schema, root)):
            parent = schema.tables[table].get("parent")
            if (dataset, table) in there and (parent is None or (dataset, parent) in there):
                _delete(connection, schema, dataset, table, load_id)
            if (staging, table) in there:
                # Staging holds nothing but what a load is about to merge.
                connection.execute(f"DELETE FROM {quote(staging, table)}")


def _delete(connection: Connection, schema: Schema, dataset: str, table: str, load_id: str) -> None:
    """A root's rows go by their load id, then a child's go that have no parent left.

    Not by way of the parents: a child table's job may have been committed before its parent's was.
    """
    name = quote(dataset, table)
    if parent := schema.tables[table].get("parent"):
        connection.execute(
            f"DELETE FROM {name} AS child WHERE NOT EXISTS (SELECT 1 FROM {quote(dataset, parent)} AS parent"
            ' WHERE parent."_dlt_id" = child."_dlt_parent_id")'
        )
        return
    key = "load_id" if table == "_dlt_loads" else "_dlt_load_id"
    if key in schema.tables[table]["columns"]:
        connection.execute(f"DELETE FROM {name} WHERE {quote(key)} = ?", [load_id])


def _is_followup(job: Path) -> bool:
    """Jobs that dlt makes itself once a table's files are in: SQL merges and references.

    It makes them again. One that stayed in the queue would merge what is staged then, which is nothing: it would end
    every version of a table.
    """
    return job.suffix in (".sql", ".reference")


def _pending_tables(pipeline: Pipeline) -> frozenset[str]:
    storage = pipeline._get_load_storage()
    found: set[str] = set()
    for load_id in pipeline.list_normalized_load_packages():
        schema = storage.normalized_packages.load_schema(load_id)
        jobs = storage.normalized_packages.list_new_jobs(load_id)
        for job in jobs:
            table = Path(job).name.split(".")[0]
            if not table.startswith("_dlt_"):
                found.update(tables_below(schema, table))
    return frozenset(found)


def is_account_error(error: BaseException) -> bool:
    """Whether the destination took the load without a word, and does not hold all of it."""
    return any(isinstance(each, AccountError) for each in causes_of(error))


def _is_final(error: BaseException) -> bool:
    """Whether the destination refused the data itself: trying again would fail for ever. A locked table does not."""
    from dlt.load.exceptions import LoadClientJobFailed, LoadClientJobTerminalRetry
    from dlt.normalize.exceptions import NormalizeJobFailed

    final = (LoadClientJobFailed, LoadClientJobTerminalRetry, NormalizeJobFailed)
    causes = list(causes_of(error))
    if any(isinstance(each, PipelineCliError) and each.transient for each in causes):
        return False
    return any(isinstance(each, (AccountError, *final)) for each in causes)
