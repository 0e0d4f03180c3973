"""What sources are called, as OpenLineage's own naming classes call them where it has one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from openlineage.client.naming import dataset as names

from pipeline_cli.lineage.graph import Relation
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.openlineage.naming import DatasetNames, run_uuid
from pipeline_cli.project import Project
from pipeline_cli.testing import make_project
from tests.unit.manifest.helpers import HEAD

SOURCES = """
sources:
  api:
    type: rest_api
    client: {base_url: "${env:API}"}
    resources: {orders: {endpoint: {path: "shop/orders"}}, users: {}}
  bucket: {type: filesystem, bucket_url: "s3://acme-raw/crm", resources: {users: {}, orders: {file_glob: "o/*.csv"}}}
  folder: {type: filesystem, bucket_url: data, resources: {users: {}}}
  erp: {type: sql_database, credentials: "${env:ERP}", schema: sales, resources: {orders: {table: Orders}}}
  old: {type: sql_database, credentials: "${env:OLD}", resources: {orders: {}}}
  file: {type: sql_database, credentials: "sqlite:///old.db", resources: {orders: {}}}
  made: {type: faker, seed: 1, resources: {users: {rows: 1, columns: {id: sequence}}}}
pipelines: {}
"""
API = "https://user:secret99@api.example.com:8443/v2/"
ERP, OLD = (
    "postgresql://me:hunter22@db.example.com/erp",
    "mysql+pymysql://me:hunter22@old.example.com:3307/shop",
)


@pytest.fixture
def found(tmp_path: Path) -> DatasetNames:
    make_project(tmp_path, HEAD + SOURCES)
    reading = read_manifest(tmp_path, {**os.environ, "API": API, "ERP": ERP, "OLD": OLD})
    project = Project(tmp_path, reading.manifest, reading.environment)
    warehouse = project.manifest.destinations[project.environment.destination].open("duckdb", project)
    return DatasetNames(project, warehouse, "shop/dev")


def name(found: DatasetNames, source: str, resource: str) -> tuple[str, str]:
    return found.find(Relation(f"source:{source}.{resource}", "source", source, resource, owner=source))


def test_sources_are_called_as_others_call_them(found: DatasetNames, tmp_path: Path) -> None:
    assert name(found, "api", "orders") == ("https://api.example.com:8443", "v2/shop/orders")
    assert name(found, "api", "users") == ("https://api.example.com:8443", "v2/users")
    s3 = names.S3("acme-raw", "crm/users*")
    assert name(found, "bucket", "users") == (s3.get_namespace(), s3.get_name())
    assert name(found, "bucket", "orders") == ("s3://acme-raw", "crm/o/*.csv")
    assert name(found, "folder", "users") == (
        names.LocalFileSystem("x").get_namespace(),
        f"{tmp_path}/data/users*",
    )
    postgres = names.Postgres("db.example.com", "5432", "erp", "sales", "Orders")
    assert name(found, "erp", "orders") == (postgres.get_namespace(), postgres.get_name())
    mysql = names.MySQL("old.example.com", "3307", "shop", "orders")
    assert name(found, "old", "orders") == (mysql.get_namespace(), mysql.get_name())
    assert name(found, "file", "orders") == (f"sqlite://{tmp_path}/old.db", "orders")
    assert name(found, "made", "users") == ("shop/dev", "made.users")


def test_a_run_has_one_id_however_often_it_is_told_of() -> None:
    assert run_uuid("shop", "20261121T090000-3f9c2a", "crm") == run_uuid(
        "shop", "20261121T090000-3f9c2a", "crm"
    )
    ids = {run_uuid(project, run, job) for project in ("a", "b") for run in ("1", "2") for job in ("x", "y")}
    assert len(ids) == 8
