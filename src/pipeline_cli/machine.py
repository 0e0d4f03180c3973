"""What the machine refuses a process: memory, room on a disk, the right to write. That is nobody's bug."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from pipeline_cli.errors import StepError, causes_of

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_WRITING = (errno.EROFS, errno.EACCES, errno.EPERM)
# By name: no run imports an engine to look at an error.
_MEMORY_TYPES = frozenset(
    {"duckdb.OutOfMemoryException", "_duckdb.OutOfMemoryException", "pyarrow.lib.ArrowMemoryError"}
)
_MEMORY_SIGNS: Mapping[type[BaseException], str] = {
    RuntimeError: "can't start new thread",
    ImportError: "failed to map segment",
}
_NEARLY = 0.9  # of what it may use: the next mapping, which did not fit, is not counted
_AGAIN = "Nothing of this step counts; when that is mended, run again."


class MachineError(StepError):
    """Memory, room on a disk, or the right to write is not there."""


def explain_refusal(error: BaseException) -> MachineError | None:
    """What an exception says of the machine, by the first of its causes that does; None where none does."""
    for each in causes_of(error):
        if _is_of_memory(each):
            return _lack_of_memory(each)
        if isinstance(each, OSError) and each.errno in (*_NO_ROOM, *_NO_WRITING):
            what = "the disk" if each.filename is None else os.fsdecode(each.filename)
            hint = (
                "Make room on that disk."
                if each.errno in _NO_ROOM
                else "Give this user the right to write there."
            )
            return MachineError(
                f"{what} cannot be written: {os.strerror(each.errno)}", code="E302", hint=f"{hint} {_AGAIN}"
            )
    return None


def explain_odd(error: BaseException) -> MachineError | None:
    """What an exception that nobody expected says of the machine: as `explain_refusal`, and whatever comes of a process
    that came to its limit of memory. A library may say then that another "wasn't installed".
    """
    return explain_refusal(error) or (_lack_of_memory(error) if _was_at_its_limit() else None)


def _lack_of_memory(error: BaseException) -> MachineError:
    return MachineError(
        f"there is not enough memory ({_show(error)})",
        code="E301",
        hint=f"{_AGAIN} Give it more memory, or let less run at once: max_parallel of the destination and"
        " of the source.",
    )


def _was_at_its_limit() -> bool:
    """Whether this process has used nearly all of the address space that it may use; no limit is never reached."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return False
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    # "VmPeak:    163840 kB"; without a pattern, whose compiling takes memory that is not there.
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmPeak:")]
    return bool(peaks) and int(peaks[0]) * 1024 >= _NEARLY * limit


def _is_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if type(error) in _MEMORY_SIGNS and _MEMORY_SIGNS[type(error)] in str(error):
        return True
    return bool({f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__} & _MEMORY_TYPES)


def _show(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__
