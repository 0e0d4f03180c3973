"""Many at once: runs of one pipeline, pipelines on one DuckDB file, transforms. They queue, or end with 75."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.faults.recovering import MakeWorld, start
from tests.warm import start_cli

pytestmark = pytest.mark.faults
SIX = 6

SIX_PIPELINES = """\
version: 1
name: six
default_environment: dev
environments: {dev: {destination: warehouse}}
destinations: {warehouse: {type: duckdb}}
sources:
"""
SOURCE = """\
import dlt

@dlt.resource(write_disposition="append")
def items(at=dlt.sources.incremental("id", initial_value=0)):
    yield [{{"id": {number} * 1000 + n}} for n in range(1, 101) if {number} * 1000 + n > at.last_value]
"""
MODEL = "MODEL (name gold_p{n}.items, kind FULL);\nSELECT id, count(*)::INT AS n FROM bronze_s{n}.items GROUP BY id\n"
CONFIG = "from pipeline_cli import sqlmesh_config\n\nconfig = sqlmesh_config(__file__)\n"


def all_at_once(root: Path, commands: list[list[str]]) -> list[CliResult]:
    running = [start_cli(command, cwd=root) for command in commands]
    return [each.wait() for each in running]


def check_ends(results: list[CliResult]) -> None:
    """0, or 75 with the holder's name; never a traceback."""
    assert {result.exit_code for result in results} <= {0, 75}, [result.stderr for result in results]
    for result in results:
        assert "Traceback" not in result.stdout + result.stderr
        if result.exit_code == 75:
            assert "held by process" in result.stderr, result.stderr


@pytest.mark.parametrize("disposition", ["append", "merge"])
@pytest.mark.parametrize("path", ["rows", "columns"])
def test_six_runs_of_one_pipeline(
    make_world: MakeWorld, path: str, disposition: str, destination: str
) -> None:
    world = make_world(path, disposition, destination)
    start(world)
    for _ in range(2):
        world.grow()
        results = all_at_once(world.root, [["run"]] * SIX)
        check_ends(results)
        assert 0 in {result.exit_code for result in results}
        verdict = world.judge()
        assert (verdict.lost, verdict.doubled) == ({}, {})


def make_six(tmp_path: Path, destination: str, url: str) -> Path:
    manifest = (
        SIX_PIPELINES
        if destination == "duckdb"
        else SIX_PIPELINES.replace("{type: duckdb}", '{type: postgres, credentials: "${env:SIX_URL}"}')
    )
    manifest += "".join(f"  s{n}: {{type: python, path: sources/s{n}.py}}\n" for n in range(SIX))
    manifest += "transforms:\n" + "".join(
        f"  t{n}: {{engine: sqlmesh, path: transforms/t{n}}}\n" for n in range(SIX)
    )
    manifest += "pipelines:\n" + "".join(
        f"  p{n}: {{sources: [s{n}], transforms: [t{n}]}}\n" for n in range(SIX)
    )
    files = {}
    for n in range(SIX):
        files[f"sources/s{n}.py"] = SOURCE.format(number=n)
        files[f"transforms/t{n}/models/items.sql"] = MODEL.format(n=n)
        files[f"transforms/t{n}/config.py"] = CONFIG
    return make_project(tmp_path / "six", manifest, files)


def test_six_pipelines_with_their_transforms_in_one_warehouse(
    tmp_path: Path, destination: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue("postgres_url") if destination == "postgres" else ""
    monkeypatch.setenv("SIX_URL", url)
    root = make_six(tmp_path, destination, url)
    left = [f"p{n}" for n in range(SIX)]
    for _ in range(SIX):
        results = all_at_once(root, [["run", name] for name in left])
        check_ends(results)
        done = [name for name, result in zip(left, results, strict=True) if result.exit_code == 0]
        assert done, "none came through"
        left = [name for name in left if name not in done]
        if not left:
            break
    assert left == []
    again = run_cli(["run", "--json"], cwd=root)
    assert again.exit_code == 0, again.stderr
    for n in range(SIX):
        sql = f"SELECT count(*), sum(n), min(id) FROM gold_p{n}.items"
        assert ask(root, url, sql) == (100, 100, n * 1000 + 1)


def ask(root: Path, url: str, sql: str) -> tuple[int, ...]:
    import duckdb
    import psycopg2

    if not url:
        with duckdb.connect(str(root / ".pipeline/dev/warehouse.duckdb"), read_only=True) as connection:
            found = connection.execute(sql).fetchone()
    else:
        server = psycopg2.connect(url)
        with server, server.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetchone()
        server.close()
    assert found is not None
    return tuple(int(each) for each in found)
