"""pipeline-cli monitor: what people, machines and exit codes say of a ledger; and of two real runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from pipeline_cli.document import utc_now
from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.unit.monitoring.world import NOON, World, opened

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}, prod: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources: {api: {type: python, path: sources/api.py}}
pipelines:
  shop: {sources: [api]}
  a_pipeline_with_quite_a_long_name_of_40x: {sources: [api]}
"""
SOURCE = """
from pathlib import Path
import dlt

@dlt.resource(name="items", primary_key="id", write_disposition="merge")
def items():
    if Path(__file__).with_name("broken").exists():
        raise RuntimeError("the API answered 500")
    yield [{"id": number} for number in range(3)]
"""


def shop(root: Path) -> Path:
    return make_project(root, MANIFEST, {"sources/api.py": SOURCE})


def write_runs(root: Path, *ago_h: float, failed: str | None = None) -> None:
    """Runs of `shop` that began so many hours before now; the last one fails where asked."""
    with opened(root) as world:
        for number, hours in enumerate(ago_h, 1):
            last = failed if number == len(ago_h) else None
            run_ago(world, timedelta(hours=hours), failed=last)


def run_ago(world: World, ago: timedelta, failed: str | None) -> None:
    world.run(ago - (utc_now() - NOON), timedelta(minutes=5), steps=("ingest:api",), failed=failed)


def monitor(root: Path, *arguments: str) -> CliResult:
    return run_cli(["monitor", *arguments], cwd=root)


def widest(lines: Sequence[str]) -> int:
    return max(len(line) for line in lines if not line.startswith("  Next: "))


def test_a_pipeline_that_is_well_gives_0_and_says_so(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 1)
    result = monitor(tmp_path, "shop")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "All is well in dev: 1 pipeline."


def test_an_empty_ledger_gives_4_and_says_that_nothing_ran(tmp_path: Path) -> None:
    result = monitor(shop(tmp_path))
    assert result.exit_code == 4
    assert "shop: it has never run in this environment" in result.stdout
    assert "  Next: pipeline-cli run shop" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 of 2 pipelines are unwell in dev (2 findings)."


def test_the_table_and_the_findings_fit_80_columns(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 3, 1, failed="ingest:api")
    lines = monitor(tmp_path).stdout.splitlines()
    assert widest(lines) <= 80
    assert lines[1].split()[:4] == ["shop", "2", "wrong", "failed"]
    assert any(line.startswith("shop: the last run failed at ingest:api, since ") for line in lines)


def test_json_is_one_versioned_document(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 3, 1, failed="ingest:api")
    result = monitor(tmp_path, "shop", "--json")
    assert (result.exit_code, result.document is not None) == (4, True)
    document = result.document or {}
    assert (document["schema_version"], document["command"], document["status"]) == (1, "monitor", "failed")
    (pipeline,) = document["pipelines"]
    assert (pipeline["name"], pipeline["status"], pipeline["last_run"]["status"]) == (
        "shop",
        "unwell",
        "failed",
    )
    run, step = pipeline["findings"]
    assert run["next"] == f"pipeline-cli retry {pipeline['last_run']['run_id']}"
    assert (step["check"], step["step"], step["tries"]) == ("step", "ingest:api", 1)
    assert step["since"] > pipeline["last_run"]["started_at"]


def test_a_name_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path) -> None:
    result = monitor(shop(tmp_path), "shp")
    assert (result.exit_code, "Did you mean 'shop'?" in result.stderr) == (2, True)


def test_a_ledger_of_an_older_version_without_todays_tables_is_read(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 1)
    with closing(sqlite3.connect(tmp_path / ".pipeline" / "runs.db")) as connection:
        for table in ("incidents", "alerts", "judged_runs", "tries", "slots", "schedules"):
            connection.execute(f"DROP TABLE {table}")
        connection.commit()
    result = monitor(tmp_path, "shop")
    assert result.exit_code == 0, result.stdout + result.stderr


def test_a_ledger_that_lacks_a_column_is_told_without_a_traceback(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 1)
    with closing(sqlite3.connect(tmp_path / ".pipeline" / "runs.db")) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN full_refresh")
    result = monitor(tmp_path, "shop")
    assert (result.exit_code, "Traceback" in result.stderr) == (1, False)
    assert "E325  the ledger refuses: no such column: full_refresh" in result.stderr


def test_metrics_are_written_though_something_is_wrong(tmp_path: Path) -> None:
    result = monitor(shop(tmp_path), "--prometheus", "shop.prom")
    assert result.exit_code == 4
    families = {each.name for each in text_string_to_metric_families((tmp_path / "shop.prom").read_text())}
    assert "pipeline_cli_pipeline_well" in families


def test_metrics_that_cannot_be_written_are_an_error_of_their_own(tmp_path: Path) -> None:
    write_runs(shop(tmp_path), 1)
    result = monitor(tmp_path, "shop", "--prometheus", "missing/shop.prom", "--json")
    assert (result.exit_code, "Traceback" in result.stderr) == (1, False)
    assert result.document is not None
    assert [error["code"] for error in result.document["errors"]] == ["E382"]
    assert result.document["pipelines"][0]["status"] == "well"
    told = monitor(tmp_path, "shop", "--prometheus", "missing/shop.prom")
    assert (told.exit_code, "All is well" in told.stdout, "E382" in told.stderr) == (1, True, True)


def test_a_real_run_is_well_until_one_fails_and_well_again_after_the_next(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run_cli(["run", "shop"], cwd=tmp_path).exit_code == 0
    assert monitor(tmp_path, "shop").exit_code == 0
    (tmp_path / "sources" / "broken").touch()
    assert run_cli(["run", "shop"], cwd=tmp_path).exit_code == 1
    result = monitor(tmp_path, "shop")
    assert (result.exit_code, "the API answered 500" in " ".join(result.stdout.split())) == (4, True)
    (tmp_path / "sources" / "broken").unlink()
    retry = next(line for line in result.stdout.splitlines() if "pipeline-cli retry" in line)
    run_id = retry.split()[-1]
    assert run_cli(["retry", run_id], cwd=tmp_path).exit_code == 0
    assert monitor(tmp_path, "shop").exit_code == 0


def test_a_real_run_in_another_environment_is_seen_there_alone(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run_cli(["run", "shop", "--env", "prod"], cwd=tmp_path).exit_code == 0
    assert monitor(tmp_path, "shop", "--env", "prod").exit_code == 0
    result = monitor(tmp_path, "shop")
    assert (result.exit_code, "never run" in result.stdout) == (4, True)
