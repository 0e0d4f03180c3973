"""A place for files: a folder, a bucket, an SFTP server. Not a warehouse: sources are kept there, not loaded."""

# No postponed annotations, see manifest/models.py.

from typing import Literal

from pipeline_cli.manifest.files import FileCredentials
from pipeline_cli.manifest.models import entry, key


@entry
class FilesystemDestination:
    """A place for files: `lake:` of a source, or where `generate` writes."""

    type: Literal["filesystem"]
    bucket_url: str = key(
        "The folder or bucket; a relative path is inside the environment's state.", path="data"
    )
    credentials: FileCredentials | None = key("How the bucket or server is entered.", default=None)
    format: Literal["parquet", "jsonl"] = key("What a lake's files are.", default="parquet")
