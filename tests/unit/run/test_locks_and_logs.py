"""Lock files that name their holder, and one log a run."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from pipeline_cli.cli.logs import keep_step
from pipeline_cli.errors import Busy, UsageError
from pipeline_cli.locks import hold_lock, hold_locks, read_holder
from pipeline_cli.logs import KEPT_LOGS, log_run, read_log
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.project import Project
from tests.unit.run.world import make_world


class TestLocks:
    def test_second_holder_is_told_who_the_first_is(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "x.lock"
        with hold_lock(path, "x", "run x"), pytest.raises(Busy) as raised, hold_lock(path, "pipeline x"):
            pass
        told = f"pipeline x is held by process {os.getpid()} on {socket.gethostname()} (run x), since 20"
        assert raised.value.message.startswith(told)
        assert raised.value.exit_code == 75

    @pytest.mark.parametrize(("program", "told"), [("-c", "pipeline-cli"), ("/bin/shop-cli", "shop-cli")])
    def test_a_holder_is_called_by_the_program_s_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: str
    ) -> None:
        monkeypatch.setattr(sys, "argv", [program, "run", "shop"])  # "-c" is how `schedule run` starts it
        with hold_lock(tmp_path / "x.lock", "x"):
            holder = read_holder(tmp_path / "x.lock")
        assert holder is not None and holder.command == f"{told} run shop"

    def test_lock_is_free_again_after_the_block(self, tmp_path: Path) -> None:
        for _ in range(2):
            with hold_lock(tmp_path / "x.lock", "x"):
                assert read_holder(tmp_path / "x.lock") is not None
        assert read_holder(tmp_path / "x.lock") is None

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "not json"])
    def test_holder_that_cannot_be_read_is_another_process(self, tmp_path: Path, text: str) -> None:
        with hold_lock(tmp_path / "x.lock", "x"):
            (tmp_path / "x.lock.json").write_text(text)
            with (
                pytest.raises(Busy, match="x is held by another process"),
                hold_lock(tmp_path / "x.lock", "x"),
            ):
                pass

    def test_all_locks_or_none(self, tmp_path: Path) -> None:
        with hold_lock(tmp_path / "source-b.lock", "source b"):
            with pytest.raises(Busy), hold_locks(tmp_path, ["source c", "source b", "pipeline a"]):
                pass
            with hold_locks(tmp_path, ["source c", "pipeline a"]):
                pass

    def test_killed_holder_leaves_no_lock(self, tmp_path: Path) -> None:
        script = (
            "import os, pathlib\nfrom pipeline_cli.locks import hold_lock\n"
            f"with hold_lock(pathlib.Path({str(tmp_path / 'x.lock')!r}), 'x'): os._exit(9)"
        )
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
        assert (
            read_holder(tmp_path / "x.lock") is not None
        )  # what the dead one wrote, and what counts for nothing
        with hold_lock(tmp_path / "x.lock", "x"):
            holder = read_holder(tmp_path / "x.lock")
            assert holder is not None
            assert holder.pid == os.getpid()


class TestLogs:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        return make_world(tmp_path, secrets=frozenset({"hunter2secret"})).project

    def test_everyone_logs_into_the_file_without_secrets(
        self, project: Project, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with log_run(project, "20261121T090000-aaaaaa"):
            logging.getLogger("some.library").info("token=%s", "hunter2secret")
            logging.getLogger("dlt").warning("from dlt")
            logging.getLogger("some.library").debug("too much")
            warnings.warn("old way", DeprecationWarning, stacklevel=1)
            try:
                raise ValueError("hunter2secret")
            except ValueError:
                logging.getLogger("x").exception("failed")
        text = read_log(project, "20261121T090000-aaaaaa")
        assert "INFO    MainThread some.library: token=***" in text
        assert "from dlt" in text
        assert "Traceback (most recent call last)" in text
        assert "hunter2secret" not in text
        assert "too much" not in text
        assert capfd.readouterr().out == ""

    def test_dlt_adds_no_handler_that_writes_to_stderr(self, project: Project) -> None:
        from dlt.common.logger import _create_logger

        logging.getLogger(
            "dlt"
        ).handlers.clear()  # other tests' handlers, of a dlt that was imported outside a run
        with log_run(project, "20261121T090000-aaaaaa"):
            logger = _create_logger("dlt", "WARNING", "{message}", "x", {})
            writing = [
                each
                for each in logger.handlers
                if type(each).__module__.startswith(("logging", "pipeline_cli"))
            ]
            assert [type(handler).__name__ for handler in writing] == ["MaskedFile"]
            logger.warning("hunter2secret")
        assert "hunter2secret" not in read_log(project, "20261121T090000-aaaaaa")

    def test_last_hundred_logs_are_kept(self, project: Project) -> None:
        for number in range(KEPT_LOGS + 5):
            with log_run(project, f"20261121T09{number:04}-aaaaaa"):
                pass
        names = sorted(path.name for path in (project.pipeline_dir / "logs").iterdir())
        assert (len(names), names[0]) == (KEPT_LOGS, "20261121T090005-aaaaaa.log")

    @pytest.mark.parametrize("run_id", ["20261121T090000-bbbbbb", "../../pipelines", ""])
    def test_log_that_is_not_there_is_a_usage_error(self, project: Project, run_id: str) -> None:
        with pytest.raises(UsageError, match="there is no log of run"):
            read_log(project, run_id)


def test_a_runs_log_has_its_steps_and_counts_with_times_in_utc(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"shop": Pipeline(sources=("api",))})
    world.loader.news["api"] = 3
    result = world.run()
    lines = read_log(world.project, result.run_id).splitlines()
    told = [line.split(": ", 1)[1] for line in lines if " ingest:api pipeline_cli.running" in line]
    assert told[0] == "started"
    assert told[1] == "items: 3 extracted, 3 loaded"
    assert told[2].startswith("succeeded after ")
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in lines)
    assert list(keep_step(lines, "ingest:api")) == [line for line in lines if " ingest:api " in line]
