"""The reference project in a folder of its own, against the sample APIs, on either warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from pipeline_cli.testing import CliResult, run_cli
from tests.servers.json_api import JsonApi, sample_rows

REPOSITORY = Path(__file__).parents[2]
PARTS = ("pipelines.yaml", ".env.example", "sources", "destinations", "transforms", "reports", "plugins")
CRM_TOKEN = "token-of-the-sample-crm"

Row = dict[str, Any]


@pytest.fixture
def project_copy(tmp_path: Path) -> Path:
    """A copy of the reference project, without anything that a run has left."""
    root = tmp_path / "shop"
    root.mkdir()
    for part in PARTS:
        found = REPOSITORY / part
        if found.is_dir():
            shutil.copytree(found, root / part, ignore=_left_by_runs)
        elif found.is_file():
            shutil.copy2(found, root / part)
    return root


def _left_by_runs(folder: str, names: list[str]) -> set[str]:
    generated = {"target", "logs", "dbt_packages", ".cache", "__pycache__"}
    return {name for name in names if name in generated or name.endswith(".duckdb")}


@dataclass(frozen=True, slots=True)
class Shop:
    """The project copy, the two sample APIs it reads from, and the warehouse it loads into."""

    root: Path
    environment: str  # live (DuckDB) or prod (Postgres)
    postgres_url: str | None
    fakestore: JsonApi
    crm: JsonApi
    more_variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> CliResult:
        """`pipeline-cli run ARGUMENTS --env … --json`."""
        return self.command("run", *arguments, "--json")

    def run_changed(self, *pipelines: str) -> CliResult:
        """As run, after a change of the project: prod is protected, so a plan is applied there."""
        if self.environment != "prod":
            return self.run(*pipelines)
        planned = self.command("plan", *pipelines, "--no-probe", "--out", "changes.plan")
        assert planned.exit_code == 0, planned.stdout + planned.stderr
        return self.command("apply", "changes.plan", "--json")

    def command(self, *arguments: str) -> CliResult:
        """`pipeline-cli ARGUMENTS --env …`."""
        return run_cli([*arguments, "--env", self.environment], cwd=self.root, env=self.variables)

    @property
    def variables(self) -> dict[str, str]:
        found = {"FAKESTORE_URL": self.fakestore.url, "CRM_URL": self.crm.url, "CRM_TOKEN": CRM_TOKEN}
        found |= {"POSTGRES_URL": self.postgres_url} if self.postgres_url else {}
        return found | dict(self.more_variables)

    def query(self, sql: str) -> list[Row]:
        """The rows of a query on the warehouse, as dicts."""
        if self.postgres_url:
            return query_postgres(self.postgres_url, sql)
        return query_duckdb(self.root / ".pipeline" / self.environment / "warehouse.duckdb", sql)


def query_duckdb(path: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return _as_dicts(connection.execute(sql))


def query_postgres(url: str, sql: str) -> list[Row]:
    connection = psycopg2.connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute(sql)
        return _as_dicts(cursor)
    finally:
        connection.close()


def _as_dicts(cursor: Any) -> list[Row]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(params=["duckdb", "postgres"])
def shop(request: pytest.FixtureRequest, project_copy: Path) -> Iterator[Shop]:
    """The shop on DuckDB (environment live) and on Postgres (environment prod)."""
    on_postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    with JsonApi(sample_rows("fakestore")) as fakestore, JsonApi(sample_rows("crm"), token=CRM_TOKEN) as crm:
        yield Shop(project_copy, "prod" if on_postgres else "live", url, fakestore, crm)
