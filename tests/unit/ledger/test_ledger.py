"""The ledger: what it keeps, and what it does about damage, newer versions and dead processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_cli.document import CheckResult, ResourceResult, RunResult, StepResult, utc_now
from pipeline_cli.errors import LoadError, UsageError
from pipeline_cli.ledger import Ledger, LoadEntry, RunEntry, TransformState, new_run_id
from pipeline_cli.ledger.processes import ProcessIdentity, process_start


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger, in a file and on a server."""
    where = tmp_path / "runs.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    ledger = Ledger.open(where)
    yield ledger
    ledger.close()


def open_run(ledger: Ledger, minute: int = 0, **changes: object) -> RunEntry:
    started_at = datetime(2026, 11, 21, 9, minute, tzinfo=UTC)
    entry = RunEntry(new_run_id(started_at), "dev", "run", {"shop": ["ingest:api", "test:marts"]}, started_at)
    entry = replace(entry, **changes)  # type: ignore[arg-type]
    ledger.start_run(entry)
    return entry


def close_run(ledger: Ledger, entry: RunEntry, *steps: tuple[str, str]) -> None:
    for name, status in steps:
        kind = name.partition(":")[0]
        ledger.finish_step(entry.run_id, "shop", StepResult(name, kind, status))  # type: ignore[arg-type]
    failed = any(status not in ("succeeded", "unchanged") for _, status in steps)
    ledger.finish_run(
        RunResult(entry.run_id, entry.environment, "failed" if failed else "succeeded", entry.started_at)
    )


def set_process(ledger: Ledger, run_id: str, **values: object) -> None:
    changes = ", ".join(f"{name} = :{name}" for name in values)
    with ledger.database.transaction() as connection:
        connection.change(f"UPDATE runs SET {changes} WHERE run_id = :id", id=run_id, **values)


def test_run_id_is_readable_and_sorts_by_time() -> None:
    first = new_run_id(datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC))
    assert first.startswith("20261121T090000-")
    assert len(first) == 22
    assert first < new_run_id(datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC))


def test_steps_are_there_while_the_run_goes_on(ledger: Ledger) -> None:
    entry = open_run(ledger)
    ledger.start_step(entry.run_id, "shop", StepResult("ingest:api", "ingest", "running"))
    document = ledger.document(entry.run_id)
    assert document["status"] == "running"
    assert [step["status"] for step in document["pipelines"][0]["steps"]] == ["running", "running"]


def test_recent_gives_the_newest_first_with_the_status_of_each_pipeline(ledger: Ledger) -> None:
    first, second = open_run(ledger, 1), open_run(ledger, 2)
    close_run(ledger, first, ("ingest:api", "succeeded"), ("test:marts", "failed"))
    found = ledger.recent()
    assert [run.run_id for run in found] == [second.run_id, first.run_id]
    assert (found[1].status, found[1].pipelines) == ("failed", {"shop": "failed"})
    assert found[1].started_at == first.started_at
    assert [run.run_id for run in ledger.recent(pipeline="shop")] == [first.run_id]
    assert ledger.recent(environment="prod") == []
    assert len(ledger.recent(limit=1)) == 1


def test_last_success_is_of_the_pipeline_not_of_the_run(ledger: Ledger) -> None:
    entry = open_run(ledger, selection={"shop": ["ingest:api"], "other": ["ingest:b"]})
    ledger.finish_step(entry.run_id, "other", StepResult("ingest:b", "ingest", "failed"))
    close_run(ledger, entry, ("ingest:api", "unchanged"))
    ledger.finish_run(RunResult(entry.run_id, "dev", "failed", entry.started_at))
    assert ledger.last_success("dev", "shop") is not None
    assert ledger.last_success("dev", "other") is None
    assert ledger.last_success("prod", "shop") is None


