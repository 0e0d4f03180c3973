"""Where a report's editions stand, and how a new one takes its place: whole, or not at all.

    .pipeline/<environment>/reports/<report>/
        20261121T090000-3f9c2a/     one edition: the page, the CSV files, edition.json
        latest -> 2026…             the newest, exchanged at once

An edition is written into a hidden folder and renamed. `latest` is a link because a folder's files cannot be
exchanged together: a page never stands beside the CSV files of another day.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.errors import ReportError

LATEST = "latest"
ABOUT = "edition.json"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Edition:
    """A report as it was written at one time. `files`: the page first; is_new: it was written just now."""

    report: str
    home: Path
    id: str
    files: Sequence[str]
    fingerprint: str
    is_new: bool = True


def home_of(state_dir: Path, report: str) -> Path:
    """The folder of a report's editions."""
    return state_dir / "reports" / report


def latest(home: Path, report: str) -> Edition | None:
    """The newest edition; None where there is none, or one of its files is gone."""
    try:
        folder = (home / LATEST).resolve(strict=True)
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        edition = Edition(report, home, folder.name, about["files"], about["fingerprint"], is_new=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return edition if edition.files and all((folder / name).is_file() for name in edition.files) else None


def made_at(edition: Edition) -> str | None:
    """When the edition was made, as ISO 8601; None where nobody knows (any more)."""
    try:
        about = json.loads((edition.home / edition.id / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about.get("made_at") if isinstance(about, dict) else None


@contextmanager
def workplace(home: Path) -> Iterator[Path]:
    """An empty folder to write an edition in; whatever is left in it at the end is removed.

    Raises ReportError where nothing can be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(f"{_UNFINISHED}*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = home / f"{_UNFINISHED}{os.getpid()}"
        folder.mkdir()
    except OSError as error:
        raise _unwritable(home, error) from error
    try:
        yield folder
    except OSError as error:
        raise _unwritable(home, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(workplace: Path, edition: Edition, about: dict[str, Any], keep: int) -> Edition:
    """Make the finished workplace an edition and the latest one; all but the newest `keep` are removed."""
    facts = {**about, "files": list(edition.files), "fingerprint": edition.fingerprint}
    (workplace / ABOUT).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    name = _free_name(edition.home, edition.id)
    workplace.rename(edition.home / name)
    link = edition.home / f"{_UNFINISHED}{LATEST}"
    link.unlink(missing_ok=True)
    link.symlink_to(name, target_is_directory=True)
    link.replace(edition.home / LATEST)
    _remove_old(edition.home, keep)
    return Edition(**{**_fields(edition), "id": name})


def _fields(edition: Edition) -> dict[str, Any]:
    return {**asdict(edition), "home": edition.home}


def _free_name(home: Path, wanted: str) -> str:
    """Two pipelines of one run may both have the report."""
    number, name = 1, wanted
    while (home / name).exists():
        number += 1
        name = f"{wanted}-{number}"
    return name


def _remove_old(home: Path, keep: int) -> None:
    """Only folders that are editions, by their ids, which begin with their time."""
    editions = sorted(path.parent for path in home.glob(f"[!.]*/{ABOUT}") if not path.parent.is_symlink())
    for folder in editions[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


def _unwritable(home: Path, error: OSError) -> ReportError:
    return ReportError(
        f"cannot write the report in {home}: {error.strerror or error}",
        code="E351",
        hint="Make room there, or give this user the right to write; then run the report again.",
    )
