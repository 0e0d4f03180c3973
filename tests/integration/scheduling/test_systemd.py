"""systemd itself reads what `schedule export systemd` writes: `make test-systemd`."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from pipeline_cli import cron
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.scheduling.export import Job, write_files
from pipeline_cli.scheduling.export_systemd import calendar, export_systemd
from tests.integration.scheduling.test_schedule_export import CALENDARS

pytestmark = pytest.mark.systemd

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("folder", ["plain", "100% a b", "o'dd \\ $path"])
@pytest.mark.parametrize("expression", ["30 6 * JAN-MAR mon-fri", *CALENDARS])
def test_systemd_takes_the_units(tmp_path: Path, folder: str, expression: str) -> None:
    program = tmp_path / folder / "pipeline-cli"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    schedule = Schedule(cron=expression, timezone="Europe/Berlin")
    job = Job("my shop", tmp_path / folder, "dev", "sales", schedule, [str(program), "run", "sales"], [])
    for unit in write_files(tmp_path / "units", export_systemd([job])):
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit.name],
            cwd=unit.parent,
            capture_output=True,
            text=True,
        )
        assert (verified.returncode, "pipeline-cli" in verified.stderr) == (0, False), verified.stderr


@pytest.mark.parametrize("expression", CALENDARS)
def test_the_calendar_names_the_same_moments(expression: str) -> None:
    wanted = [f"{slot:%Y-%m-%d %H:%M:%S}" for slot in islice(cron.next_slots(expression, UTC, BEGIN), 8)]
    found = set()
    for line in calendar(Schedule(cron=expression)):
        told = subprocess.run(
            ["systemd-analyze", "calendar", "--iterations=8", f"--base-time={BEGIN:%F %T} UTC", line],
            capture_output=True,
            text=True,
            check=True,
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        )
        moments = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", told.stdout)
        found |= set(moments) - {f"{BEGIN:%F %T}"}
    assert sorted(found)[:8] == wanted
