"""dlt's Postgres destination, whose CSV files are loaded as they were written, and whose readers see whole tables.

dlt's own COPY takes every empty text for NULL (FORCE_NULL), because Python's CSV writer does not tell them apart.
Arrow's writer does: a text stands in quotes, NULL does not.

dlt replaces a table by TRUNCATE and INSERT. TRUNCATE waits for every reader, and a reader whose snapshot is older than
it finds the table empty (https://www.postgresql.org/docs/current/mvcc-caveats.html); DELETE does neither.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pipeline_cli.destinations.dlt_capabilities import KnownCapabilities

_CHUNK_BYTES = 1 << 20


@cache
def copying_postgres() -> Any:
    """The destination's factory: `dlt.destinations.postgres` in all but the COPY of its CSV files, and its TRUNCATE."""
    import dlt
    import psycopg2
    from dlt.destinations.impl.postgres.postgres import PostgresClient, PostgresCsvCopyJob
    from dlt.destinations.sql_jobs import SqlStagingReplaceFollowupJob

    class CopyJob(PostgresCsvCopyJob):
        def run(self) -> None:
            client = self._job_client.sql_client
            table = client.make_qualified_table_name(self.load_table_name)
            with open(self._file_path, "rb") as file:  # noqa: PTH123 - dlt's path is a text
                names = file.readline().decode().strip()  # quoted by Arrow's writer, as SQL does
                statement = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)"
                with client.begin_transaction(), client.native_connection.cursor() as cursor:
                    try:
                        cursor.copy_expert(statement, file, size=_CHUNK_BYTES)
                    except psycopg2.Error as error:  # dlt would not look at what it says
                        raise client._make_database_exception(error) from error

    class ReplaceJob(SqlStagingReplaceFollowupJob):
        @classmethod
        def generate_sql(cls, table_chain: Any, sql_client: Any) -> list[str]:
            statements = super().generate_sql(table_chain, sql_client)
            return [re.sub(r"^TRUNCATE TABLE ", "DELETE FROM ", each) for each in statements]

    class CopyingClient(PostgresClient):
        def _create_replace_followup_jobs(self, table_chain: Any) -> Any:
            return [ReplaceJob.from_table_chain(table_chain, self.sql_client)]

        def create_load_job(self, table: Any, file_path: str, load_id: str, restore: bool = False) -> Any:
            job = super().create_load_job(table, file_path, load_id, restore)
            return CopyJob(file_path) if isinstance(job, PostgresCsvCopyJob) else job

    class CopyingPostgres(KnownCapabilities, dlt.destinations.postgres):
        @property
        def client_class(self) -> Any:
            return CopyingClient

        @property
        def destination_type(self) -> str:
            return "dlt.destinations.postgres"  # what dlt's state and its commands know

    return CopyingPostgres
