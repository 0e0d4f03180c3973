"""One log file a run, `.pipeline/logs/<run_id>.log`, with what every library says. Nothing on stdout."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipeline_cli.errors import UsageError
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask

KEPT_LOGS = 100
_FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"
# dlt takes its logger out of the tree, and the first handler that it finds on it for its own: with ours
# there, it adds none that writes to stderr.
_LONERS = ("dlt",)


class MaskedFile(logging.FileHandler):
    """A log file without secrets, tracebacks included. Its format is its own, whatever a library sets."""

    def __init__(self, path: Path, secrets: frozenset[str]) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._secrets = secrets
        self._formatter = logging.Formatter(_FORMAT)
        self._formatter.converter = time.gmtime
        self._formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
        self._formatter.default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        return mask(self._formatter.format(record), self._secrets)


class MaskedStderr(logging.StreamHandler[TextIO]):
    """What a library or a user's source warns of on stderr outside a run, without secrets."""

    def __init__(self, secrets: frozenset[str]) -> None:
        super().__init__()
        self.setLevel(logging.WARNING)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return mask(logging.Formatter().format(record), self._secrets)


def mask_warnings(secrets: frozenset[str]) -> None:
    """Mask what is logged where no handler is: a source that is probed may log what it was given."""
    handler = MaskedStderr(secrets)
    logging.lastResort = handler
    for name in _LONERS:
        logging.getLogger(name).handlers = [handler]


@contextmanager
def log_run(project: Project, run_id: str) -> Iterator[Path]:
    """Write what is logged at INFO and above, by anyone, to the run's log file while the block runs."""
    path = log_path(project, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_old(path.parent, keep=KEPT_LOGS - 1)
    handler = MaskedFile(path, project.secrets)
    loggers = [logging.getLogger(), *map(logging.getLogger, _LONERS)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    for logger in loggers:
        logger.handlers = [each for each in logger.handlers if not isinstance(each, MaskedStderr)]
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield path
    finally:
        logging.captureWarnings(False)
        for logger, level, handlers in before:
            logger.handlers = handlers
            logger.setLevel(level)
        handler.close()


def log_path(project: Project, run_id: str) -> Path:
    return project.pipeline_dir / "logs" / f"{run_id}.log"


def read_log(project: Project, run_id: str) -> str:
    """The text of a run's log. Raises UsageError where there is none (any more)."""
    path = log_path(project, run_id)
    if Path(run_id).name != run_id or not path.is_file():
        raise UsageError(
            f"there is no log of run {run_id!r}",
            hint=f"The logs of the last {KEPT_LOGS} runs are kept; see: pipeline-cli runs",
        )
    return path.read_text(encoding="utf-8", errors="replace")


def _remove_old(folder: Path, keep: int) -> None:
    """Run ids sort by time, so the names do too. The logs of bugs (bug-….log) stay."""
    for path in sorted(folder.glob("[0-9]*.log"))[:-keep]:
        path.unlink(missing_ok=True)
