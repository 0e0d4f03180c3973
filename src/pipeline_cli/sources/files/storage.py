"""Where files are: a local folder, or a bucket or server through fsspec. What goes wrong there, in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.files import FilesystemSource
from pipeline_cli.sources.files.listing import Listed, list_local, local_time

if TYPE_CHECKING:
    from pipeline_cli.project import Project

MISSING_FOLDER, NO_PERMISSION, NO_FILES, EMPTY_FILE = "E360", "E361", "E362", "E363"
DAMAGED, CHANGED, UNREACHABLE = "E364", "E365", "E366"


class Storage(Protocol):
    """Files of one bucket_url. All methods raise SourceError; MISSING_FOLDER and NO_PERMISSION by their codes."""

    shown: str  # bucket_url, as messages say it
    is_local: bool
    parallel: int  # how many files may be fetched at once

    def list_files(self, glob: str) -> list[Listed]: ...

    def open(self, file: Listed) -> BinaryIO: ...

    def fetch(self, file: Listed, target: Path) -> None:
        """Copy a file as it is stored."""
        ...

    def check_unchanged(self, file: Listed) -> None:
        """Raise SourceError when the file is no longer the one that was listed."""
        ...


def open_storage(project: Project, entry: FilesystemSource) -> Storage:
    """The place that bucket_url says. Nothing is looked at before list_files."""
    url = entry.bucket_url
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if "://" not in url:
        return LocalStorage(entry.bucket_url, project.resolve(url))
    from pipeline_cli.sources.files.remote import RemoteStorage

    return RemoteStorage(url, entry.credentials, project.secrets)


class LocalStorage:
    """A folder of this machine, or one that is mounted here."""

    is_local = True
    parallel = 1

    def __init__(self, shown: str, root: Path) -> None:
        self.shown = shown
        self.root = root.absolute()

    def list_files(self, glob: str) -> list[Listed]:
        with _told(self.shown):
            if not self.root.is_dir():
                what = "is a file, not a folder" if self.root.exists() else "does not exist"
                raise SourceError(
                    f"the folder {self.shown} {what}.",
                    code=MISSING_FOLDER,
                    hint="Check bucket_url; a relative one begins at the folder of pipelines.yaml.",
                )
            try:
                return list_local(str(self.root), glob)
            except (FileNotFoundError, NotADirectoryError):
                return []  # the glob's own folders are not there: no file matches

    def open(self, file: Listed) -> BinaryIO:
        with _told(file.path):
            return Path(file.address).open("rb")

    def fetch(self, file: Listed, target: Path) -> None:
        with _told(file.path):
            shutil.copyfile(file.address, target)
        self.check_unchanged(file)

    def check_unchanged(self, file: Listed) -> None:
        try:
            stat = Path(file.address).stat()
        except OSError as error:
            raise changed(file, "is gone") from error
        if stat.st_size != file.size_bytes:
            raise changed(file, f"had {file.size_bytes} bytes and has {stat.st_size}")
        if str(stat.st_mtime_ns) != file.tag or local_time(stat) != file.modified_at:
            raise changed(file, "was written to")


def changed(file: Listed, how: str) -> SourceError:
    return SourceError(
        f"{file.path} changed while it was read: it {how}. Nothing of this source was loaded.",
        code=CHANGED,
        hint="Run again when it is written; writers should write elsewhere and rename.",
    )


@contextmanager
def _told(shown: str) -> Iterator[None]:
    """The operating system's errors as ours."""
    try:
        yield
    except PermissionError as error:
        name = error.filename or shown
        raise SourceError(
            f"no permission to read {name}.", code=NO_PERMISSION, hint="Give this user the right to read it."
        ) from error
    except FileNotFoundError as error:
        raise SourceError(
            f"{shown} is gone: it was there a moment ago.", code=CHANGED, hint="Run again."
        ) from error
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error.strerror or error}.", code=UNREACHABLE) from error