def test_remaining_steps_are_those_that_neither_it_nor_a_later_run_has_done(ledger: Ledger) -> None:
    first = open_run(ledger, 1)
    close_run(ledger, first, ("ingest:api", "failed"), ("test:marts", "skipped"))
    assert ledger.remaining(first.run_id) == {"shop": {"ingest:api": 1, "test:marts": 1}}
    second = open_run(ledger, 2)
    close_run(ledger, second, ("ingest:api", "succeeded"), ("test:marts", "failed"))
    assert ledger.remaining(first.run_id) == {"shop": {"test:marts": 1}}
    assert ledger.last_failed("dev") == second.run_id


def test_account_of_a_load_is_a_row_for_each_resource(ledger: Ledger) -> None:
    entry = open_run(ledger)
    resources = [ResourceResult("carts", "bronze_api", "carts", "/carts", 10, 7, 1, 2)]
    tables = frozenset({("bronze_api", "carts"), ("bronze_api", "carts__items")})
    now = utc_now()
    load = LoadEntry("shop", "api", "succeeded", now, now, resources, ["1.5"], tables)
    ledger.record_load(entry.run_id, "dev", load)
    ledger.record_load(entry.run_id, "dev", LoadEntry("shop", "down", "failed", now, now, error="refused"))
    rows = {table.name: table for table in ledger.export([entry.run_id])}["loads"]
    names = list(rows.columns)
    first, second = (dict(zip(names, row, strict=True)) for row in rows.rows)
    assert (first["extracted"], first["loaded"], first["quarantined"], first["deduplicated"]) == (10, 7, 1, 2)
    assert (first["endpoint"], first["table_name"], first["load_id"]) == ("/carts", "carts", "1.5")
    assert (second["source"], second["resource"], second["status"], second["error"]) == (
        "down",
        None,
        "failed",
        "refused",
    )
    assert ledger.loaded_tables("dev", ["1.5", "unknown"]) == {"1.5": tables}
    assert ledger.loaded_tables("prod", ["1.5"]) == {}


def test_load_without_rows_is_known_as_one_that_touched_no_table(ledger: Ledger) -> None:
    entry = open_run(ledger)
    now = utc_now()
    ledger.record_load(entry.run_id, "dev", LoadEntry("shop", "api", "unchanged", now, now, load_ids=["2.5"]))
    assert ledger.loaded_tables("dev", ["2.5"]) == {"2.5": set()}


def test_transform_state_comes_back_as_it_was_saved(ledger: Ledger) -> None:
    assert ledger.transform_state("dev", "shop", "marts") is None
    checks = [{"name": "unique", "status": "passed"}]
    state = TransformState(True, "r", "f", {"bronze_api": ["1", "2"]}, frozenset({("gold", "a")}), checks)
    for _ in range(2):
        ledger.save_transform("dev", "shop", "marts", state)
    assert ledger.transform_state("dev", "shop", "marts") == state
    assert ledger.transform_state("prod", "shop", "marts") is None


def test_unknown_run_is_a_usage_error(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="there is no run 'x'"):
        ledger.document("x")


