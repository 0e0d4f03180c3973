"""What is told while files are read: rows, bytes, time left; lines in a pipe, bars on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest
from rich.console import Console

from pipeline_cli.cli.progress import LINE_EVERY_S, LineProgress
from pipeline_cli.cli.progress_bars import BarProgress
from pipeline_cli.cli.progress_text import Pace, describe_beside_bar, describe_left, describe_line
from pipeline_cli.document import StepResult
from pipeline_cli.progress import Progress

MB = 10**6
ERASE_LINE = b"\x1b[2K"
NARROW = 80


def contacts(done_mb: float, *, records: int = 0, name: str = "contacts") -> Progress:
    return Progress(name, records, round(done_mb * MB), 824 * MB)


class Clock:
    """Seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_share_is_by_bytes_else_by_records_and_never_more_than_all() -> None:
    assert contacts(206).share == pytest.approx(0.25)
    assert Progress("t", 250, total_records=1000).share == pytest.approx(0.25)
    assert Progress("t", 250).share is None
    assert Progress("t", 2, done_bytes=9, total_bytes=6).share == 1.0
    assert Progress("t", 2, done_bytes=0, total_bytes=0).share is None


def test_a_line_tells_rows_and_bytes_and_time_left() -> None:
    told = describe_line(contacts(210, records=1_200_000), left_s=12.3)
    assert told == "1,200,000 rows of contacts, 210 of 824 MB, 12 s left"


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("carts", 7), "7 rows of carts so far"),
        (Progress("carts", 1), "1 row of carts so far"),
        (Progress("carts", 5, total_records=1000), "5 of 1,000 rows of carts, 12 s left"),
        (Progress("carts", 1, total_records=1), "1 of 1 rows of carts, 12 s left"),
        (Progress("carts", 0, 3 * MB, 9 * MB), "3.0 of 9.0 MB of carts, 12 s left"),
        (Progress("carts", 9, 200, 900), "9 rows of carts, 200 of 900 bytes, 12 s left"),
        (Progress("carts", 9, 10**9, 48 * 10**8), "9 rows of carts, 1.0 of 4.8 GB, 12 s left"),
    ],
)
def test_a_line_tells_what_is_known(progress: Progress, line: str) -> None:
    assert describe_line(progress, 12.0) == line


@pytest.mark.parametrize(
    ("left_s", "text"),
    [(None, ""), (0.2, "1 s left"), (89.4, "89 s left"), (185, "3 min left"), (7500, "2 h 5 min left")],
)
def test_time_left_is_in_the_unit_that_fits(left_s: float | None, text: str) -> None:
    assert describe_left(left_s) == text


def test_time_left_is_reckoned_from_the_first_time_told() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now = 100.0
    assert pace.left_s("contacts", 0.5) is None
    clock.now = 110.0
    assert pace.left_s("contacts", 0.75) == pytest.approx(10.0)
    assert pace.left_s("contacts", 1.0) is None
    assert pace.left_s("contacts", None) is None


def test_a_source_that_is_tried_again_has_its_time_reckoned_anew() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.left_s("contacts", 0.1)
    clock.now = 1000.0
    assert pace.left_s("contacts", 0.0) is None
    clock.now = 1001.0
    assert pace.left_s("contacts", 0.5) == pytest.approx(1.0)


def test_lines_of_a_file_of_known_size_come_every_few_seconds_with_the_time_left() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = LineProgress(lines.append, now=clock)
    for second in range(13):
        clock.now = float(second)
        progress.progress("ingest:crm", contacts(82.4 * second / 2, records=100_000 * second))
    assert LINE_EVERY_S == 5.0
    assert lines == [
        "ingest:crm: 500,000 rows of contacts, 206 of 824 MB, 15 s left",
        "ingest:crm: 1,000,000 rows of contacts, 412 of 824 MB, 10 s left",
    ]


def test_what_does_not_fit_beside_the_bar_is_left_out_whole() -> None:
    told = [describe_beside_bar(contacts(210, records=1_200_000), 12, width) for width in (60, 45, 30, 10, 5)]
    assert told == [
        "contacts: 1,200,000 rows, 210 of 824 MB, 12 s left",
        "1,200,000 rows, 210 of 824 MB, 12 s left",
        "210 of 824 MB, 12 s left",
        "12 s left",
        "",
    ]


def bar_lines(width: int, *told: Progress, step: str = "ingest:crm_files") -> list[str]:
    """What the terminal of that width shows of one step in the end."""
    screen = io.StringIO()
    clock = Clock()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None)
    bars = BarProgress(console, now=clock)
    bars.step_started("crm", StepResult(step, "ingest", "running"))
    for progress in told:
        bars.progress(step, progress)
        clock.now += 5
    console.print(bars._bars.get_renderable())
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_a_bar_shows_percent_rows_bytes_and_time_left_in_80_columns() -> None:
    (line,) = bar_lines(NARROW, contacts(0), contacts(206, records=1_250_000))
    assert re.search(r" 25% 1,250,000 rows, 206 of 824 MB, 15 s left$", line)
    assert "ingest:crm_files ━━" in line
    assert len(line) <= NARROW


def test_a_bar_without_a_total_pulses_and_shows_rows_and_time() -> None:
    (line,) = bar_lines(NARROW, Progress("a", 1000), Progress("b", 234))
    assert line.endswith(" 1,234 rows, 0:00")
    assert "%" not in line


def test_a_bar_is_never_full_while_the_rows_are_still_being_committed() -> None:
    (line,) = bar_lines(NARROW, contacts(0), contacts(824, records=5_000_000))
    assert " 99% contacts: 5,000,000 rows, 824 of 824 MB" in line


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("step", ["ingest:x", f"ingest:{'long_name_' * 6}"])
def test_a_bar_never_wraps(width: int, step: str) -> None:
    name = "a_resource_with_quite_a_long_name"
    told = [contacts(0, name=name), contacts(100, records=123_456_789, name=name)]
    (line,) = bar_lines(width, *told, step=step)
    assert len(line) <= width


IN_A_TERMINAL = """
import sys, time
from pipeline_cli.cli.progress import show_progress
from pipeline_cli.cli.settings import Settings
from pipeline_cli.document import StepResult
from pipeline_cli.progress import Progress
step = StepResult("ingest:crm", "ingest", "running")
with show_progress(Settings()) as listener:
    listener.step_started("crm", step)
    for part in range(5):
        listener.progress("ingest:crm", Progress("contacts", part * 1000, part * 10**6, 4 * 10**6))
        time.sleep(0.12)
    step.status = "succeeded"
    listener.step_finished("crm", step)
"""


def test_a_real_terminal_of_80_columns_gets_a_bar_that_goes_when_the_step_ends() -> None:
    main, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, NARROW, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    command = [sys.executable, "-c", IN_A_TERMINAL]
    with subprocess.Popen(command, stderr=terminal, env={**env, "TERM": "xterm"}) as process:
        os.close(terminal)
        written = b""
        while select.select([main], [], [], 20)[0]:
            try:
                written += os.read(main, 4096)
            except OSError:  # the other end is closed
                break
    os.close(main)
    assert process.returncode == 0, written.decode()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    lines = [line for line in re.split(r"[\r\n]+", shown) if line]
    assert any(re.search(r"50% (contacts: )?2,000 rows, 2.0 of 4.0 MB, \d s left", line) for line in lines)
    assert max(len(line.rstrip()) for line in lines) <= NARROW
    assert any(line.startswith("ingest:crm: succeeded") for line in lines)
    assert ERASE_LINE in written[-12:]
