"""The failpoints inside dlt: set around its own methods, and only in a process that a test wants to end there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline_cli.failpoints import failpoint

_watched: list[type] = []


def watch_dlt() -> None:
    """Reach our points where dlt commits, marks a job, and marks a package; once in a process."""
    if _watched:
        return
    from dlt.common.destination.client import RunnableLoadJob
    from dlt.common.storages.load_package import PackageStorage
    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
    from dlt.extract.extract import Extract
    from dlt.load.load import Load

    _before(Extract, "commit_packages", "extract.end_before")
    _after(Extract, "commit_packages", "extract.committed")
    # It gives the ids of the jobs it made, then those of the jobs they follow.
    _after(Load, "create_followup_jobs", "load.merge_queued", lambda found: any(found[:-1]))
    _before(RunnableLoadJob, "_release", "load.commit_after")
    _before(PackageStorage, "complete_loading_package", "load.noted")
    _before(PackageStorage, "delete_package", "package.delete_before")
    _before(DuckDbSqlClient, "commit_transaction", "load.commit_before")
    try:
        from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
    except ImportError:  # its driver is not installed: then there is no Postgres either
        return
    _before(Psycopg2SqlClient, "commit_transaction", "load.commit_before")


def _before(owner: type, method: str, point: str) -> None:
    original: Callable[..., Any] = getattr(owner, method)

    def watched(*arguments: Any, **options: Any) -> Any:
        failpoint(point)
        return original(*arguments, **options)

    setattr(owner, method, watched)
    _watched.append(owner)


def _after(owner: type, method: str, point: str, is_due: Callable[[Any], bool] = lambda found: True) -> None:
    """is_due: whether what the method gave means that the point is reached."""
    original: Callable[..., Any] = getattr(owner, method)

    def watched(*arguments: Any, **options: Any) -> Any:
        found = original(*arguments, **options)
        if is_due(found):
            failpoint(point)
        return found

    setattr(owner, method, watched)
    _watched.append(owner)
