"""Names with quotes, blanks and reserved words: of folders, files, databases, schemas, tables, columns and fields."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from urllib.parse import quote as percent_encode

import psycopg2
import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.servers.postgres import PostgresServer

DATABASE = """the "odd" d'b; --"""
SCHEMA = """it's "our" schema"""
TABLE = """order "lines"; DROP TABLE x"""
MANIFEST = """\
version: 1
name: odd
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {destination}}}
sources:
  shop:
    type: sql_database
    credentials: "${{env:ODD_URL}}"
    schema: 'it''s "our" schema'
    resources:
      lines:
        table: 'order "lines"; DROP TABLE x'
        write_disposition: merge
        primary_key: 'the "id"'
        incremental: {{cursor_path: seen at}}
  files:
    type: filesystem
    bucket_url: 'it''s "here"'
    resources:
      rows: {{file_glob: "*.csv", write_disposition: merge, primary_key: 'the "id"'}}
  things:
    type: python
    path: sources/things.py
    resources:
      things: {{write_disposition: merge, primary_key: 'the "id"'}}
pipelines:
  odd: {{sources: [shop, files, things]}}
"""
THINGS = """\
import json
import pathlib

import dlt


@dlt.resource(primary_key='the "id"', write_disposition="merge")
def things():
    yield json.loads(pathlib.Path(__file__).with_name("things.json").read_text())
"""
COLUMNS = ('the "id"', "seen at", "it's; --", "select", "100%", "%s ?")


def identify(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class OddSource:
    """The same rows in a database, a file and a module: (id, seen at, and four values more)."""

    def __init__(self, root: Path, server: PostgresServer) -> None:
        self._root = root
        server.execute(f"CREATE DATABASE {identify(DATABASE)}")
        self.url = server.url(percent_encode(DATABASE, safe=""))
        self.execute(f"CREATE SCHEMA {identify(SCHEMA)}")
        kinds = ("bigint", "timestamptz", "text", "text", "text", "text")
        columns = ", ".join(f"{identify(name)} {kind}" for name, kind in zip(COLUMNS, kinds, strict=True))
        self._table = f"{identify(SCHEMA)}.{identify(TABLE)}"
        self.execute(f"CREATE TABLE {self._table} ({columns})")

    def execute(self, sql: str, *values: object) -> None:
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)

    def put(self, *ids: int, version: str) -> None:
        """Rows of these ids, in place of those of the same ids; the files hold these alone."""
        rows = [
            (
                id_,
                f"2026-01-0{version}T00:00:0{id_}Z",
                f"it's {version}",
                f'"{version}"',
                f"{version}%",
                "?%s",
            )
            for id_ in ids
        ]
        for row in rows:
            self.execute(f"DELETE FROM {self._table} WHERE {identify(COLUMNS[0])} = %s", row[0])
            self.execute(f"INSERT INTO {self._table} VALUES (%s, %s, %s, %s, %s, %s)", *row)
        folder = self._root / """it's "here\""""
        folder.mkdir(exist_ok=True)
        lines = [COLUMNS, *rows]
        quoted = [",".join('"' + str(each).replace('"', '""') + '"' for each in line) for line in lines]
        (folder / f"""it's "{version}" %s.csv""").write_text("\n".join(quoted) + "\n")
        records = [dict(zip(COLUMNS, row, strict=True)) | {'a "list"': [{"it's": row[0]}]} for row in rows]
        (self._root / "sources" / "things.json").write_text(json.dumps(records))


def run(root: Path, url: str, *arguments: str) -> CliResult:
    done = run_cli([*arguments], cwd=root, env={"ODD_URL": url})
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(("folder", "who"), [("100%", "dlt"), ("who?", "DuckDB")])
def test_a_folder_that_a_library_cannot_write_to_is_told(tmp_path: Path, folder: str, who: str) -> None:
    files = {"sources/things.py": THINGS, "sources/things.json": "[]"}
    manifest = MANIFEST.format(destination="{type: duckdb}").replace("[shop, files, things]", "[things]")
    root = make_project(tmp_path / folder, manifest, files)
    refused = run_cli(["run"], cwd=root, env={"ODD_URL": "postgresql://nobody@nowhere/db"})
    assert refused.exit_code == 1
    told = " ".join((refused.stdout + refused.stderr).split())
    assert f"{who} cannot write below a folder with a {folder[-1]} in its name" in told


@pytest.mark.thorough
def test_odd_names_lead_to_their_rows(
    tmp_path: Path, postgres_server: PostgresServer, destination: str
) -> None:
    entry = "{type: duckdb}" if destination == "duckdb" else '{type: postgres, credentials: "${env:ODD_URL}"}'
    root = make_project(
        tmp_path / """it's "a" pröject [1]""",
        MANIFEST.format(destination=entry),
        {"sources/things.py": THINGS},
    )
    source = OddSource(root, postgres_server)
    try:
        source.put(1, 2, version="1")
        run(root, source.url, "run")
        source.put(2, 3, version="2")
        document = run(root, source.url, "run", "--json").document
        assert document is not None
        accounts = {
            each["name"]: (each["extracted"], each["loaded"], each["quarantined"])
            for step in document["pipelines"][0]["steps"]
            for each in step["resources"]
        }
        assert accounts["rows"] == accounts["things"] == (2, 2, 0)
        for table in ("shop.lines", "files.rows", "things.things"):
            check_rows(root, source.url, destination, table)
        for command in (
            ["runs"],
            ["state", "list"],
            ["quarantine", "list"],
            ["reconcile", "odd"],
            ["lineage"],
        ):
            run(root, source.url, *command)
    finally:
        postgres_server.drop_database(identify(DATABASE))


def check_rows(root: Path, url: str, destination: str, table: str) -> None:
    source, _, name = table.partition(".")
    sql = f'SELECT the_idx, it_sxxx, "select", _100x, _sx FROM bronze_{source}.{name} ORDER BY 1'
    assert ask(root, url, destination, sql) == [
        (1, "it's 1", '"1"', "1%", "?%s"),
        (2, "it's 2", '"2"', "2%", "?%s"),
        (3, "it's 2", '"2"', "2%", "?%s"),
    ]


def ask(root: Path, url: str, destination: str, sql: str) -> list[tuple[object, ...]]:
    if destination == "postgres":
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    import duckdb

    with duckdb.connect(str(root / ".pipeline/dev/warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