def test_newer_ledger_is_refused_and_kept(
    ledger: Ledger, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = tmp_path / "runs.db" if "sqlite" in request.node.name else request.getfixturevalue("postgres_url")
    with ledger.database.transaction() as connection:
        connection.change("UPDATE schema_version SET version = 99")
    with pytest.raises(UsageError) as raised:
        Ledger.open(where)
    assert "version 99" in raised.value.message
    assert "Upgrade" in str(raised.value.hint)


class TestAbandonedRuns:
    def test_of_a_dead_process_is_closed(self, ledger: Ledger) -> None:
        entry = open_run(ledger)
        ledger.start_step(entry.run_id, "shop", StepResult("ingest:api", "ingest", "running"))
        child = subprocess.Popen([sys.executable, "-c", ""])
        set_process(ledger, entry.run_id, pid=child.pid, process_start="1")
        # A zombie, which nobody has waited for yet, is dead too.
        while process_start(child.pid) is not None:
            pass
        assert ledger.close_abandoned() == [entry.run_id]
        child.wait()
        document = ledger.document(entry.run_id)
        assert document["status"] == "interrupted"
        assert [step["status"] for step in document["pipelines"][0]["steps"]] == ["interrupted", "skipped"]
        assert ledger.close_abandoned() == []
        assert ledger.unpublished("dev") == [entry.run_id]

    def test_of_a_process_whose_pid_was_given_to_another_is_closed(self, ledger: Ledger) -> None:
        entry = open_run(ledger)
        set_process(ledger, entry.run_id, process_start="1")
        assert ledger.close_abandoned() == [entry.run_id]

    def test_of_a_living_process_is_left(self, ledger: Ledger) -> None:
        open_run(ledger)
        assert ledger.close_abandoned() == []

    def test_of_another_host_is_closed_when_its_heartbeat_is_silent(self, ledger: Ledger) -> None:
        entry = open_run(ledger)
        set_process(ledger, entry.run_id, host="elsewhere")
        assert ledger.close_abandoned() == []
        set_process(ledger, entry.run_id, claimed_at=utc_now() - timedelta(minutes=6))
        assert ledger.close_abandoned() == [entry.run_id]

    def test_heartbeat_keeps_a_run_of_another_host_open(self, ledger: Ledger) -> None:
        entry = open_run(ledger)
        set_process(ledger, entry.run_id, host="elsewhere", claimed_at=utc_now() - timedelta(minutes=6))
        ledger.claim(entry.run_id)
        assert ledger.close_abandoned() == []


def test_start_of_this_process_is_known() -> None:
    assert ProcessIdentity.here().start == process_start(os.getpid())
    assert process_start(2**22 + 1) is None


class TestDamage:
    @staticmethod
    def filled(path: Path) -> Path:
        with closing(Ledger.open(path)) as ledger:
            for minute in range(30):
                entry = open_run(ledger, minute)
                step = StepResult(
                    "ingest:api", "ingest", "succeeded", checks=[CheckResult("x" * 500, "passed")]
                )
                ledger.finish_step(entry.run_id, "shop", step)
        return path

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda data: data[: len(data) // 2], id="half of it"),
            pytest.param(lambda data: data[:5000], id="a page and a bit"),
            pytest.param(lambda data: data[:50], id="half a header"),
            pytest.param(lambda data: b"not a database" * 1000, id="something else"),
            pytest.param(
                lambda data: data[:8192] + os.urandom(8192) + data[16384:], id="garbage in the middle"
            ),
        ],
    )
    def test_damaged_file_is_moved_aside_with_a_warning(
        self, tmp_path: Path, damage: Callable[[bytes], bytes]
    ) -> None:
        path = self.filled(tmp_path / "runs.db")
        path.write_bytes(damage(path.read_bytes()))
        with closing(Ledger.open(path)) as ledger:
            assert ledger.recent() == []
            open_run(ledger)
            assert "was damaged" in ledger.warnings[0]
        assert len(list(tmp_path.glob("runs.db.damaged-*"))) == 1

    def test_sound_file_gives_no_warning(self, tmp_path: Path) -> None:
        path = self.filled(tmp_path / "runs.db")
        with closing(Ledger.open(path)) as ledger:
            assert (ledger.warnings, len(ledger.recent(100))) == ([], 30)

    def test_full_database_is_an_error_and_no_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with closing(Ledger.open(tmp_path / "runs.db")) as ledger:
            connect = ledger.database.backend.connect

            def limited() -> sqlite3.Connection:
                connection: sqlite3.Connection = connect()
                connection.execute("PRAGMA max_page_count=1")  # as many as there are
                return connection

            monkeypatch.setattr(ledger.database.backend, "connect", limited)
            ledger.database.close()
            with pytest.raises(LoadError, match="database or disk is full"):
                for minute in range(59):
                    open_run(ledger, minute, command="x" * 10_000)

    def test_database_that_is_away_is_an_error_without_its_password(self) -> None:
        with pytest.raises(LoadError) as raised:
            Ledger.open("postgresql://shop:hunter2secret@127.0.0.1:1/shop")
        assert "hunter2secret" not in raised.value.message
        assert "127.0.0.1" in raised.value.message


def test_six_processes_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.db")
    script = f"from pathlib import Path; from pipeline_cli.ledger import Ledger; Ledger.open(Path({path!r}))"
    children = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(6)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 6
