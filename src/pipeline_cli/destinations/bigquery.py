"""Google BigQuery: where dbt builds models, and where sources that are read record by record are loaded.

What else a pipeline may want, a run refuses before it begins: running/support.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.destinations.base import Connection, first_line
from pipeline_cli.errors import LoadError
from pipeline_cli.manifest.models import entry, key

if TYPE_CHECKING:
    from pipeline_cli.destinations.bigquery_key import ServiceKey
    from pipeline_cli.project import Project

TIMEOUT_S = 30.0  # of one request; Google's clients would try for ten minutes


@entry
class BigQueryDestination:
    """Google BigQuery: for dbt transforms, and for sources that are read record by record (rest_api, python)."""

    type: Literal["bigquery"]
    project: str = key("The Google Cloud project's id.")
    credentials: str = key(
        "The service account's key, from the environment: the JSON itself, or the path of its file.",
        secret=True,
    )
    location: str = key("Where datasets are made: EU, US or europe-west3, say.", default="US")
    max_parallel: int | None = key(
        "How many sources are loaded into it at once in a run (8), and pipelines by `schedule run` (4).",
        default=None,
        minimum=1,
    )

    def open(self, name: str, project: Project) -> BigQueryWarehouse:
        from pipeline_cli.destinations.bigquery_key import read_key

        return BigQueryWarehouse(name, self, read_key(self.credentials, project.root))


class BigQueryWarehouse:
    """The Warehouse (destinations/base.py) of a Google Cloud project."""

    type = "bigquery"

    def __init__(self, name: str, entry: BigQueryDestination, key: ServiceKey) -> None:
        self.name = name
        self.location = f"{entry.project} ({entry.location})"
        self._entry = entry
        self._key = key

    @property
    def lineage_place(self) -> tuple[str, str]:
        return "bigquery", self._entry.project

    def dlt_destination(self) -> Any:
        _driver()
        import dlt

        key: Any = self._key.text  # dlt reads it, too, where its types say otherwise
        return dlt.destinations.bigquery(
            credentials=key,
            project_id=self._entry.project,
            location=self._entry.location,
            destination_name=self.name,
            replace_strategy="insert-from-staging",
        )

    def dlt_environment(self) -> dict[str, str]:
        section = f"DESTINATION__{self.name.upper()}__"
        return {
            f"{section}CREDENTIALS": self._key.text,
            f"{section}PROJECT_ID": self._entry.project,
            f"{section}LOCATION": self._entry.location,
        }

    def sqlmesh_connection(self) -> Any:
        raise LoadError("SQLMesh does not build in BigQuery here yet", code="E327")

    @property
    def build_settings(self) -> tuple[str, ...]:
        return ()

    def dbt_output(self, folder: Path) -> dict[str, Any]:
        if find_spec("dbt.adapters.bigquery") is None:
            raise _not_installed("dbt's adapter for BigQuery is not installed")
        return {
            "type": "bigquery",
            "method": "service-account-json",
            "project": self._entry.project,
            "location": self._entry.location,
            "keyfile_json": {
                **self._key.public,
                "private_key": f"{{{{ env_var('{self._key_variable}') }}}}",
            },
            "threads": 4,
            "job_execution_timeout_seconds": 3600,
            "job_retries": 1,
        }

    def dbt_environment(self) -> dict[str, str]:
        return {self._key_variable: self._key.private_key}

    def connect(self) -> Connection:
        from pipeline_cli.destinations.bigquery_sql import BigQueryConnection

        return BigQueryConnection(self._client(), TIMEOUT_S)

    def exclusive(self, holder: str = "", wait_s: float = 0.0) -> AbstractContextManager[None]:
        return nullcontext()

    def lock_pipeline(
        self, pipeline: str, holder: str = "", wait_s: float = 0.0
    ) -> AbstractContextManager[None]:
        """Nothing: BigQuery has no locks. Other runs on this machine are kept away by the project's own."""
        return nullcontext()

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def release(self) -> None:
        """Nothing: connections to a server keep no file."""

    def relations(self, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
        from google.api_core.exceptions import NotFound
        from google.cloud.bigquery import DEFAULT_RETRY

        from pipeline_cli.destinations.bigquery_sql import translated_errors

        client = self._client()
        try:
            for schema in schemas:
                try:
                    with translated_errors(spare=NotFound):
                        tables = client.list_tables(
                            f"{self._entry.project}.{schema}",
                            retry=DEFAULT_RETRY.with_timeout(TIMEOUT_S),
                            timeout=TIMEOUT_S,
                        )
                        names = [str(table.table_id) for table in tables]
                except NotFound:
                    continue
                yield from ((schema, name) for name in names)
        finally:
            client.close()

    def check(self) -> None:
        """Ask for a number. Whether datasets may be made shows only when one is."""
        from pipeline_cli.destinations.bigquery_sql import translated_errors

        client = self._client()
        try:
            with translated_errors():
                client.query("SELECT 1", retry=None, job_retry=None, timeout=TIMEOUT_S).result(retry=None)
        finally:
            client.close()

    @property
    def _key_variable(self) -> str:
        # dbt masks variables with this prefix in its logs.
        return f"DBT_ENV_SECRET_{self.name.upper()}_PRIVATE_KEY"

    def _client(self) -> Any:
        bigquery = _driver()
        from google.oauth2.service_account import Credentials

        try:
            credentials = Credentials.from_service_account_info(
                self._key.info, scopes=["https://www.googleapis.com/auth/cloud-platform"]
            )
        except ValueError as error:  # the private key is none
            raise LoadError(
                f"the key of {self.name} is not usable: {first_line(error)}",
                code="E322",
                hint="Make a new key of the service account in Google Cloud's console, as JSON.",
            ) from error
        return bigquery.Client(
            project=self._entry.project, credentials=credentials, location=self._entry.location
        )


def _driver() -> Any:
    """google.cloud.bigquery; raises LoadError with the command that installs it."""
    try:
        from google.cloud import bigquery
    except ImportError:
        raise _not_installed("BigQuery needs packages that are not installed") from None
    return bigquery


def _not_installed(message: str) -> LoadError:
    return LoadError(message, code="E324", hint="pip install 'pipeline-cli[bigquery]'")
