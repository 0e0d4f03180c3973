"""What a run imports: nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_cli.testing import make_project
from tests.servers.json_api import JsonApi

MANIFEST = """\
version: 1
name: small
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {{type: duckdb}}}}
sources:
  shop:
    type: rest_api
    client: {{base_url: "{url}"}}
    resources: {{items: {{primary_key: id, write_disposition: merge}}}}
pipelines: {{shop: {{sources: [shop]}}}}
"""
NEVER = {"sqlmesh", "dbt", "vcr", "aiohttp", "psycopg2", "jinja2", "sqlalchemy.dialects.postgresql"}
# pyarrow imports pandas to look at Python's values; rows that are written one by one are such.
ONLY_FOR_NEW_ROWS = {"pyarrow", "numpy", "pandas"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    with JsonApi({"/items": [{"id": number, "tags": ["a"]} for number in range(20)]}) as api:
        yield make_project(tmp_path, MANIFEST.format(url=api.url))


def imported_by_a_run(project: Path) -> set[str]:
    code = (
        "import os, sys\nfrom pipeline_cli.cli.app import Settings, run_command\n"
        "code = run_command(['run'], Settings())\n"
        "print('imported', code, *sorted(sys.modules), file=sys.stderr, flush=True)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=120
    )
    line = next(each for each in ran.stderr.splitlines() if each.startswith("imported "))
    _, exit_code, *modules = line.split()
    assert exit_code == "0", ran.stderr
    return set(modules)


def test_a_run_imports_only_what_it_uses(project: Path) -> None:
    assert not imported_by_a_run(project) & NEVER
    assert not imported_by_a_run(project) & (NEVER | ONLY_FOR_NEW_ROWS)  # there is nothing new
