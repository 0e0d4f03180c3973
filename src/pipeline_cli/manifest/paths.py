"""Paths and addresses of the manifest: what stands in the project stays in the project."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import nearest

Refusal = tuple[str, str, str | None]  # code, message that follows the value, hint

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_HTTP = r"(?i:https?)://[^\s/?#]+\S*"
_LEAVES = "leads out of the project."
_STAY_HINT = "Write a path inside the project, relative to the folder of pipelines.yaml."


def check_url(url: str) -> Refusal | None:
    """Refuse what is not an http:// or https:// address with a host."""
    if re.fullmatch(_HTTP, url):
        return None
    return codes.BAD_URL, "is not an http:// or https:// address.", "Write it whole: https://api.example.com."


def check_path(root: Path, path: str, scope: str) -> Refusal | None:
    """Refuse a path that leaves the project or, unless its scope is "data", does not exist.

    scope: "file", "folder", "project" (either) or "data", which may also be absolute or a URL.
    """
    if not path or not path.isprintable():
        return codes.BAD_PATH, "is not a path.", _STAY_HINT
    if path.startswith("~"):
        return codes.BAD_PATH, "begins with ~, which is not expanded.", "Write the folder out."
    absolute = path.startswith("/") or (":" in path and re.match(_SCHEME, path) is not None)
    if absolute:
        return None if scope == "data" else (codes.BAD_PATH, "is not relative to the project.", _STAY_HINT)
    if _climbs_out(path):
        return codes.BAD_PATH, _LEAVES, _STAY_HINT
    if scope == "data":
        return None
    try:
        return _check_inside(root, path, scope)
    except (OSError, RuntimeError, ValueError):  # too long a name, a loop of links, no permission
        return codes.BAD_PATH, "cannot be opened.", None


def _climbs_out(path: str) -> bool:
    depth = 0
    for part in path.replace("\\", "/").split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


@cache
def _resolve(root: Path) -> Path:
    return root.resolve()


def _check_inside(root: Path, path: str, scope: str) -> Refusal | None:
    target = root / path
    resolved = target.resolve()
    if not resolved.is_relative_to(_resolve(root.absolute())):
        return (
            codes.BAD_PATH,
            _LEAVES,
            "It is, or goes through, a symbolic link that points outside. " + _STAY_HINT,
        )
    if not resolved.exists():
        return codes.BAD_PATH, "does not exist.", _suggest(root, path)
    if scope == "file" and not resolved.is_file():
        return codes.BAD_PATH, "is not a file.", None
    if scope == "folder" and not resolved.is_dir():
        return codes.BAD_PATH, "is not a folder.", None
    return None


def _suggest(root: Path, path: str) -> str | None:
    """The nearest name beside the first part of the path that does not exist."""
    parts = PurePosixPath(path).parts
    folder = root
    for index, part in enumerate(parts):
        if (folder / part).exists():
            folder = folder / part
            continue
        siblings = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        near = nearest(part, siblings)
        if near is None:
            return (
                f"There is no {part} in {folder.relative_to(root).as_posix()}/." if folder != root else None
            )
        return f"Did you mean {PurePosixPath(*parts[:index], near, *parts[index + 1 :])}?"
    return None
