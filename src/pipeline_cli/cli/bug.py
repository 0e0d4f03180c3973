"""A bug of ours: the traceback goes to a file, one sentence to the terminal."""

from __future__ import annotations

import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from pipeline_cli.cli.settings import Settings
from pipeline_cli.errors import Mistake, UsageError
from pipeline_cli.secrets import mask


def report_bug(error: BaseException, settings: Settings) -> Mistake:
    """Write the masked traceback to .pipeline/logs/ (or the temp folder) and return the sentence to print."""
    text = "".join(traceback.format_exception(error))
    command = " ".join(["pipeline-cli", *sys.argv[1:]])
    path = _write_log(
        mask(f"{command}\n\n{text}", settings.secrets), settings.root or _look_for_root(settings)
    )
    return Mistake(
        "E999",
        f"A bug in pipeline-cli stopped '{settings.command}' ({type(error).__name__}); its log is {path}",
        "Please report it with that file. Your data is as the last finished step left it.",
    )


def _write_log(text: str, root: Path | None) -> Path:
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    folders = [root / ".pipeline" / "logs"] if root else []
    for folder in [*folders, Path(tempfile.gettempdir())]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(text, encoding="utf-8")
            return path
        except OSError:  # a read-only project: the temp folder is left
            continue
    return Path("(no folder could be written)")


def _look_for_root(settings: Settings) -> Path | None:
    """The project's root when the bug came before it was looked for."""
    try:
        return settings.find_root()
    except UsageError:
        return None
