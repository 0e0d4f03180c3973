"""Sources of type `sql_database`: tables and queries of a database."""

# No postponed annotations, see models.py.

from collections.abc import Mapping
from typing import Literal

from pipeline_cli.manifest.models import entry, key
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.manifest.sources import ResourceHints


@entry
class DatabaseResource(ResourceHints):
    table: str | None = key("The table or view; by default the resource's name.", default=None)
    query: str | None = key("A SELECT whose rows are read instead of a table's.", default=None)
    included_columns: tuple[str, ...] = key("The columns to read; by default all.", default=())
    excluded_columns: tuple[str, ...] = key("Columns that are not read.", default=())
    chunk_size: int = key("How many rows are held in memory at a time.", default=50_000, minimum=1)


@entry
class SqlDatabaseSource:
    """Tables and queries of a database: PostgreSQL, MySQL, DuckDB, SQLite, or any with a SQLAlchemy dialect."""

    type: Literal["sql_database"]
    credentials: str = key(
        "A SQLAlchemy URL, from the environment. Of a file, also in plain text: sqlite:///FILE or duckdb:///FILE,"
        " relative to the project; with a fourth slash absolute.",
        secret=True,
    )
    resources: Mapping[str, DatabaseResource] = key("What to read, by table name.", names="resources")
    schema: str | None = key("The schema of the tables; by default the connection's.", default=None)
    keep_raw: bool = key("Keep each row as received in the column _raw (JSON).", default=False)
    retries: Retries | None = key(
        "How reading it is tried again; by default as the pipeline says.", default=None
    )
    lake: str | None = key(
        "A filesystem destination where the rows of each load are also kept, as files that never change.",
        default=None,
        refers_to="destinations",
    )
