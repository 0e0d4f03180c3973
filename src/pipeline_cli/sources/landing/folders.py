"""Where landings are, what of them is over, and which one an extraction goes on with."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_cli.manifest.sources import RestApiSource
from pipeline_cli.project import Project

_HEADER = "landing.json"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_VERSION = 1
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def landings_of(project: Project, source: str) -> Path:
    """The folder of a source's landings."""
    return project.state_dir / "landed" / source


def begin_landing(project: Project, source: str) -> Path:
    """A new folder, for an extraction that begins now."""
    salt = os.urandom(8).hex()
    folder = landings_of(project, source) / datetime.now(UTC).strftime(_STAMP)
    folder.mkdir(parents=True)
    asked = _fingerprint(project, source, salt)
    _write_header(folder, {"version": _VERSION, "salt": salt, "asked": asked, "open": True})
    return folder


def find_unfinished(project: Project, source: str, entry: RestApiSource) -> Path | None:
    """The last extraction's folder, where it did not end and the next one may go on with what it has.

    It may where the manifest's entry and the secrets are the same, no longer after its beginning than
    `client.resume_within`.
    """
    place = landings_of(project, source)
    folder = max(place.iterdir(), default=None) if place.is_dir() else None
    header = read_header(folder) if folder else {}
    if folder is None or not header.get("open"):
        return None
    age = datetime.now(UTC) - _begun_at(folder)
    is_young = timedelta(0) <= age <= entry.client.resume_within
    return folder if is_young and header["asked"] == _fingerprint(project, source, header["salt"]) else None


def finish_landing(folder: Path) -> None:
    """Nothing goes on with this one."""
    if header := read_header(folder):
        _write_header(folder, {**header, "open": False})


def prune_landings(project: Project, source: str, *, but: Path | None = None) -> None:
    """Take away what has landed of a source, but for what its resources keep, and for one that is to go on.

    To be called when nothing of an extraction is needed any more: its load has committed, or a new one begins.
    """
    entry = project.manifest.sources[source]
    place = landings_of(project, source)
    if not isinstance(entry, RestApiSource) or not place.is_dir():
        return
    for folder in place.iterdir():
        if folder != but:
            _prune(folder, entry, datetime.now(UTC) - _begun_at(folder))


def _prune(folder: Path, entry: RestApiSource, age: timedelta) -> None:
    resources = {name: resource.keep_landed for name, resource in entry.resources.items()}
    kept = {name for name, keep in resources.items() if keep is not None and age <= keep}
    parts = {part.name for part in folder.iterdir() if part.is_dir()} if folder.is_dir() else set()
    if not parts & kept:
        shutil.rmtree(folder, ignore_errors=True)
        return
    finish_landing(folder)
    for name in parts - kept:
        shutil.rmtree(folder / name, ignore_errors=True)


def read_header(folder: Path) -> Mapping[str, Any]:
    """What stands of a landing in its folder: version, salt, asked, open. Empty where it cannot be read."""
    try:
        header = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return header if isinstance(header, dict) and header.get("version") == _VERSION else {}


def _write_header(folder: Path, header: Mapping[str, Any]) -> None:
    fresh = folder / f"{_HEADER}.new"
    fresh.write_text(json.dumps(header), encoding="utf-8")
    fresh.replace(folder / _HEADER)


def _fingerprint(project: Project, source: str, salt: str) -> str:
    """Who is asked for what. Slow on purpose (10 ms): it stands for passwords too, and nobody shall try them out."""
    text = repr((project.manifest.sources[source], sorted(project.secrets)))
    return hashlib.scrypt(text.encode("utf-8", "replace"), salt=salt.encode(), n=2048, r=8, p=1).hex()


def _begun_at(folder: Path) -> datetime:
    try:
        return datetime.strptime(folder.name, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return _LONG_AGO
