"""The real command, each in a process of its own, forked from one that has imported dlt, dbt and SQLMesh already.

The tests run it a thousand times, and more than half of such a run is imports: conftest.py puts this run_cli in the
place of pipeline_cli.testing's. That the command imports what it needs by itself, and no more, is shown by tests that
start it afresh: tests/integration/packaging, tests/unit/test_startup.py and make test-faults.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline_cli.testing import DEFAULT_TIMEOUT_S, CliResult, read_document

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.warm_imports"])


@dataclass(slots=True)
class Running:
    """A command that is running: `send` it a signal, `wait` for its end."""

    arguments: Sequence[str]
    process: Any
    folder: TemporaryDirectory[str]

    def send(self, number: int) -> None:
        """A signal to the process; nothing where it is over."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def wait(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> CliResult:
        """The command's result; kills it and raises subprocess.TimeoutExpired where it does not end in time."""
        self.process.join(timeout_s)
        if self.process.exitcode is None:
            self.process.kill()
            raise subprocess.TimeoutExpired(["pipeline-cli", *self.arguments], timeout_s)
        with self.folder as folder:
            out, err = (Path(folder, name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        return CliResult(self.process.exitcode, out, err, read_document(out))


def start_cli(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Running:
    """Start the command in a process of its own."""
    folder = TemporaryDirectory()
    stdout, stderr = Path(folder.name, "stdout"), Path(folder.name, "stderr")
    stdout.touch()
    stderr.touch()
    environment = {**os.environ, **(env or {})}
    process = _FORKS.Process(target=_work, args=([*arguments], str(cwd), environment, stdout, stderr))
    process.start()
    return Running(arguments, process, folder)


def run_cli(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> CliResult:
    """As `pipeline_cli.testing.run_cli`."""
    return start_cli(arguments, cwd=cwd, env=env).wait(timeout_s)


def _work(arguments: list[str], cwd: str, environment: dict[str, str], stdout: Path, stderr: Path) -> None:
    for number, place in ((0, Path(os.devnull)), (1, stdout), (2, stderr)):
        file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's own
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["pipeline-cli", *arguments]
    from pipeline_cli.cli import main

    main()
