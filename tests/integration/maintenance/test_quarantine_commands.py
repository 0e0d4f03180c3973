"""`quarantine replay | discard | export` as commands: what they print, and kill -9 in the middle."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.maintenance.project import MILD, MendedProject

BAD = [{"id": n, "price": -n, "note": f"=cmd|{n}", "parts": [{"n": n}]} for n in (2, 3)]
GOOD = {"id": 1, "price": 1, "note": "fine", "parts": [{"n": 1}]}


def with_rejects(project: MendedProject, source: str) -> None:
    """Run a source that rejects two records; then the contract is mended."""
    project.records(GOOD, *BAD)
    project.file("a.csv", "id,price,note", "1,1,fine", "2,-2,=cmd|2", "3,-3,=cmd|3")
    project.call("run", source)
    project.schema(MILD)


def counts(project: MendedProject, table: str) -> list[tuple[Any, ...]]:
    return project.query(f"SELECT count(*), count(DISTINCT id), sum(price) FROM {table}")


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    project = MendedProject(tmp_path)
    with_rejects(project, "events")
    exported = tmp_path / "rejected.csv"
    told = project.document("quarantine", "export", str(exported), "--source", "events")
    assert (told["command"], told["records"]) == ("quarantine export", 2)
    rows = list(csv.DictReader(exported.open(encoding="utf-8")))
    assert [row["reasons"].split(":")[0] for row in rows] == ["$.price", "$.price"]
    assert {json.loads(row["record"])["note"] for row in rows} == {"=cmd|2", "=cmd|3"}
    first, second = (row["id"] for row in rows)
    project.call("quarantine", "discard", exit_code=2)  # without a reason
    refused = project.call("quarantine", "discard", "--reason", "=1+1", exit_code=2)
    assert "discard wants to know which records" in refused.stderr
    discarded = project.document("quarantine", "discard", first[:6], "--reason", "=1+1")
    assert discarded["discarded"] == {"events": [first]}
    replayed = project.document("quarantine", "replay", "--rule", "minimum")
    assert [(each["id"], each["outcome"]) for each in replayed["records"]] == [(second, "loaded")]
    assert replayed["pipelines"][0]["steps"][0]["resources"][0]["loaded"] == 1
    again = project.call("quarantine", "replay", exit_code=2)
    assert "No open record in quarantine fits in 'dev'." in again.stderr
    lines = tmp_path / "all.jsonl"
    project.call("quarantine", "export", str(lines), "--all")
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {each["id"]: each["decision"] for each in found} == {first: "discarded", second: "replayed"}
    project.call("quarantine", "export", str(exported), "--all")
    assert {row["reason"] for row in csv.DictReader(exported.open())} == {"'=1+1", ""}
    assert project.document("quarantine", "list")["rejected"] == []
    shown = project.call("quarantine", "show", first)
    assert "discarded" in shown.stdout and "=1+1" in shown.stdout
    runs = project.document("runs")["runs"]
    assert [run["command"] for run in runs] == ["quarantine replay", "quarantine discard", "run"]
    assert "replay:events" in project.call("runs", "show", runs[0]["run_id"]).stdout
    refused = project.call("retry", exit_code=2)
    assert "no run failed" in refused.stderr


CASES = [
    ("events", "replay.extracted"),
    ("events", "replay.loaded"),
    ("files", "replay.commit_before"),
    ("files", "replay.loaded"),
]


def kill_and_replay(
    project: MendedProject, source: str, failpoint: str, *, new_machine: bool = False
) -> None:
    with_rejects(project, source)
    table = f"bronze_{source}.{'events' if source == 'events' else 'rows'}"
    project.kill(failpoint, "quarantine", "replay")
    if new_machine:
        shutil.rmtree(project.root / ".pipeline/dev/dlt", ignore_errors=True)
    before = counts(project, table)
    assert before in ([(1, 1, 1)], [(3, 3, -4)])
    outcome = (
        "loaded" if before == [(1, 1, 1)] and (failpoint != "replay.extracted" or new_machine) else "present"
    )
    if failpoint == "replay.loaded" and source == "files":
        project.call("quarantine", "replay", exit_code=2)  # they were marked with the rows
    else:
        replayed = project.document("quarantine", "replay")
        assert {each["outcome"] for each in replayed["records"]} == {outcome}
    assert counts(project, table) == [(3, 3, -4)]
    if source == "events":
        assert project.query("SELECT count(*), sum(n) FROM bronze_events.events__parts") == [(3, 6)]
    assert project.document("quarantine", "list")["rejected"] == []
    assert {run["status"] for run in project.document("runs")["runs"]} == {"succeeded", "interrupted"}


@pytest.mark.parametrize(("source", "failpoint"), [CASES[1], CASES[2]])
def test_a_killed_replay_is_made_good_by_the_next(tmp_path: Path, source: str, failpoint: str) -> None:
    kill_and_replay(MendedProject(tmp_path), source, failpoint)


@pytest.mark.faults
@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
@pytest.mark.parametrize("disposition", ["append", "merge"])
@pytest.mark.parametrize("new_machine", [False, True])
@pytest.mark.parametrize(("source", "failpoint"), CASES)
def test_a_killed_replay_is_made_good_everywhere(
    tmp_path: Path,
    postgres_database: Callable[..., str],
    warehouse: str,
    disposition: str,
    new_machine: bool,
    source: str,
    failpoint: str,
) -> None:
    url = postgres_database() if warehouse == "postgres" else None
    kill_and_replay(MendedProject(tmp_path, disposition, url), source, failpoint, new_machine=new_machine)
