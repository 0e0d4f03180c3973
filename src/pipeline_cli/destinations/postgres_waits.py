"""Waiting for a lock of somebody else's session has an end, and whoever is in the way is named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipeline_cli.errors import LoadError

_LOCK_NOT_AVAILABLE = "55P03"
# Who holds a lock on a table that the statement names, and has held it for as long as we waited; the strongest first.
_HOLDER = """
    SELECT format('%%s.%%s', space.nspname, relation.relname), activity.pid,
           coalesce(nullif(activity.application_name, ''), 'without a name'), activity.usename,
           to_char(activity.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM pg_locks AS held
    JOIN pg_stat_activity AS activity USING (pid)
    JOIN pg_class AS relation ON relation.oid = held.relation
    JOIN pg_namespace AS space ON space.oid = relation.relnamespace
    WHERE held.granted AND activity.xact_start < now() - %s
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND strpos(%s, relation.relname) > 0 AND strpos(%s, space.nspname) > 0
    ORDER BY held.mode = 'AccessExclusiveLock' DESC, held.mode = 'AccessShareLock', activity.xact_start
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LockWaits:
    """How long a statement waits for a lock. open: a psycopg2 connection in autocommit, to ask who holds it."""

    timeout: timedelta
    location: str
    open: Callable[[], Any]

    @property
    def setting(self) -> str:
        """What `SET` takes, for a session, or `SET LOCAL`, for a transaction."""
        return f"lock_timeout = {max(1, round(self.timeout.total_seconds() * 1000))}"

    def explain(self, error: BaseException) -> LoadError | None:
        """What a psycopg2 error means where the limit was passed; None for every other error."""
        if getattr(error, "pgcode", None) != _LOCK_NOT_AVAILABLE:
            return None
        holder = self._find_holder(_statement_of(error))
        waited = f"Postgres at {self.location}: waited {self.timeout.total_seconds():g} s for"
        if holder is None:
            refused = LoadError(
                f"{waited} a lock that another session holds; what was begun is rolled back",
                code="E328",
                hint="Run again when it is done. lock_timeout of the destination says how long to wait.",
            )
        else:
            table, pid, program, user, since = holder
            refused = LoadError(
                f"{waited} {table}, which session {pid} ({program}, user {user}) has locked since {since} UTC; "
                "what was begun is rolled back",
                code="E328",
                hint=f"Run again when it is done, or end it first: SELECT pg_terminate_backend({pid});"
                " lock_timeout of the destination says how long to wait.",
            )
        refused.transient = True
        return refused

    def _find_holder(self, statement: str) -> tuple[Any, ...] | None:
        import psycopg2

        try:
            with closing(self.open()) as connection, connection.cursor() as cursor:
                cursor.execute(_HOLDER, [self.timeout, statement, statement])
                found: tuple[Any, ...] | None = cursor.fetchone()
                return found
        except (LoadError, psycopg2.Error):  # the server has gone meanwhile
            return None


def _statement_of(error: BaseException) -> str:
    """Its beginning: tables are named before values are."""
    query = getattr(getattr(error, "cursor", None), "query", None) or b""
    return bytes(query[:10_000]).decode(errors="replace")
