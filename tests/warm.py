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
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline_cli.testing import DEFAULT_TIMEOUT_S, CliResult, read_document

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.warm_imports"])


def run_cli(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> CliResult:
    """As `pipeline_cli.testing.run_cli`."""
    with TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        environment = {**os.environ, **(env or {})}
        process = _FORKS.Process(target=_work, args=([*arguments], str(cwd), environment, stdout, stderr))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["pipeline-cli", *arguments], timeout_s)
        out = stdout.read_text(encoding="utf-8")
        return CliResult(process.exitcode, out, stderr.read_text(encoding="utf-8"), read_document(out))


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
