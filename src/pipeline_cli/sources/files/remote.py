"""Buckets and servers through fsspec: S3 and what speaks like it, GCS, SFTP."""

from __future__ import annotations

from collections.abc import Collection
from typing import BinaryIO

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.files import FileCredentials
from pipeline_cli.sources.files.listing import Listed


class RemoteStorage:
    """A bucket or a server's folder."""

    is_local = False
    parallel = 8

    def __init__(self, url: str, credentials: FileCredentials | None, secrets: Collection[str]) -> None:
        self.shown = url

    def list_files(self, glob: str) -> list[Listed]:
        raise SourceError(f"{self.shown} is not read yet.", code="E366")

    def open(self, file: Listed) -> BinaryIO:
        raise SourceError(f"{self.shown} is not read yet.", code="E366")

    def check_unchanged(self, file: Listed) -> None:
        raise SourceError(f"{self.shown} is not read yet.", code="E366")
