"""A process that lost its lock without knowing is kept from writing: a token in the database, after M. Kleppmann.

The advisory lock ends with its session. A host that slept, or whose connection was cut, may wake while another has
taken over and go on with new connections. So whoever takes a pipeline's lock raises the pipeline's token, and every
transaction of ours reads its tokens FOR SHARE before its COMMIT: with an older one it is rolled back. Raising waits for
transactions that have read, so none of them commits after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.errors import Busy, LoadError

FENCES = "pipeline_runs.fences"
_LONGEST_WAIT_MS = 10_000
_CREATE = f"""
    SELECT pg_advisory_xact_lock(hashtext('{FENCES}'));
    CREATE SCHEMA IF NOT EXISTS pipeline_runs;
    CREATE TABLE IF NOT EXISTS {FENCES} (
        project text NOT NULL, pipeline text NOT NULL, token bigint NOT NULL, holder text NOT NULL,
        taken_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (project, pipeline))
"""
_RAISE = f"""
    INSERT INTO {FENCES} AS fence (project, pipeline, token, holder) VALUES (%s, %s, 1, %s)
    ON CONFLICT (project, pipeline)
    DO UPDATE SET token = fence.token + 1, holder = excluded.holder, taken_at = now() RETURNING token
"""


@dataclass(slots=True)
class Fence:
    """The tokens of the pipelines that this process holds, by name."""

    project: str
    tokens: dict[str, int] = field(default_factory=dict)

    def take(self, connection: Any, pipeline: str, holder: str) -> None:
        """Raise the pipeline's token by the psycopg2 connection that has its lock (autocommit). Raises Busy."""
        import psycopg2

        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [FENCES])
            if cursor.fetchone()[0] is None:
                cursor.execute(_CREATE)
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(_LONGEST_WAIT_MS)])
            try:
                cursor.execute(_RAISE, [self.project, pipeline, holder])
            except psycopg2.errors.LockNotAvailable:
                raise Busy(
                    f"pipeline {pipeline}: a process that lost its lock is still about to commit",
                    hint="Try again in a minute; or end its session (pg_stat_activity).",
                ) from None
            self.tokens[pipeline] = cursor.fetchone()[0]

    def leave(self, pipeline: str) -> None:
        """The lock is given back."""
        self.tokens.pop(pipeline, None)

    def hold(self, cursor: Any) -> None:
        """In a transaction, before its COMMIT: raises LoadError where another process has taken over."""
        for pipeline, token in sorted(self.tokens.items()):
            cursor.execute(
                f"SELECT token, holder, taken_at FROM {FENCES} WHERE project = %s AND pipeline = %s FOR SHARE",
                [self.project, pipeline],
            )
            found = cursor.fetchone()
            if found is None or found[0] != token:
                by = f" by {found[1]} at {found[2]:%Y-%m-%d %H:%M:%S %Z}" if found else ""
                raise LoadError(
                    f"pipeline {pipeline} was taken over{by} after this process lost its lock; "
                    "what it was about to write is rolled back",
                    code="E334",
                    hint="Nothing to do: the other run has done, or will do, all of it.",
                )
