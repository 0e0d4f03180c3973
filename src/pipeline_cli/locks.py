"""Lock files that say who holds them.

The lock itself belongs to the operating system (flock), so a killed holder leaves none behind. The JSON
beside it only tells people whom they are waiting for; it counts for nothing once the lock is free.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from pipeline_cli.errors import Busy


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock. `since` is UTC, ISO 8601."""

    pid: int
    host: str
    command: str
    since: str

    @classmethod
    def here(cls, command: str | None = None) -> Holder:
        """This process; `command` is by default the command line without the interpreter's path."""
        words = [program_name(), *sys.argv[1:]]
        since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        import socket  # 5 ms that `validate` need not pay

        return cls(os.getpid(), socket.gethostname(), command or " ".join(words), since)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}), since {self.since}"


@contextmanager
def hold_lock(path: Path, what: str, command: str | None = None) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; its folder is made where it is missing.

    what: the thing locked, for the message ("pipeline shop", "the DuckDB file warehouse.duckdb").
    Raises Busy (exit code 75), naming the holder; it does not wait.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(path, what) from None
    beside = _holder_path(path)
    try:
        beside.write_text(json.dumps(asdict(Holder.here(command))), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            beside.unlink()
        lock.release()


@contextmanager
def hold_locks(folder: Path, names: Iterable[str], command: str | None = None) -> Iterator[None]:
    """Hold one lock for each name ("pipeline shop", "source api"), all or none.

    They are taken in sorted order, so that two runs can never wait for each other. Raises Busy.
    """
    with ExitStack() as held:
        for name in sorted(set(names)):
            held.enter_context(hold_lock(folder / f"{name.replace(' ', '-')}.lock", name, command))
        yield


def read_holder(path: Path) -> Holder | None:
    """Who says to hold the lock file `path`; None where nobody does, or it cannot be read."""
    try:
        entry = json.loads(_holder_path(path).read_text(encoding="utf-8"))
        return Holder(**{field.name: entry[field.name] for field in fields(Holder)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _busy(path: Path, what: str) -> Busy:
    holder = read_holder(path)
    return Busy(
        f"{what} is held by {holder or 'another process'}",
        hint="Wait until it is done, or stop that process; a process that was killed leaves no lock behind.",
    )


def program_name() -> str:
    """What people call the program; `schedule run` starts it as `python -c`, which says nothing to them."""
    name = Path(sys.argv[0]).name
    return "pipeline-cli" if name in ("", "-c", "__main__.py") else name
