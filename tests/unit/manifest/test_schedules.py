"""`schedule:` of a pipeline: what it may be, and what is told where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.manifest.schedules import Schedule, as_schedule
from tests.unit.manifest.helpers import HEAD, mistakes_of, only, write


def schedule(root: Path, written: str, **variables: str) -> Schedule | None:
    write(root, f"{HEAD}pipelines:\n  all:\n    schedule: {written}\n")
    return as_schedule(read_manifest(root, variables).manifest.pipelines["all"].schedule)


def refusals(root: Path, written: str) -> list[Mistake]:
    write(root, f"{HEAD}pipelines:\n  all:\n    schedule: {written}\n")
    return mistakes_of(root)


def test_a_schedule_is_an_expression_or_a_map(tmp_path: Path) -> None:
    assert schedule(tmp_path, '"@daily"') == Schedule(cron="@daily")
    assert schedule(tmp_path, "0 6 * * 1-5") == Schedule(
        cron="0 6 * * 1-5", timezone="UTC", catch_up="latest"
    )
    written = "{cron: 0 6 * * *, timezone: Europe/Berlin, catch_up: all, catch_up_limit: 7}"
    wanted = Schedule(cron="0 6 * * *", timezone="Europe/Berlin", catch_up="all", catch_up_limit=7)
    assert schedule(tmp_path, written) == wanted


def test_no_schedule_is_none_and_a_variable_may_leave_it_out(tmp_path: Path) -> None:
    assert schedule(tmp_path, "~") is None
    assert schedule(tmp_path, '"${env:CRON:-}"') is None
    assert schedule(tmp_path, '"${env:CRON:-}"', CRON="@hourly") == Schedule(cron="@hourly")


@pytest.mark.parametrize(
    ("written", "column", "told"),
    [
        ('"0 61 * * *"', 18, "'61' is no hour"),
        ("{cron: 0 6 32 * *}", 26, "'32' is no day of the month"),
        ("0 0 30 2 *", 15, "this day never comes"),
        ('"${env:CRON:-9 9 9}"', 15, "this has 3 fields"),
        ('""', 15, "this has 0 fields"),
        ("{cron: 0 6 * * *, timezone: Europe/Berln}", 43, "there is no time zone 'Europe/Berln'"),
        ("{cron: 0 6 * * *, catch_up_limit: 3}", 33, "catch_up_limit is for catch_up: all"),
    ],
)
def test_a_wrong_schedule_is_told_with_its_place(
    tmp_path: Path, written: str, column: int, told: str
) -> None:
    mistake = only(refusals(tmp_path, written))
    assert (mistake.code, mistake.line, mistake.column) == ("E132", 13, column)
    assert told in mistake.message
    assert mistake.hint


def test_all_that_is_wrong_with_a_schedule_is_told_at_once(tmp_path: Path) -> None:
    found = refusals(tmp_path, '{cron: "@dayly", timezone: Mars, catch_up: newest}')
    assert [mistake.code for mistake in found] == ["E132", "E132", "E114"]


@pytest.mark.parametrize("written", ["@daily", "*/5 * * * *"])
def test_a_schedule_that_yaml_cannot_read_without_quotes_asks_for_them(tmp_path: Path, written: str) -> None:
    mistake = only(refusals(tmp_path, written))
    assert (mistake.code, mistake.hint) == ("E104", "Put the value in quotes.")


def test_a_number_is_told_once(tmp_path: Path) -> None:
    assert only(refusals(tmp_path, "5")).code == "E119"


def test_common_schedules_are_checked_without_importing_anything(tmp_path: Path) -> None:
    write(tmp_path, f'{HEAD}pipelines:\n  a: {{schedule: "@daily"}}\n  b: {{schedule: "*/5 6 * * 1-5"}}\n')
    code = (
        "import sys; from pathlib import Path; from pipeline_cli.manifest.reader import read_manifest; "
        f"read_manifest(Path({str(tmp_path)!r}), {{}}); print({{'cronsim', 'zoneinfo'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
