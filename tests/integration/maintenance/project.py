"""A project as people have it, for the commands as processes: an API (Python) and files, into either warehouse."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from pipeline_cli.testing import CliResult, make_project, run_cli

MANIFEST = """\
version: 1
name: mended
default_environment: dev
environments: {{dev: {{destination: warehouse}}, prod: {{destination: other, protected: true}}}}
destinations:
  warehouse: {destination}
  other: {{type: duckdb, path: other.duckdb}}
sources:
  events:
    type: python
    path: sources/events.py
    resources:
      events:
        write_disposition: {disposition}
        primary_key: id
        contract: sources/schema.json
        incremental: {{cursor_path: id, initial_value: 0}}{more}
  files:
    type: filesystem
    bucket_url: data
    resources:
      rows: {{file_glob: "*.csv", write_disposition: {disposition}, primary_key: id, contract: sources/schema.json}}
  db:
    type: sql_database
    credentials: sqlite:///shop.db
    resources:
      items: {{incremental: {{cursor_path: id}}, write_disposition: {disposition}, primary_key: id}}
pipelines:
  events: {{sources: [events]}}
  db: {{sources: [db]}}
  files: {{sources: [files]}}
"""
SOURCE = """\
import json
import pathlib

import dlt


@dlt.resource(name="events")
def events(at=dlt.sources.incremental("id", initial_value=0)):
    text = pathlib.Path(__file__).with_name("records.json").read_text()
    rows = [row for row in json.loads(text) if row["id"] >= at.last_value]
    for start in range(0, len(rows), 100):
        yield rows[start:start + 100]
"""
STRICT = {"properties": {"id": {"type": "integer"}, "price": {"type": "number", "minimum": 0}}}
MILD = {"properties": {"id": {"type": "integer"}, "price": {"type": "number"}}}


class MendedProject:
    """The commands on it, and SQL on its warehouse. url: of Postgres; without it, DuckDB."""

    def __init__(
        self, root: Path, disposition: str = "append", url: str | None = None, more: str = ""
    ) -> None:
        self.env = {"MENDED_URL": url} if url else {}
        self.url = url
        entry = '{type: postgres, credentials: "${env:MENDED_URL}"}' if url else "{type: duckdb}"
        manifest = MANIFEST.format(destination=entry, disposition=disposition, more=more)
        self.root = make_project(root, manifest, {"sources/events.py": SOURCE})
        (self.root / "data").mkdir()
        self.schema(STRICT)

    def schema(self, schema: dict[str, Any]) -> None:
        (self.root / "sources/schema.json").write_text(json.dumps(schema))

    def records(self, *records: dict[str, Any]) -> None:
        """What the source `events` has."""
        (self.root / "sources/records.json").write_text(json.dumps(records))

    def file(self, name: str, *lines: str) -> None:
        (self.root / "data" / name).write_text("".join(f"{line}\n" for line in lines))

    def insert(self, *ids: int) -> None:
        """Rows of the table that the source `db` reads."""
        with sqlite3.connect(self.root / "shop.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, n INTEGER)")
            connection.executemany("INSERT INTO items VALUES (?, ?)", [(each, each) for each in ids])

    def run(self, pipeline: str) -> str:
        """Run a pipeline; the run's id."""
        return str(self.document("run", pipeline)["run_id"])

    def call(self, *arguments: str, exit_code: int = 0, **env: str) -> CliResult:
        """A command that must end so."""
        result = run_cli(arguments, cwd=self.root, env={**self.env, **env})
        assert result.exit_code == exit_code, (result.exit_code, result.stdout, result.stderr)
        return result

    def document(self, *arguments: str, exit_code: int = 0, **env: str) -> dict[str, Any]:
        document = self.call(*arguments, "--json", exit_code=exit_code, **env).document
        assert document is not None
        return document

    def kill(self, failpoint: str, *arguments: str) -> None:
        """A command that kills itself at a failpoint."""
        self.call(*arguments, exit_code=-9, PIPELINE_CLI_FAILPOINT=failpoint)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.url is None:
            import duckdb

            with duckdb.connect(
                str(self.root / ".pipeline/dev/warehouse.duckdb"), read_only=True
            ) as connection:
                return connection.execute(sql).fetchall()
        import psycopg2

        connection = psycopg2.connect(self.url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()
