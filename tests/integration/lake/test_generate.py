"""`generate`: a source's rows as files, whole and unchanged, in a folder and in a bucket."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pyarrow.parquet
import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.servers.s3 import REGION, SECRET_KEY, S3Server

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations:
  duckdb: {type: duckdb}
  files: {type: filesystem, bucket_url: "${env:FILES_URL:-files}", credentials: %s}
sources:
  made:
    type: faker
    seed: 7
    resources:
      users: {rows: 1000, columns: {user_id: sequence, name: name, joined: {date: [2024-01-01, 2024-12-31]}}}
      orders: {rows: 5000, columns: {order_id: uuid4, user_id: {ref: users.user_id}, amount: {decimal: [1, 99]}}}
  shop: {type: sql_database, credentials: "sqlite:///shop.db", resources: {items: {}}}
pipelines: {}
"""
S3_KEYS = (
    '{aws_access_key_id: "${env:S3_KEY}", aws_secret_access_key: "${env:S3_SECRET}",'
    f' endpoint_url: "${{env:S3_ENDPOINT}}", region_name: {REGION}}}'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE items (id INTEGER, note TEXT, doc JSON);"
        "INSERT INTO items VALUES (1, '=1+1', '{\"a\": [1]}'), (2, '', NULL), (3, NULL, '[]');"
        "INSERT INTO items VALUES (4, '@x, \"y\"', 'null');"
    )
    connection.close()
    return make_project(tmp_path, MANIFEST % "{}")


def generate(project: Path, *arguments: str, **variables: str) -> CliResult:
    return run_cli(["generate", *arguments, "--to", "files", "--json"], cwd=project, env=variables)


def test_every_resource_becomes_one_file(project: Path) -> None:
    result = generate(project, "made")
    assert result.exit_code == 0, result.stderr
    folder = project / ".pipeline/dev/files"
    assert sorted(path.name for path in folder.iterdir()) == ["orders.csv", "users.csv"]
    assert result.document is not None
    assert {each["resource"]: (each["rows"], each["bytes"]) for each in result.document["files"]} == {
        name: (rows, (folder / f"{name}.csv").stat().st_size)
        for name, rows in (("users", 1000), ("orders", 5000))
    }
    with (folder / "users.csv").open(newline="") as file:
        users = {row["user_id"] for row in csv.DictReader(file)}
    with (folder / "orders.csv").open(newline="") as file:
        orders = list(csv.DictReader(file))
    assert len(users) == 1000 and len(orders) == 5000
    assert {row["user_id"] for row in orders} <= users
    before = (folder / "orders.csv").read_bytes()
    assert generate(project, "made", "--resource", "orders").exit_code == 0
    assert (folder / "orders.csv").read_bytes() == before, "the same seed gives the same file"
    assert not list((project / ".pipeline/dev/tmp").iterdir())


def test_values_are_written_as_they_are(project: Path) -> None:
    folder = project / ".pipeline/dev/files"
    for name in ("csv", "jsonl", "parquet"):
        result = generate(project, "shop", "--format", name)
        assert result.exit_code == 0, result.stderr
    with (folder / "items.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["id", "note", "doc"], ["1", "=1+1", '{"a": [1]}'], ["2", "", ""], ["3", "", "[]"],
            ["4", '@x, "y"', "null"],
        ]  # fmt: skip
    assert '2,"",' in (folder / "items.csv").read_text(), "an empty text is not NULL"
    lines = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    assert lines[0] == {"id": 1, "note": "=1+1", "doc": {"a": [1]}}
    assert lines[2] == {"id": 3, "note": None, "doc": []}
    rows = pyarrow.parquet.read_table(folder / "items.parquet").to_pylist()
    assert [row["note"] for row in rows] == ["=1+1", "", None, '@x, "y"']


def test_files_reach_a_bucket_whole(project: Path, s3_server: S3Server) -> None:
    bucket = s3_server.create_bucket("data-lake")
    make_project(project, MANIFEST % S3_KEYS)
    keys = {
        "S3_KEY": s3_server.access_key,
        "S3_SECRET": s3_server.secret_key,
        "S3_ENDPOINT": s3_server.endpoint_url,
    }
    result = generate(project, "made", FILES_URL=f"s3://{bucket}/raw", **keys)
    assert result.exit_code == 0, result.stderr
    assert s3_server.keys(bucket) == ["raw/orders.csv", "raw/users.csv"]
    body = s3_server.client().get_object(Bucket=bucket, Key="raw/users.csv")["Body"].read().decode()
    assert len(body.splitlines()) == 1001
    missing = generate(project, "made", FILES_URL="s3://no-such-bucket-here/raw", **keys)
    assert missing.exit_code == 1
    assert SECRET_KEY not in missing.stdout + missing.stderr
    assert missing.document is not None and "bucket" in missing.document["errors"][0]["message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["made", "--to", "duckdb"],
            "'duckdb' is a database; generate writes to destinations of type filesystem.",
        ),
        (["made", "--to", "nowhere"], "There is no destination 'nowhere'."),
        (["mad", "--to", "files"], "There is no source 'mad'."),
        (["made", "--to", "files", "--resource", "user"], "There is no resource in 'made' called 'user'."),
    ],
)
def test_what_cannot_be_written_is_a_usage_mistake(project: Path, arguments: list[str], said: str) -> None:
    result = run_cli(["generate", *arguments], cwd=project)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_source_that_fails_leaves_the_file_as_it_was(project: Path) -> None:
    assert generate(project, "shop").exit_code == 0
    file = project / ".pipeline/dev/files/items.csv"
    before = file.read_bytes()
    (project / "shop.db").write_bytes(b"no database" * 500)
    result = generate(project, "shop")
    assert result.exit_code == 1
    assert "no SQLite database" in result.stderr
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["items.csv"]
