"""Secrets and names that would do harm, through the whole command (faults.md, row "Alerts and security")."""

from __future__ import annotations

import base64
import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from pipeline_cli.testing import CliResult, make_project
from tests.servers.json_api import Answer, JsonApi, Request
from tests.servers.smtp import MailServer
from tests.warm import run_cli

SECRETS = {
    "API_TOKEN": "c4nary/of+the/api==",
    "SMTP_PASSWORD": "c4nary:of the@mail",
    "HOOK": "T0c4nary/B0hook",
    "LINEAGE_TOKEN": "c4nary-of-marquez",
}
MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb, path: warehouse.duckdb}}
sources:
  shop:
    type: rest_api
    client: {base_url: "${env:API_URL}", auth: {type: bearer, token: "${env:API_TOKEN}"}, max_retries: 0}
    resources: {items: {primary_key: id, write_disposition: merge}}
reports:
  all: {title: All, queries: {items: SELECT id FROM bronze_shop.items}, blocks: {items: {type: table, query: items}}}
plugins:
  email: {smtp: "${env:SMTP_URL}", to: ops@example.com, sender: a@example.com, encryption: none, timeout: 5s}
  slack: {webhook: "${env:SLACK_WEBHOOK}"}
  openlineage: {url: "${env:LINEAGE_URL}", token: "${env:LINEAGE_TOKEN}"}
  audit: {type: openlineage, file: events.jsonl}
pipelines:
  shop: {sources: [shop], reports: [all], alerts: [{to: [email, slack], when: [failure, recovery, success]}]}
"""


def forms_of(secret: str) -> set[bytes]:
    """A secret as it stands, in addresses, and in base64 wherever it begins."""
    coded = {base64.b64encode(b"x" * pad + secret.encode()).decode().rstrip("=")[4:-2] for pad in range(3)}
    return {each.encode() for each in {secret, quote(secret), quote(secret, safe=""), *coded}}


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield str(path.relative_to(folder)), gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


@pytest.mark.thorough  # a dozen commands
def test_no_secret_is_in_any_artifact(tmp_path: Path) -> None:
    root = make_project(tmp_path, MANIFEST)
    told: list[bytes] = []
    coded = base64.b64encode(f"user:{SECRETS['API_TOKEN']}".encode()).decode()

    def echo(request: Request) -> Answer:
        """An API that says its caller's secret in every way that it can be written."""
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        return Answer({"error": f"no such key {bearer}, ?key={quote(bearer, safe='')}, Basic {coded}"}, 403)

    with (
        JsonApi({"/items": [{"id": 1}, {"id": 2}]}) as api,
        JsonApi({f"/{SECRETS['HOOK']}": {"ok": True}, "/api/v1/lineage": {}}) as hooks,
        MailServer(users={"me": SECRETS["SMTP_PASSWORD"]}) as mail,
    ):
        user = f"me:{quote(SECRETS['SMTP_PASSWORD'], safe='')}"
        env = {
            "API_URL": api.url,
            "API_TOKEN": SECRETS["API_TOKEN"],
            "SMTP_URL": mail.url.replace("//", f"//{user}@"),
            "SLACK_WEBHOOK": f"{hooks.url}/{SECRETS['HOOK']}",
            "LINEAGE_URL": hooks.url,
            "LINEAGE_TOKEN": SECRETS["LINEAGE_TOKEN"],
        }

        def command(*arguments: str) -> CliResult:
            result = run_cli(arguments, cwd=root, env=env)
            told.append((result.stdout + result.stderr).encode())
            return result

        api.fault = echo
        failed = command("run")
        assert failed.exit_code == 1 and "***" in failed.stdout
        mail.answer = lambda _: f"550 {SECRETS['SMTP_PASSWORD']} is not welcome"
        hooks.fault = lambda request: (
            Answer(f"who is {request.path}".encode(), 403) if "T0" in request.path else None
        )
        command("run", "--json")
        command("alerts", "test")
        api.fault, hooks.fault, mail.answer = None, None, lambda _: "250 taken"
        assert command("run", "--json").exit_code == 0
        for verb in (["runs", "show", "--json"], ["logs"], ["alerts", "--json"], ["doctor"], ["site"]):
            assert command(*verb).exit_code == 0, verb
        command("monitor", "--prometheus", "shop.prom")
        told += [each.message.as_bytes() + each.text.encode() + each.html.encode() for each in mail.mails]
        told += [request.body for request in hooks.requests]
    assert len(mail.mails) >= 2 and hooks.count("/api/v1/lineage") > 10
    found = dict(files_below(root))
    assert {".pipeline/runs.db", ".pipeline/dev/events.jsonl", "shop.prom"} <= set(found)
    assert [name for name in found if name.endswith("all.html")]
    for name, secret in SECRETS.items():
        for form in forms_of(secret):
            assert [path for path, data in found.items() if form in data] == [], (name, form)
            assert [text[:200] for text in told if form in text] == [], (name, form)


TABLE, COLUMN = "we\"ird'; DROP TABLE users; --", "pri\"ce'); DROP TABLE users; --"


@pytest.fixture
def odd_database(tmp_path: Path) -> Path:
    path = tmp_path / "odd.db"
    with sqlite3.connect(path) as connection:
        table, column = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (TABLE, COLUMN))
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} TEXT)")
        connection.execute(f"INSERT INTO {table} VALUES (1, 'one'), (2, '''; DROP TABLE users; --')")
        connection.execute("CREATE TABLE users (id INTEGER)")
    return path


def test_names_with_quotes_are_names(tmp_path: Path, odd_database: Path) -> None:
    manifest = (
        MANIFEST.partition("sources:")[0]
        + f"""
sources:
  odd:
    type: sql_database
    credentials: "sqlite:///odd.db"
    resources:
      items: {{table: {TABLE!r}, primary_key: id, write_disposition: merge}}
reports:
  odd:
    title: Odd
    queries: {{odd: 'SELECT id AS "i""d", 1 AS "<b>x''y</b>" FROM bronze_odd.items'}}
    blocks: {{odd: {{type: table, query: odd}}}}
    exports: [odd]
pipelines: {{odd: {{sources: [odd], reports: [odd]}}}}
"""
    )
    manifest = manifest.replace(repr(TABLE), "'" + TABLE.replace("'", "''") + "'")
    root = make_project(tmp_path, manifest)
    for _ in range(2):
        result = run_cli(["run"], cwd=root)
        assert result.exit_code == 0, result.stdout + result.stderr
    with duckdb.connect(str(root / ".pipeline/dev/warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT * EXCLUDE (id) FROM bronze_odd.items ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["one", "'; DROP TABLE users; --"]
    page = (root / ".pipeline/dev/reports/odd/latest/odd.html").read_text(encoding="utf-8")
    assert "<b>x" not in page and "&lt;b&gt;x" in page
    with sqlite3.connect(odd_database) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
