"""PostgreSQL: a server that many processes write to; pipelines are held by advisory locks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.destinations.base import Connection, deadlines
from pipeline_cli.errors import Busy, LoadError
from pipeline_cli.manifest.models import entry, key

if TYPE_CHECKING:
    from pipeline_cli.destinations.postgres_fence import Fence
    from pipeline_cli.destinations.postgres_url import PostgresUrl
    from pipeline_cli.destinations.postgres_waits import LockWaits
    from pipeline_cli.project import Project

_SSL_OPTIONS = ("sslmode", "sslcert", "sslkey", "sslrootcert")


@entry
class PostgresDestination:
    """A PostgreSQL server."""

    type: Literal["postgres"]
    credentials: str = key(
        "postgresql://user:password@host:port/database, from the environment.", secret=True
    )
    max_parallel: int | None = key(
        "How many sources are loaded into it at once in a run (8), and pipelines by `schedule run` (4).",
        default=None,
        minimum=1,
    )
    lock_timeout: timedelta = key(
        "How long a statement waits for a table that another session has locked, before its step fails.",
        default=timedelta(minutes=5),
        minimum=0.001,
    )

    def open(self, name: str, project: Project) -> PostgresWarehouse:
        from pipeline_cli.destinations.postgres_url import parse_url

        return PostgresWarehouse(name, parse_url(self.credentials), project.manifest.name, self.lock_timeout)


class PostgresWarehouse:
    """The Warehouse (destinations/base.py) of a PostgreSQL database."""

    type = "postgres"

    def __init__(
        self, name: str, url: PostgresUrl, project_name: str, lock_timeout: timedelta = timedelta(minutes=5)
    ) -> None:
        self.name = name
        self.location = url.location
        self._url = url
        self._project_name = project_name
        self._lock_timeout = lock_timeout
        self._fence: Fence | None = None
        # libpq's own variable: days and hours are cut in UTC by dlt, SQLMesh and dbt alike, as on DuckDB.
        os.environ.setdefault("PGTZ", "UTC")

    @property
    def lineage_place(self) -> tuple[str, str]:
        host = "localhost" if self._url.host.startswith("/") else self._url.host
        return f"postgres://{host}:{self._url.port}", self._url.database

    def dlt_destination(self) -> Any:
        _driver()
        from pipeline_cli.destinations.postgres_copy import copying_postgres

        destination = copying_postgres()(
            credentials=self._url.text, destination_name=self.name, replace_strategy="insert-from-staging"
        )
        from pipeline_cli.destinations.postgres_session import guard_dlt

        return guard_dlt(destination, self._waits, self._fence)

    @property
    def build_settings(self) -> tuple[str, ...]:
        return (f"SET LOCAL {self._waits.setting}",)

    def dlt_environment(self) -> dict[str, str]:
        return {f"DESTINATION__{self.name.upper()}__CREDENTIALS": self._url.text}

    def sqlmesh_connection(self) -> Any:
        _driver()
        from sqlmesh.core.config.connection import PostgresConnectionConfig

        url = self._url
        # libpq reads certificates from the environment; SQLMesh has no keys for them.
        for option in _SSL_OPTIONS[1:]:
            if option in url.options:
                os.environ[f"PG{option.upper()}"] = url.options[option]
        return PostgresConnectionConfig(
            host=url.host,
            port=url.port,
            user=url.user,
            password=url.password,
            database=url.database,
            sslmode=url.options.get("sslmode"),
            connect_timeout=url.connect_timeout_s,
            application_name="pipeline-cli sqlmesh",
        )

    def dbt_output(self, folder: Path) -> dict[str, Any]:
        url = self._url
        ssl = {name: url.options[name] for name in _SSL_OPTIONS if name in url.options}
        return {
            "type": "postgres",
            "host": url.host,
            "port": url.port,
            "user": url.user,
            "password": f"{{{{ env_var('{self._password_variable}') }}}}",
            "dbname": url.database,
            "connect_timeout": url.connect_timeout_s,
            "threads": 4,
            "application_name": "pipeline-cli dbt",
            **ssl,
        }

    def dbt_environment(self) -> dict[str, str]:
        return {self._password_variable: self._url.password}

    def connect(self) -> Connection:
        from pipeline_cli.destinations.postgres_session import PostgresConnection

        return PostgresConnection(self._open("pipeline-cli"), self._waits, self._fence)

    def exclusive(self, holder: str = "", wait_s: float = 0.0) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def lock_pipeline(self, pipeline: str, holder: str = "", wait_s: float = 0.0) -> Iterator[None]:
        from pipeline_cli.destinations.postgres_fence import Fence
        from pipeline_cli.destinations.postgres_lock import describe_self, take_lock

        connection = self._open(describe_self(pipeline, holder))
        self._fence = self._fence or Fence(self._project_name)
        try:
            with self._explained():
                for _ in deadlines(wait_s):
                    other = take_lock(connection, self._project_name, pipeline)
                    if other is None:
                        break
                else:
                    raise Busy(
                        f"pipeline {pipeline} is held on {self.location} by {other}",
                        hint="Wait until it is done, then try again.",
                    )
                self._fence.take(connection, pipeline, describe_self(pipeline, holder))
            yield
        finally:
            self._fence.leave(pipeline)
            connection.close()  # a session's locks end with it

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def release(self) -> None:
        """Nothing: connections to a server keep no file."""

    def relations(self, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
        connection = self.connect()
        try:
            rows = connection.query(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_schema = ANY(?) ORDER BY 1, 2",
                [list(schemas)],
            )
        finally:
            connection.close()
        yield from ((str(schema), str(name)) for schema, name in rows)

    def check(self) -> None:
        """Connect, and see that schemas may be made. Bounded by connect_timeout (10 s by default)."""
        connection = self.connect()
        try:
            may_create, read_only = connection.query(
                "SELECT has_database_privilege(current_database(), 'CREATE'),"
                " current_setting('transaction_read_only') = 'on'"
            )[0]
        finally:
            connection.close()
        if read_only:
            raise LoadError(
                f"{self.location} is read-only",
                code="E321",
                hint="Give the address of the server that takes writes.",
            )
        if not may_create:
            raise LoadError(
                f"user {self._url.user} may not create schemas in {self.location}",
                code="E321",
                hint=f'As its owner: GRANT CREATE ON DATABASE "{self._url.database}" TO "{self._url.user}";',
            )

    @property
    def _waits(self) -> LockWaits:
        from pipeline_cli.destinations.postgres_waits import LockWaits

        return LockWaits(self._lock_timeout, self.location, partial(self._open, "pipeline-cli"))

    @property
    def _password_variable(self) -> str:
        # dbt masks variables with this prefix in its logs.
        return f"DBT_ENV_SECRET_{self.name.upper()}_PASSWORD"

    def _open(self, application_name: str) -> Any:
        driver = _driver()
        with self._explained():
            connection = driver.connect(
                self._url.text, application_name=application_name, connect_timeout=self._url.connect_timeout_s
            )
        connection.autocommit = True
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raises LoadError where the server refuses, or goes away."""
        from pipeline_cli.destinations.postgres_url import explain_refusal

        driver = _driver()
        try:
            yield
        except driver.Error as error:
            raise explain_refusal(error, self._url) from None  # libpq's text could quote the address


def _driver() -> Any:
    """psycopg2; raises LoadError with the command that installs it."""
    try:
        import psycopg2
    except ImportError:
        raise LoadError(
            "PostgreSQL needs a driver that is not installed",
            code="E324",
            hint="pip install 'pipeline-cli[postgres]'",
        ) from None
    return psycopg2
