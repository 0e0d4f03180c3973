"""Buckets and servers through fsspec: S3 and what speaks like it, GCS, SFTP."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.files import FileCredentials
from pipeline_cli.secrets import mask
from pipeline_cli.sources.files.credentials import gcs_options, s3_options
from pipeline_cli.sources.files.listing import Listed, depth_below, fixed_folder, glob_pattern
from pipeline_cli.sources.files.storage import (
    CHANGED,
    MISSING_FOLDER,
    NO_PERMISSION,
    UNREACHABLE,
    changed,
)

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "sftp": "sftp", "ssh": "sftp"}
_TAGS = ("ETag", "etag", "generation")
_TIMES = ("LastModified", "updated", "mtime")
# What the libraries raise when nobody knows who asks, by the classes' names: they are not imported for it.
_REFUSALS = frozenset(
    (
        *("PermissionError", "NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError"),
        *("RefreshError", "AuthenticationException", "PasswordRequiredException", "ProfileNotFound"),
    )
)


class RemoteStorage:
    """A bucket or a server's folder; see Storage."""

    is_local = False

    def __init__(self, url: str, credentials: FileCredentials | None, secrets: Collection[str]) -> None:
        self.shown = mask(url, secrets)
        self._url = url
        self._scheme = urlsplit(url).scheme.lower()
        self._credentials = credentials or FileCredentials()
        self._secrets = secrets
        self.parallel = 1 if _EXTRAS.get(self._scheme) == "sftp" else 8  # paramiko has one channel

    def list_files(self, glob: str) -> list[Listed]:
        folder, pattern = fixed_folder(glob), glob_pattern(glob)
        with self._told(self.shown, MISSING_FOLDER):
            root = self.root.rstrip("/")
            top = f"{root}/{folder}" if folder else root or "/"
            try:
                found = [
                    _listed(info["name"], info, root) for info in self._walk(top, depth_below(glob, folder))
                ]
            except FileNotFoundError:
                found = []
            files = sorted((file for file in found if pattern.match(file.path)), key=lambda file: file.path)
            if not files:
                # Unlike exists(), this tells what is not there from what is refused.
                self.system.ls(root or "/")
        return files

    def _walk(self, folder: str, depth: int | None) -> Iterator[Mapping[str, Any]]:
        """The files in a folder and below; fsspec's own walk passes over what it may not list."""
        if depth is None and self.parallel > 1:  # a bucket lists everything below a prefix in one go
            yield from self.system.find(folder, detail=True).values()
            return
        for info in self.system.ls(folder, detail=True):
            if info["type"] == "file":
                yield info
            elif info["type"] == "directory" and (depth is None or depth > 1):
                yield from self._walk(info["name"], None if depth is None else depth - 1)

    def open(self, file: Listed) -> BinaryIO:
        with self._told(file.path, CHANGED):
            return cast(BinaryIO, self.system.open(file.address, "rb"))

    def fetch(self, file: Listed, target: Path) -> None:
        """Copy a file here. Raises SourceError when it is another than the one that was listed."""
        with self._told(file.path, CHANGED):
            self.system.get_file(file.address, str(target))
        if target.stat().st_size != file.size_bytes:
            raise changed(file, f"had {file.size_bytes} bytes and has {target.stat().st_size}")
        self.check_unchanged(file)

    def check_unchanged(self, file: Listed) -> None:
        with self._told(file.path, CHANGED):
            info = self.system.info(file.address)
        now = _listed(file.address, info, self.root.rstrip("/"))
        if (now.size_bytes, now.tag) != (file.size_bytes, file.tag):
            raise changed(file, "was written to")

    @cached_property
    def root(self) -> str:
        return str(self.system._strip_protocol(self._url))

    @cached_property
    def system(self) -> Any:
        """The fsspec file system; no instance is shared, and no listing is kept."""
        import fsspec

        kind = _EXTRAS.get(self._scheme)
        if kind is None:
            raise SourceError(
                f"{self.shown}: {self._scheme}:// is not read here.",
                code=UNREACHABLE,
                hint="bucket_url is a folder, or an s3://, gs:// or sftp:// address.",
            )
        try:
            if kind == "sftp":
                from pipeline_cli.sources.files.sftp import open_sftp

                return open_sftp(self._url, self._credentials)
            options = s3_options if kind == "s3" else gcs_options
            return fsspec.filesystem(
                kind, skip_instance_cache=True, use_listings_cache=False, **options(self._credentials)
            )
        except ImportError as error:
            raise SourceError(
                f"{self.shown} needs a library that is not installed: {error.name}.",
                code=UNREACHABLE,
                hint=f"pip install 'pipeline-cli[{kind}]'",
            ) from error

    @contextmanager
    def _told(self, shown: str, when_missing: str) -> Iterator[None]:
        """The libraries' errors as ours, without a secret in them."""
        try:
            yield
        except SourceError:
            raise
        except FileNotFoundError as error:
            raise self._missing(shown, when_missing) from error
        except Exception as error:
            names = {cls.__name__ for cls in type(error).__mro__}
            detail = mask(_first_line(error), self._secrets)
            if names & _REFUSALS or getattr(error, "code", None) in (401, 403):
                raise SourceError(
                    f"no permission to read {shown}: {detail}",
                    code=NO_PERMISSION,
                    hint="Check credentials, and what they may list and read.",
                ) from error
            raise SourceError(
                f"{shown} cannot be reached: {detail}",
                code=UNREACHABLE,
                hint="Check bucket_url and credentials.endpoint_url, and whether the server answers.",
            ) from error

    def _missing(self, shown: str, code: str) -> SourceError:
        if code == CHANGED:
            return SourceError(f"{shown} is gone: it was there a moment ago.", code=code, hint="Run again.")
        what = "folder" if _EXTRAS.get(self._scheme) == "sftp" else "bucket or folder"
        return SourceError(
            f"the {what} {shown} does not exist.",
            code=code,
            hint="Check bucket_url, and its region or project.",
        )


def _listed(name: str, info: Mapping[str, Any], root: str) -> Listed:
    tag = next((str(info[key]) for key in _TAGS if info.get(key)), None)
    time = next((info[key] for key in _TIMES if info.get(key)), None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    modified = time.astimezone(UTC) if time else None
    path = name.removeprefix(root).lstrip("/")
    return Listed(path, name, int(info["size"] or 0), modified, tag or (str(modified) if modified else None))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0][:200] if lines else type(error).__name__).rstrip(".") + "."
