"""The files of `pipeline-cli report`: which are to be printed, and where --out takes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_cli.errors import UsageError

if TYPE_CHECKING:
    from pipeline_cli.document import ReportResult
    from pipeline_cli.project import Project
    from pipeline_cli.reports.writing import Print

_FORMATS = {".html", ".htm", ".pdf", ".png", ".csv", ".jpg", ".jpeg", ".svg"}


def check_request(
    project: Project, names: Sequence[str], format_: str, block: str | None, out: Path | None
) -> None:
    """Raise UsageError where --block or --out does not go with the rest."""
    from pipeline_cli.cli.names import require_name

    if block is not None:
        if format_ != "png":
            raise UsageError("--block is a picture of one block.", hint="Leave --format out, or make it png.")
        if len(names) > 1:
            raise UsageError(
                "--block is a block of one report.", hint=f"Name the report: report {names[0]} …"
            )
        require_name(block, project.manifest.reports[names[0]].blocks, f"block in '{names[0]}' called")
    if out is None:
        return
    if format_ == "html" and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, and a page may have CSV files beside it.", hint="Name a folder.")
    if format_ != "html" and not out.is_dir() and out.suffix.lower() in _FORMATS - {f".{format_}"}:
        message = f"{out} is called {out.suffix}, and a {format_.upper()} is to be written."
        hint = f"Name a .{format_}, or a folder"
        hint += (
            f"; or add --format {out.suffix.lower()[1:]}." if out.suffix.lower() in (".pdf", ".png") else "."
        )
        raise UsageError(message, hint=hint)
    if format_ == "html" and not out.is_dir() and out.suffix.lower() in (".pdf", ".png"):
        message = f"{out} is called {out.suffix}, and a page is to be written."
        raise UsageError(message, hint=f"Add --format {out.suffix.lower()[1:]}, or name a folder.")
    if format_ != "html" and len(names) > 1 and out.suffix:
        message = f"{len(names)} reports do not go into one file."
        raise UsageError(message, hint="Name one report, or a folder as --out.")


def make_prints(format_: str, block: str | None) -> list[Print]:
    """What is to be printed beside the page."""
    from pipeline_cli.reports.writing import Print

    if format_ == "html":
        return []
    return [Print("pdf" if format_ == "pdf" else "png", block)]


def deliver(project: Project, written: ReportResult, format_: str, out: Path | None) -> list[str]:
    """Copy what was asked for to `out`; where it stands now. Raises UsageError where it cannot be written.

    Without `out` it is the path below `latest`, which stays.
    """
    page = Path(written.page)
    asked = page.name if format_ == "html" else Path(written.files[-1]).name
    if out is None:
        return [(page.parent / asked).as_posix()]
    files = [project.root / file for file in written.files]
    is_folder = format_ == "html" or out.is_dir() or not out.suffix
    folder = out if is_folder else out.parent
    taken = files if format_ == "html" else files[-1:]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in taken:
            shutil.copyfile(file, folder / file.name if is_folder else out)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out}: {error.strerror or error}", hint="Name another place as --out."
        ) from error
    return [str(folder / asked if is_folder else out)]
