"""Named moments at which a test ends the process as kill -9 would.

Off unless PIPELINE_CLI_FAILPOINT names one: "load.commit_after", or "load.commit_after:3" for the third time that it
is reached; "load.commit_after@STOP" sends another signal than KILL. Off, `failpoint` costs one comparison, and dlt is
not touched.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Mapping

VARIABLE = "PIPELINE_CLI_FAILPOINT"
POINTS: Mapping[str, str] = {
    "extract.end_before": "every page is read; dlt has not committed the extracted package",
    "extract.committed": "it has; the cursor is not in the working folder yet",
    "extract.end_after": "it has, and the cursor in the working folder with it",
    "package.delete_before": "dlt is about to delete a package: one that it has normalized (:2), or takes back",
    "normalize.after": "the load package is ready; nothing of it is in the destination",
    "load.commit_before": "a transaction's rows are written; its COMMIT is next",
    "load.merge_queued": "what is staged is whole; dlt has queued the job that merges it, and not begun it",
    "load.commit_after": "a load job is committed in the destination; its local marker is not written",
    "load.noted": "every job is marked, and _dlt_loads has the load; the package is not marked as loaded",
    "load.after": "the package is loaded and marked; its resources' accounts are not filled in",
    "columns.commit_before": "a column source's rows, rejects and cursor are written; their one COMMIT is next",
    "columns.commit_after": "it is committed; dlt's working folder does not know of it",
    "ledger.load_after": "the ledger has the load; the step has not ended",
    "run.transform_before": "everything is ingested, and nothing transformed",
    "recovery.begin": "a package that an earlier run left is found",
    "recovery.removed": "its rows are out of the destination; its jobs are not queued again",
    "recovery.queued": "they are; none is loaded",
    "recovery.loaded": "the package is loaded again; nothing new is read",
    "replay.extracted": "rejected records are extracted again; nothing of them is loaded",
    "replay.commit_before": "replayed rows and their decisions are written; their one COMMIT is next",
    "replay.loaded": "replayed records are loaded; those of an API are not marked",
    "backfill.begun": "the ledger has a chunk as begun; nothing of it is read",
    "backfill.loaded": "a chunk is loaded; the ledger does not know",
    "rollback.commit_before": "rows and state of later loads are taken back; their one COMMIT is next",
    "rollback.commit_after": "it is committed; dlt's working folder and the ledger do not know",
    "apply.copied": "what a plan may lose is copied; the environment may not run it yet",
    "apply.approved": "it may; nothing of the plan is run",
    "restore.commit_before": "a restore point's rows and state are written; their one COMMIT is next",
    "restore.commit_after": "it is committed; dlt's working folder and the ledger do not know",
    "alert.due": "incidents and alerts are in the ledger; none is sent",
    "alert.sent": "a receiver has an alert; the ledger does not know",
}

_FORM = re.compile(r"([\w.]+)(?::(\d+))?(?:@(KILL|STOP|TERM))?")


class _Armed:
    """The point that was set, how often it is yet to be reached, and the signal then."""

    point: str | None = None
    left = 0
    signal = signal.SIGKILL


def arm(wanted: str | None) -> None:
    """Set the point, as the variable has it; None or "" for none. Raises ValueError for one that is not there."""
    found = _FORM.fullmatch(wanted or "")
    name, time, sent = found.groups() if found else (wanted, None, None)
    if name and name not in POINTS:
        raise ValueError(f"{VARIABLE}: {name!r} is no failpoint; there is: {', '.join(POINTS)}")
    _Armed.point, _Armed.left = name or None, int(time or 1)
    _Armed.signal = signal.Signals[f"SIG{sent or 'KILL'}"]


def is_armed() -> bool:
    """Whether a point is set."""
    return _Armed.point is not None


def failpoint(name: str) -> None:
    """Come by a point: the process ends here where it is the one that was set."""
    if name == _Armed.point:
        _Armed.left -= 1
        if not _Armed.left:
            _send(_Armed.signal)


def _send(wanted: signal.Signals) -> None:
    if wanted == signal.SIGTERM:  # as from outside: it ends what the main thread waits for
        os.kill(os.getpid(), wanted)
    else:  # The kernel gives a process's signal to its main thread, and this one may go on to its COMMIT meanwhile.
        signal.pthread_kill(threading.get_ident(), wanted)
