"""Whole commands, timed in turn, and the table of their ratios.

A ratio compares what ran side by side on the same machine; seconds alone say little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MB = 1_000_000
WATCH_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where and with which environment. after: done when it has ended, outside the time."""

    argv: Sequence[str]
    folder: Path
    env: Mapping[str, str]
    after: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One command. cpu_s: of all its threads, without a server's; peak_mb: its process's largest resident set."""

    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those that take turns. prepare: makes the round's command (counted from 0), outside the time.

    rounds: takes part in the first so many rounds only; None in all.
    """

    name: str
    prepare: Callable[[int], Command]
    rounds: int | None = None


class MeasuringError(Exception):
    """A command failed, or did not do what it should have: its seconds mean nothing."""


def run_command(command: Command) -> Measurement:
    """Run it once. Raises MeasuringError with the end of its output when it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv, cwd=command.folder, env=dict(command.env), stdout=output, stderr=output
        )
        watch = _MemoryWatch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peak_mb = watch.stop()
        if process.returncode != 0:
            output.seek(0)
            told = output.read().decode(errors="replace")[-5000:]
            raise MeasuringError(f"{' '.join(command.argv)} failed ({process.returncode}):\n{told}")
    command.after()
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, peak_mb)


class _MemoryWatch:
    """Looks at the kernel's own record of a process's largest resident set until the process is gone.

    Not rusage: what it says of a child begins with the size of its parent, which has read warehouses itself.
    """

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak_mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._peak_mb

    def _watch(self) -> None:
        while not self._over.wait(WATCH_EVERY_S):
            with suppress(OSError):
                for line in self._status.read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        self._peak_mb = int(line.split()[1]) * 1024 / MB


def take_turns(contenders: Sequence[Contender], rounds: int) -> dict[str, list[Measurement]]:
    """A B A B ...; each contender's measurements by name."""
    measured: dict[str, list[Measurement]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            if contender.rounds is None or number < contender.rounds:
                command = contender.prepare(number)
                os.sync()  # what the one before has written is not written in this one's time
                measurement = run_command(command)
                measured[contender.name].append(measurement)
                told = f"{measurement.seconds:8.2f} s {measurement.cpu_s:8.2f} s of processors"
                told += f" {measurement.peak_mb:8.0f} MB"
                print(f"  {contender.name:<26} {told}", file=sys.stderr, flush=True)
    return measured


def median_s(measurements: Sequence[Measurement]) -> float:
    return median(each.seconds for each in measurements)


def median_mb(measurements: Sequence[Measurement]) -> float:
    return median(each.peak_mb for each in measurements)


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """This environment, with bytecode on and an empty home."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    home.mkdir(parents=True, exist_ok=True)
    return {**env, "HOME": str(home), **more}
