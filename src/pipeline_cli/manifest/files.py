"""The `filesystem` source: files in a folder, a bucket or on a server; dlt's keys where dlt has them.

https://dlthub.com/docs/dlt-ecosystem/verified-sources/filesystem/basic
"""

from collections.abc import Mapping
from typing import Literal

from pipeline_cli.manifest.models import entry, key
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.manifest.sources import ResourceHints

FileFormat = Literal["csv", "jsonl", "parquet"]
OnTrouble = Literal["fail", "warn", "ignore"]


@entry
class FileCredentials:
    """What a bucket or a server asks for; without it, what the machine has (environment, ~/.aws, a role)."""

    aws_access_key_id: str | None = key("S3: the access key's id.", default=None, secret=True)
    aws_secret_access_key: str | None = key("S3: the access key.", default=None, secret=True)
    aws_session_token: str | None = key("S3: the token of a temporary key.", default=None, secret=True)
    endpoint_url: str | None = key(
        "S3-compatible stores and emulators: the server's address.", default=None, url=True
    )
    region_name: str | None = key("S3: the bucket's region.", default=None)
    profile_name: str | None = key("S3: a profile of ~/.aws/config.", default=None)
    project_id: str | None = key("GCS: the project.", default=None)
    client_email: str | None = key("GCS: the service account's address.", default=None)
    private_key: str | None = key("GCS: the service account's private key.", default=None, secret=True)
    sftp_port: int | None = key("SFTP: the port.", default=None, minimum=1)
    sftp_username: str | None = key("SFTP: the user.", default=None)
    sftp_password: str | None = key("SFTP: the password.", default=None, secret=True)
    sftp_key_filename: str | None = key("SFTP: the private key's file.", default=None, path="data")
    sftp_key_passphrase: str | None = key("SFTP: the private key's passphrase.", default=None, secret=True)
    sftp_known_hosts: str | None = key(
        "SFTP: the file of the servers' keys; by default ~/.ssh/known_hosts.", default=None, path="data"
    )
    sftp_accept_any_host: bool = key(
        "SFTP: connect although the server's key is not known. Anyone between you and it can then read along.",
        default=False,
    )
    anonymous: bool = key("Read a public bucket without a key.", default=False)


@entry
class Csv:
    """How CSV files are written. What is not said is found out from each file's beginning; `preview` tells it."""

    delimiter: str | None = key('What stands between two values: "," ";" "\\t" "|".', default=None)
    quote: str | None = key('What stands around a value that holds delimiters; "" for none.', default=None)
    escape: str | None = key("What stands before a quote inside quotes; by default the quote.", default=None)
    encoding: str | None = key(
        "The characters' encoding: utf-8, utf-16, latin-1, windows-1252, …", default=None
    )
    header: bool | None = key("Whether the first line holds the columns' names.", default=None)
    column_names: tuple[str, ...] = key("The columns' names, for files without a header.", default=())
    null_values: tuple[str, ...] = key('Texts that stand for no value, besides "".', default=())
    date_format: str | None = key("How dates are written where not as 2026-01-31: %d.%m.%Y", default=None)
    timestamp_format: str | None = key("How times are written where not in ISO 8601.", default=None)
    decimal_separator: Literal[".", ","] = key("What stands before a number's decimals.", default=".")


@entry
class FileResource(ResourceHints):
    file_glob: str | None = key(
        "Which files, relative to bucket_url; ** is any folders. By default NAME*: all that begin with the "
        "resource's name.",
        default=None,
    )
    format: FileFormat | None = key(
        "What the files are; by default by their names: .csv .tsv .jsonl .ndjson .json .parquet, also with .gz "
        "or .zst.",
        default=None,
    )
    csv: Csv | None = key("How CSV files are written.", default=None)
    incremental_by: Literal["modified", "name", "hash"] = key(
        "Which files are new: modified: those whose name, time or size is; name: those whose name is; hash: those "
        "whose content is (every file is read to know).",
        default="modified",
    )
    on_missing_folder: OnTrouble = key("What a bucket_url that is not there does.", default="fail")
    on_no_permission: OnTrouble = key("What a folder or file that may not be read does.", default="fail")
    on_no_files: OnTrouble = key("What it does when no file matches.", default="fail")
    on_empty_file: OnTrouble = key("What a file without a byte does.", default="warn")


@entry
class FilesystemSource:
    """CSV, JSON Lines and Parquet files, read as columns: local, S3, GCS or SFTP."""

    type: Literal["filesystem"]
    bucket_url: str = key(
        "The folder: inside the project, absolute, or an s3://, gs:// or sftp:// address.", path="data"
    )
    resources: Mapping[str, FileResource] = key("What to read, by table name.", names="resources")
    credentials: FileCredentials | None = key("How the bucket or server is entered.", default=None)
    keep_raw: bool = key("Keep each record as received in the column _raw (JSON).", default=False)
    retries: Retries | None = key(
        "How reading it is tried again; by default as the pipeline says.", default=None
    )
    lake: str | None = key(
        "A filesystem destination where the rows of each load are also kept, as files that never change.",
        default=None,
        refers_to="destinations",
    )
