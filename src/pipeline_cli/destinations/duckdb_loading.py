"""A DuckDB instance's settings while one of its tables is loaded.

What is written could stay in memory up to 80% of the machine's, and the more rows the more of it: 10 million rows of 10
columns took 530 MB, and 210 with a limit, no slower. Rows whose order tells nothing are written by all processors, a
row group after the other; in order, row groups come out as small as what was read at once, and most are written anew
when the file is closed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

READER_BUFFERS_MB = 90  # of DuckDB's readers of files, as they are by default

_LOCK = threading.Lock()


@dataclass(slots=True)
class _Instance:
    """limits: of those at work; usual: the instance's own, while there is any."""

    limits: list[int | None] = field(default_factory=list)
    usual: str = ""


_INSTANCES: defaultdict[str, _Instance] = defaultdict(_Instance)


def least_mb(column_count: int, buffers_mb: int = 0) -> int:
    """What rows of so many ordinary columns need. buffers_mb: of the reader that they come from, which count, too.

    Without them, 5 million rows of CSV took 1.30 times CREATE TABLE AS instead of 1.06.
    """
    return 60 + 4 * column_count + buffers_mb


def ran_out(error: BaseException | None) -> bool:
    """Whether an error comes of too little memory."""
    import duckdb

    while error is not None and not isinstance(error, duckdb.OutOfMemoryException):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def loading(connection: Any, instance: str, limit_mb: int | None, *, is_ordered: bool) -> Iterator[None]:
    """Settings for one statement; they are the whole instance's.

    connection: DuckDB's, to `instance`, a file. limit_mb: of memory (`least_mb`), None for as much as there is. Of
    several at once the last sets them back. Raises duckdb.OutOfMemoryException inside where the limit is too low for
    the rows: then without.
    """
    found = _INSTANCES[instance]
    with _LOCK:
        if not found.limits:
            ((found.usual,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        found.limits.append(limit_mb)
        connection.execute(f"SET GLOBAL preserve_insertion_order = {'true' if is_ordered else 'false'}")
        _set_limit(connection, found)
    try:
        yield
    finally:
        with _LOCK:
            found.limits.remove(limit_mb)
            _set_limit(connection, found)
            if not found.limits:
                connection.execute("RESET GLOBAL preserve_insertion_order")


def _set_limit(connection: Any, instance: _Instance) -> None:
    """The largest that any of those at work asks for."""
    import duckdb

    known = [limit for limit in instance.limits if limit is not None]
    is_limited = bool(known) and len(known) == len(instance.limits)
    # Not RESET: in 1.5 that changes what the setting says, and not what is held to.
    limit = f"{max(known)}MB" if is_limited else instance.usual
    with suppress(duckdb.Error):  # where other statements hold more already, none is set
        connection.execute(f"SET GLOBAL memory_limit = '{limit}'")
