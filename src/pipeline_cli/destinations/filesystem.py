"""A place for files: a folder, a bucket, an SFTP server. Not a warehouse: sources are kept there, not loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline_cli.manifest.models import key


@dataclass(frozen=True, slots=True)
class FilesystemDestination:
    """A place for files: `lake:` of a source, or where `generate` writes."""

    type: Literal["filesystem"]
    bucket_url: str = key(
        "The folder or bucket; a relative path is inside the environment's state.", path="data"
    )
    credentials: Mapping[str, str] = key("How the place is reached, as of a filesystem source.", default={})
    format: Literal["parquet", "jsonl"] = key("What a lake's files are.", default="parquet")
