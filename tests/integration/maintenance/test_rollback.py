"""Going back to a run: rows, cursors and dlt's state, whole or not at all; and a clear no where history is lacking."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.maintenance.project import MendedProject


def record(number: int, price: int = 1) -> dict[str, Any]:
    return {"id": number, "price": price, "parts": [{"n": number}]}


@pytest.fixture(params=["duckdb", "postgres"])
def url(request: pytest.FixtureRequest, postgres_database: Callable[..., str]) -> str | None:
    return postgres_database() if request.param == "postgres" else None


def ids(project: MendedProject, table: str = "bronze_events.events") -> list[int]:
    return [row[0] for row in project.query(f"SELECT id FROM {table} ORDER BY id")]


def cursor(project: MendedProject) -> Any:
    [found] = project.document("state", "list")["cursors"]
    return int(found["value"])


def test_rows_and_cursor_go_back_and_come_again_once(tmp_path: Path, url: str | None) -> None:
    project = MendedProject(tmp_path, "append", url)
    project.records(record(1), record(2))
    first = project.run("events")
    project.records(*map(record, range(1, 5)), {"id": 5, "price": -5})
    project.run("events")
    assert (ids(project), cursor(project)) == ([1, 2, 3, 4], 4)
    planned = project.document("rollback", "--to", first)
    assert (planned["status"], len(planned["sources"][0]["loads"])) == ("planned", 1)
    assert planned["sources"][0]["tables"] == [{"table": "events", "kind": "append", "rows": 2}]
    assert ids(project) == [1, 2, 3, 4]
    done = project.document("rollback", "--to", first, "--yes")
    assert done["command"] == "rollback"
    assert (ids(project), cursor(project)) == ([1, 2], 2)
    assert project.query("SELECT n FROM bronze_events.events__parts ORDER BY n") == [(1,), (2,)]
    assert project.query("SELECT count(*) FROM bronze_events._quarantine") == [(0,)]
    refused = project.call("rollback", "--to", done["run_id"], "--yes", exit_code=2)
    assert "nothing was loaded after run" in refused.stderr
    shutil.rmtree(project.root / ".pipeline/dev/dlt")  # on another machine, too
    project.run("events")
    assert (ids(project), cursor(project)) == ([1, 2, 3, 4], 4)
    assert project.query("SELECT n FROM bronze_events.events__parts ORDER BY n") == [(1,), (2,), (3,), (4,)]
    assert project.query("SELECT count(*) FROM bronze_events._quarantine") == [(1,)]
    told = [(run["command"], run["status"]) for run in project.document("runs")["runs"]]
    assert told[1:3] == [("rollback", "failed"), ("rollback", "succeeded")]
    assert "no run failed" in project.call("retry", exit_code=2).stderr


def test_versions_that_later_loads_ended_are_current_again(tmp_path: Path, url: str | None) -> None:
    project = MendedProject(tmp_path, "scd2", url)
    project.file("a.csv", "id,price", "1,1", "2,2")
    first = project.run("files")
    project.file("b.csv", "id,price", "2,20", "3,3")
    project.run("files")
    versions = "SELECT id, price, _dlt_valid_to IS NULL FROM bronze_files.rows ORDER BY id, price"
    assert [tuple(map(int, row)) for row in project.query(versions)] == [
        (1, 1, 1),
        (2, 2, 0),
        (2, 20, 1),
        (3, 3, 1),
    ]
    project.call("rollback", "--to", first, "--source", "files", "--yes")
    assert [tuple(map(int, row)) for row in project.query(versions)] == [(1, 1, 1), (2, 2, 1)]
    project.run("files")  # the file that is not done any more
    assert [tuple(map(int, row)) for row in project.query(versions)] == [
        (1, 1, 1),
        (2, 2, 0),
        (2, 20, 1),
        (3, 3, 1),
    ]


def test_a_merge_goes_back_where_nothing_was_replaced_and_says_no_elsewhere(
    tmp_path: Path, url: str | None
) -> None:
    project = MendedProject(tmp_path, "merge", url)
    project.records(record(1), record(2))
    first = project.run("events")
    project.records(record(1), record(2), record(3))
    second = project.run("events")
    project.records(record(1), record(2), record(3, price=30), record(4))
    project.run("events")
    before = project.query("SELECT id, price FROM bronze_events.events ORDER BY id")
    refused = project.call("rollback", "--to", second, "--yes", exit_code=2)
    told = " ".join(refused.stderr.split())
    assert (
        "bronze_events.events: merge: 1 of the 3 rows that the loads before brought were replaced since"
        in told
    )
    assert project.query("SELECT id, price FROM bronze_events.events ORDER BY id") == before
    project.call("rollback", "--to", first, "--yes")  # of the first run's rows each is still there
    assert ids(project) == [1, 2]
    project.run("events")
    assert project.query("SELECT id, price FROM bronze_events.events ORDER BY id") == before


def test_a_table_that_was_replaced_says_no(tmp_path: Path) -> None:
    project = MendedProject(tmp_path, "replace")
    project.records(record(1))
    project.file("a.csv", "id,price", "1,1")
    first = project.run("events")
    project.run("files")
    project.records(record(2))
    project.run("events")
    refused = project.call("rollback", "--to", first, "--yes", exit_code=2)
    assert "bronze_events.events: replace keeps nothing" in " ".join(refused.stderr.split())
    assert ids(project) == [2]
    unknown = project.call("rollback", "--to", "20200101T000000-abcdef", exit_code=2)
    assert "there is no run" in unknown.stderr


def test_the_cursor_of_a_database_goes_back_with_its_rows(tmp_path: Path, url: str | None) -> None:
    project = MendedProject(tmp_path, "append", url)
    project.insert(1, 2)
    first = project.run("db")
    for number in (3, 4):
        project.insert(number)
        project.run("db")
    assert cursor(project) == 4
    project.call("rollback", "--to", first, "--yes")
    assert (ids(project, "bronze_db.items"), cursor(project)) == ([1, 2], 2)
    project.run("db")
    assert (ids(project, "bronze_db.items"), cursor(project)) == ([1, 2, 3, 4], 4)


def kill_and_go_on(project: MendedProject, failpoint: str) -> None:
    project.records(record(1), record(2))
    first = project.run("events")
    project.records(*map(record, range(1, 5)))
    project.run("events")
    project.kill(failpoint, "rollback", "--to", first, "--yes")
    is_back = failpoint == "rollback.commit_after"
    assert ids(project) == ([1, 2] if is_back else [1, 2, 3, 4])
    assert cursor(project) == (2 if is_back else 4)
    if not is_back:
        project.call("rollback", "--to", first, "--yes")
        assert (ids(project), cursor(project)) == ([1, 2], 2)
    project.run("events")
    assert (ids(project), cursor(project)) == ([1, 2, 3, 4], 4)
    assert project.query("SELECT n FROM bronze_events.events__parts ORDER BY n") == [
        (n,) for n in (1, 2, 3, 4)
    ]


def test_a_killed_rollback_is_done_or_has_never_been(tmp_path: Path) -> None:
    kill_and_go_on(MendedProject(tmp_path), "rollback.commit_after")


@pytest.mark.faults
@pytest.mark.parametrize("failpoint", ["rollback.commit_before", "rollback.commit_after"])
def test_a_killed_rollback_everywhere(tmp_path: Path, url: str | None, failpoint: str) -> None:
    kill_and_go_on(MendedProject(tmp_path, "append", url), failpoint)
