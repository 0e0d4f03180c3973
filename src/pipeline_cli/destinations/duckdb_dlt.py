"""dlt's DuckDB destination with values written into statements: for its first parameter the client imports pandas."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from dlt.common.destination.client import LoadJob
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbConnectionPool
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from pipeline_cli.destinations.dlt_capabilities import KnownCapabilities
from pipeline_cli.destinations.duckdb_loading import READER_BUFFERS_MB, least_mb, loading, ran_out
from pipeline_cli.destinations.sql import inline


class _SqlClient(DuckDbSqlClient):
    @contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        if args:
            query, args = inline(query.replace("%s", "?"), args)  # as dlt writes its marks for DuckDB
        with super().execute_query(query, *args, **kwargs) as cursor:
            yield cursor


class _Connections(DuckDbConnectionPool):
    @staticmethod
    def _apply_config(conn: Any, scope: Any, config: dict[str, Any]) -> None:
        import duckdb

        for name, value in config.items():
            statement, left = inline(f"SET {scope} {name} = ?", (value,))
            # As dlt does: a search path may not be there yet.
            with suppress(duckdb.CatalogException) if name == "search_path" else nullcontext():
                conn.execute(statement, left)


class _CopyJob(DuckDbCopyJob):
    """Reads a Parquet file into its table, in no more memory for a large file than for a small one.

    Their order tells nothing: dlt asks for the files of an extraction in none.
    """

    def run(self) -> None:
        client = self._job_client.sql_client
        connection, instance = client.native_connection, client.credentials.database
        limit = least_mb(len(self._load_table["columns"]), READER_BUFFERS_MB)
        try:
            with loading(connection, instance, limit, is_ordered=False):
                self._copy()
        except Exception as error:
            if not ran_out(error):
                raise
            # Very many columns, or very large values.
            with loading(connection, instance, None, is_ordered=False):
                self._copy()

    def _copy(self) -> None:
        """As dlt does, whose statement has the path as it stands: quotes would end it, brackets be a pattern."""
        path, self._file_path = self._file_path, glob.escape(self._file_path).replace("'", "''")
        try:
            super().run()
        finally:
            self._file_path = path


class _Client(DuckDbClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # dlt makes both itself, and takes no others.
        self.sql_client.__class__ = _SqlClient
        self.sql_client.credentials.conn_pool.__class__ = _Connections

    def _get_column_def_sql(self, c: Any, table: Any = None) -> str:
        """For ids of rows DuckDB does not look for what makes them smallest.

        They are random: for a row's own that takes an eighth of a load, and saves 7%. Those of the rows above stand in
        each row of a list: by a dictionary, which is what it finds, in two thirds of the time.
        """
        definition = super()._get_column_def_sql(c, table)
        if c.get("row_key"):
            return f"{definition} USING COMPRESSION uncompressed"
        if c.get("parent_key") or c.get("root_key"):
            return f"{definition} USING COMPRESSION dictionary"
        return definition

    def create_load_job(self, *args: Any, **kwargs: Any) -> LoadJob:
        job = super().create_load_job(*args, **kwargs)
        if type(job) is DuckDbCopyJob:
            job.__class__ = _CopyJob
        return job


class InlinedDuckDB(KnownCapabilities, duckdb):
    """To dlt, its own destination: the type stands in the state of pipelines."""

    @property
    def client_class(self) -> type[DuckDbClient]:
        return _Client


InlinedDuckDB.__module__, InlinedDuckDB.__qualname__ = duckdb.__module__, duckdb.__qualname__
