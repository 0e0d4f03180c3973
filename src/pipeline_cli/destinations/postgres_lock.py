"""Advisory locks that tell who holds them. They end with their session, however that ends."""

from __future__ import annotations

import hashlib
import os
import socket
from typing import Any

# The bigint key of an advisory lock is shown in two halves (PostgreSQL manual, pg_locks).
_HOLDER = """
    SELECT activity.application_name, coalesce(host(activity.client_addr), 'its own machine'),
           to_char(activity.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((held.classid::bigint << 32) | held.objid::bigint) = %s
"""


def describe_self(pipeline: str, holder: str) -> str:
    """Our application_name, which others read; Postgres keeps 63 bytes of it."""
    return f"pipeline-cli {os.getpid()}@{socket.gethostname()[:20]} {holder or pipeline}".encode()[
        :63
    ].decode(errors="ignore")


def take_lock(connection: Any, project: str, pipeline: str) -> str | None:
    """Try to lock the pipeline for the session of this psycopg2 connection (autocommit).

    Returns None when it is ours, else who holds it.
    """
    number = _lock_number(project, pipeline)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if cursor.fetchone()[0]:
            return None
        cursor.execute(_HOLDER, [number])
        row = cursor.fetchone()
    return f"{row[0]} from {row[1]} since {row[2]}" if row else "another session"


def _lock_number(project: str, pipeline: str) -> int:
    digest = hashlib.sha256(f"pipeline-cli\0{project}\0{pipeline}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
