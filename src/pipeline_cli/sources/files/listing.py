"""Which files there are, and which of them are new."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from pipeline_cli.sources.scan import FileVersion, Known

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the listing showed it. path: relative to bucket_url; address: what opens it.

    tag: what changes with the content, where the store says it (an ETag, a local file's nanoseconds).
    """

    path: str
    address: str
    size_bytes: int
    modified_at: datetime | None
    tag: str | None = None

    def version(self, content_hash: str | None = None) -> FileVersion:
        return FileVersion(self.path, self.size_bytes, self.modified_at, content_hash)


def is_new(file: Listed, known: Known, by: str) -> bool:
    """Whether a file is to be read, by its name or by its name, size and time."""
    done = known.files.get(file.path)
    if done is None:
        return True
    return by != "name" and (done.size_bytes, done.modified_at) != (file.size_bytes, file.modified_at)


def fixed_folder(glob: str) -> str:
    """The folders of a glob before the first pattern: "2026/*/a.csv" is "2026"."""
    parts = glob.split("/")[:-1]
    fixed = next((index for index, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return "/".join(parts[:fixed])


def depth_below(glob: str, folder: str) -> int | None:
    """How many folders deep a glob can match below its fixed folder; None where `**` sets no bound."""
    return None if "**" in glob else glob.count("/") - (folder.count("/") + 1 if folder else 0) + 1


@cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` within one name, `**` over any folders, `[ab]`, `[!a]`.

    A name that begins with a point is only matched by a pattern that does.
    """
    return re.compile("".join(_translate(glob)) + r"\Z", re.DOTALL)


def _translate(glob: str) -> Iterator[str]:
    index, starts = 0, True  # starts: a name begins here
    while index < len(glob):
        rest = glob[index:]
        if starts and rest.startswith("**/"):
            yield r"(?:(?!\.)[^/]+/)*"
            index += 3
            continue
        hidden = r"(?!\.)" if starts else ""
        if rest.startswith("**"):
            yield r"(?:(?!\.)[^/]+/)*(?!\.)[^/]+" if starts else ".*"
            index += 2
        elif rest[0] in "*?":
            yield hidden + ("[^/]*" if rest[0] == "*" else "[^/]")
            index += 1
        elif (bracket := re.match(r"\[(!?)(\]?[^\]]*)\]", rest)) is not None:
            inside = bracket[2].replace("\\", r"\\").replace("[", r"\[")
            yield f"{hidden}[{'^' if bracket[1] else ''}{inside}]"
            index += bracket.end()
        else:
            yield re.escape(rest[0])
            index += 1
        starts = glob[index - 1] == "/"


def list_local(root: str, glob: str) -> list[Listed]:
    """The files below a local folder that a glob matches, in the order of their paths. Raises OSError."""
    folder = fixed_folder(glob)
    depth = depth_below(glob, folder)
    pattern = glob_pattern(glob)
    found = [
        _stat_local(entry, path)
        for entry, path in _walk(os.path.join(root, folder) if folder else root, folder, depth)  # noqa: PTH118
        if pattern.match(path)
    ]
    return sorted(found, key=lambda file: file.path)


def _walk(top: str, prefix: str, depth: int | None) -> Iterator[tuple[os.DirEntry[str], str]]:
    with os.scandir(top) as entries:
        for entry in entries:
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir():
                if depth is None or depth > 1:
                    yield from _walk(entry.path, path, None if depth is None else depth - 1)
            elif entry.is_file():
                yield entry, path


def _stat_local(entry: os.DirEntry[str], path: str) -> Listed:
    stat = entry.stat()
    return Listed(path, entry.path, stat.st_size, local_time(stat), str(stat.st_mtime_ns))


def local_time(stat: os.stat_result) -> datetime:
    """A file's modification time, in UTC, to the microsecond and without a float's rounding."""
    seconds, nanoseconds = divmod(stat.st_mtime_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
