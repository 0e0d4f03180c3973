"""Where files are put: a local folder, or a bucket or server through fsspec. A file is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline_cli.errors import LoadError
from pipeline_cli.secrets import mask

if TYPE_CHECKING:
    from pipeline_cli.destinations.filesystem import FilesystemDestination
    from pipeline_cli.project import Project

UNREACHABLE, TAKEN = "E380", "E381"
# Stands before the name of a file that is not whole yet; readers' globs (contacts*.csv) do not match it.
_UNFINISHED = "."


class Place(Protocol):
    """Files below one bucket_url; names are relative to it. All methods raise LoadError."""

    shown: str

    def names(self, folder: str) -> set[str]:
        """The names of the files directly in a folder, without it; none where there is no such folder."""
        ...

    def put(self, file: Path, name: str, *, replace: bool) -> None:
        """Copy a local file there. replace: a file of that name gives way; else it stays, and ours is the same."""
        ...


def open_place(project: Project, entry: FilesystemDestination) -> Place:
    """The place that bucket_url says. Nothing is looked at yet."""
    url = entry.bucket_url.removeprefix("file://")
    if "://" not in url:
        root = project.state_dir / url
        is_inside = root.is_relative_to(project.root)
        return LocalPlace(str(root.relative_to(project.root)) if is_inside else url, root)
    return RemotePlace(url, entry, project)


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, shown: str, root: Path) -> None:
        self.shown = shown
        self.root = root.absolute()

    def names(self, folder: str) -> set[str]:
        with _told(self.shown):
            try:
                return {each.name for each in (self.root / folder).iterdir() if each.is_file()}
            except FileNotFoundError:
                return set()

    def put(self, file: Path, name: str, *, replace: bool) -> None:
        target = self.root / name
        with _told(self.shown):
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f"{_UNFINISHED}{target.name}.{uuid.uuid4().hex}")
            try:
                _copy(file, unfinished)
                if replace:
                    unfinished.replace(target)
                else:
                    _rename_new(unfinished, target)
            finally:
                unfinished.unlink(missing_ok=True)


def _copy(file: Path, target: Path) -> None:
    """A copy that is on the disk; a second name for the file where the file system has such."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _rename_new(unfinished: Path, target: Path) -> None:
    """Give a file its name unless one has it: a rename would replace that one."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not target.exists():
            unfinished.rename(target)


class RemotePlace:
    """A bucket, or a server's folder."""

    def __init__(self, url: str, entry: FilesystemDestination, project: Project) -> None:
        from pipeline_cli.sources.files.remote import RemoteStorage

        self._secrets = project.secrets
        self.shown = mask(url, project.secrets)
        self._storage = RemoteStorage(url, entry.credentials, project.secrets)
        self._has_rename = url.startswith(("sftp://", "ssh://"))

    def names(self, folder: str) -> set[str]:
        with _told(self.shown, self._secrets):
            try:
                found = self._system.ls(self._address(folder), detail=False)
            except FileNotFoundError:
                return set()
            return {str(each).rstrip("/").rpartition("/")[2] for each in found}

    def put(self, file: Path, name: str, *, replace: bool) -> None:
        address = self._address(name)
        with _told(self.shown, self._secrets):
            if not replace and self._system.exists(address):
                return
            if not self._has_rename:  # an object is there when its upload is complete
                self._system.put_file(str(file), address)
                return
            folder, _, last = address.rpartition("/")
            self._system.makedirs(folder, exist_ok=True)
            unfinished = f"{folder}/{_UNFINISHED}{last}.{uuid.uuid4().hex}"
            self._system.put_file(str(file), unfinished)
            self._system.ftp.posix_rename(unfinished, address)

    @property
    def _system(self) -> Any:
        return self._storage.system

    def _address(self, name: str) -> str:
        return f"{self._storage.root.rstrip('/')}/{name}".rstrip("/")


@contextmanager
def _told(shown: str, secrets: frozenset[str] = frozenset()) -> Iterator[None]:
    """The operating system's errors, and the libraries', as ours."""
    from pipeline_cli.errors import PipelineCliError

    try:
        yield
    except PipelineCliError:
        raise
    except PermissionError as error:
        raise LoadError(
            f"no permission to write to {shown}.",
            code=UNREACHABLE,
            hint="Give this user the right to write there.",
        ) from error
    except FileNotFoundError as error:
        raise LoadError(
            f"{shown} does not exist.", code=UNREACHABLE, hint="Make the bucket, or correct bucket_url."
        ) from error
    except Exception as error:
        lines = mask(str(error), secrets).strip().splitlines() or [type(error).__name__]
        raise LoadError(
            f"{shown} cannot be written: {lines[0][:200]}",
            code=UNREACHABLE,
            hint="Check bucket_url and credentials, and whether there is room.",
        ) from error
