"""`schedule list`: the next slots, for people in 80 columns and as a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.testing import make_project, run_cli

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb, path: warehouse.duckdb}}
pipelines:
  a_pipeline_with_a_rather_long_name: {schedule: {cron: "30 6 1-7 * MON", timezone: America/Argentina/Buenos_Aires}}
  sales: {schedule: "@hourly"}
  by_hand: {}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, MANIFEST)


def test_the_next_slots_stand_in_their_zone_and_in_utc(project: Path) -> None:
    result = run_cli(["schedule", "list", "--limit", "2"], cwd=project)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 80
    assert "06:30 -03" in lines[1] and lines[1].endswith("09:30")
    assert lines[2].startswith(" ")
    assert "UTC" in lines[3]
    assert "by_hand" not in result.stdout


def test_the_document_has_the_slots_in_both(project: Path) -> None:
    document = run_cli(["schedule", "--json"], cwd=project).document
    assert document is not None
    first, second = document["schedules"]
    assert (first["timezone"], first["catch_up"], first["last"]) == (
        "America/Argentina/Buenos_Aires",
        "latest",
        None,
    )
    assert first["next"][0]["local"][10:] == "T06:30:00-03:00"
    assert first["next"][0]["utc"][10:] == "T09:30:00Z"
    assert (second["pipeline"], len(second["next"])) == ("sales", 3)


def test_without_a_schedule_it_says_how_to_write_one(tmp_path: Path) -> None:
    result = run_cli(["schedule"], cwd=make_project(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.startswith("No pipeline has a schedule. Give one a schedule:")
