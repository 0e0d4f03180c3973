"""Sessions of ours and of dlt's: their transactions hold the fence, and their waits for locks have an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline_cli.destinations.postgres_fence import Fence
from pipeline_cli.destinations.postgres_waits import LockWaits
from pipeline_cli.destinations.sql import SqlConnection, to_percent_style
from pipeline_cli.errors import LoadError


class PostgresConnection(SqlConnection):
    """The Connection (destinations/base.py) of a Postgres session."""

    def __init__(self, raw: Any, waits: LockWaits, fence: Fence | None) -> None:
        """raw: a psycopg2 connection in autocommit. fence: of the pipelines that this process holds, if it does."""
        import psycopg2

        super().__init__(raw, psycopg2.Error, to_percent_style)
        self.raw = raw
        self._waits, self._fence = waits, fence
        self.execute(f"SET {waits.setting}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits only while the pipelines are held."""
        with super().transaction():
            yield
            if self._fence is not None:
                try:
                    with self.raw.cursor() as cursor:
                        self._fence.hold(cursor)
                except self._errors as error:
                    raise self.explain(error) from error

    def explain(self, error: BaseException) -> LoadError:
        return self._waits.explain(error) or super().explain(error)


def _commit_unheard(location: str) -> LoadError:
    refused = LoadError(
        f"Postgres at {location}: the connection broke during a COMMIT, so nobody knows whether it was done",
        code="E323",
        hint="Run again: the load is taken back and made whole first.",
    )
    refused.transient = True
    return refused


def guard_dlt(destination: Any, waits: LockWaits, fence: Fence | None) -> Any:
    """The dlt destination, whose clients wait for no lock for ever, and hold the fence before each COMMIT."""
    from dlt.destinations.exceptions import DatabaseException, DatabaseTerminalException
    from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

    class GuardedSqlClient(Psycopg2SqlClient):
        def open_connection(self) -> Any:
            opened = super().open_connection()
            with opened.cursor() as cursor:
                cursor.execute(f"SET {waits.setting}")
            return opened

        def commit_transaction(self) -> None:
            try:
                if fence is not None:
                    with self.native_connection.cursor() as cursor:
                        fence.hold(cursor)
            except LoadError as error:  # another try of dlt's would not help
                raise DatabaseTerminalException(error) from error
            try:
                super().commit_transaction()
            except DatabaseException:
                if not self.native_connection.closed:
                    raise
                # Another try of dlt's would write the rows of a staging table twice where it was done.
                refused = _commit_unheard(waits.location)
                raise DatabaseTerminalException(refused) from refused

        def rollback_transaction(self) -> None:
            if not self.native_connection.closed:  # the server has; an error here would hide the first one
                super().rollback_transaction()

        @classmethod
        def _make_database_exception(cls, ex: Exception) -> Exception:
            refused = waits.explain(ex)
            if refused is None:
                return super()._make_database_exception(ex)
            ex.__cause__ = refused  # dlt's own error will come from `ex`
            return DatabaseTerminalException(ex)  # dlt would wait five times as long

    make_client = destination.client

    def client(*arguments: Any, **options: Any) -> Any:
        made = make_client(*arguments, **options)
        made.sql_client.__class__ = GuardedSqlClient
        return made

    destination.client = client
    return destination
