"""`retries:` and `max_parallel:` in the manifest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.manifest.retries import Retries
from tests.unit.manifest.helpers import HEAD, mistakes_of, only, write

SOURCE = "sources:\n  data: {{type: faker, resources: {{x: {{rows: 1, columns: {{id: sequence}}}}}}, retries: {}}}\n"


def test_retries_are_read_with_their_defaults(tmp_path: Path) -> None:
    written = "{max: 5, backoff: fixed, delay: 1m, max_delay: 2m, jitter: false, deadline: 2h}"
    body = SOURCE.format(written) + "pipelines:\n  all: {sources: [data], retries: {}}\n"
    manifest = read_manifest(write(tmp_path, HEAD + body), {}).manifest
    minute = timedelta(minutes=1)
    wanted = Retries(
        max=5, backoff="fixed", delay=minute, max_delay=2 * minute, jitter=False, deadline=120 * minute
    )
    assert manifest.sources["data"].retries == wanted
    default = manifest.pipelines["all"].retries
    assert default == Retries(max=3, delay=timedelta(seconds=10), deadline=timedelta(hours=1))


def test_without_retries_there_are_none(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, f"{HEAD}pipelines:\n  all:\n"), {}).manifest
    assert manifest.pipelines["all"].retries is None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{max: -1}", "E113"),
        ("{delay: 10}", "E113"),
        ("{backoff: linear}", "E114"),
        ("{tries: 3}", "E111"),
        ("3", "E110"),
    ],
)
def test_a_mistake_in_retries_is_told_with_its_place(tmp_path: Path, written: str, code: str) -> None:
    write(tmp_path, f"{HEAD}pipelines:\n  all: {{retries: {written}}}\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line) == (code, 12)


def test_parallel_limits_begin_at_one(tmp_path: Path) -> None:
    head = HEAD.replace("duck: {type: duckdb}", "duck: {type: duckdb, max_parallel: 0}")
    write(tmp_path, f"{head}pipelines:\n  all:\n")
    assert only(mistakes_of(tmp_path)).message == "max_parallel must be at least 1, not '0'."


def test_every_database_has_a_parallel_limit(tmp_path: Path) -> None:
    more = """
  big: {type: bigquery, project: acme, credentials: "${env:KEY}", max_parallel: 3}
  pg2: {type: postgres, credentials: "${env:POSTGRES_URL}", max_parallel: 2}
"""
    head = HEAD.replace("destinations:\n", f"destinations:{more}")
    manifest = read_manifest(write(tmp_path, f"{head}pipelines:\n  all:\n"), {}).manifest
    found = {name: getattr(each, "max_parallel", None) for name, each in manifest.destinations.items()}
    assert found == {"big": 3, "pg2": 2, "duck": None, "pg": None}
