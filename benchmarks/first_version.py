"""The first version of this project, out of its git history, as it stands beside today's.

It is installed below a folder of its own and runs with this environment's other packages: what is compared is the
two programs.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import MeasuringError

ROOT = Path(__file__).parent.parent
COMMIT = "9459982"  # the last of it: runs, loads and contracts, before any work on speed
_INSTALL_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """packages: for PYTHONPATH, before the environment's own."""

    packages: Path

    @property
    def run_command(self) -> list[str]:
        return [str(self.packages / "bin/pipeline-cli"), "run", "--quiet"]


def install_first_version(folder: Path) -> FirstVersion:
    """Install it below the folder, unless it is there. Raises MeasuringError where the history is not."""
    packages = folder / COMMIT
    if not packages.is_dir():
        print("Installing the first version (once)", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as unfinished:
            source, target = Path(unfinished) / "source", Path(unfinished) / "packages"
            with tarfile.open(fileobj=io.BytesIO(_archive())) as files:
                files.extractall(source, filter="data")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
            _run([*pip, "--target", str(target), str(source)])
            _run(
                [
                    sys.executable,
                    "-m",
                    "compileall",
                    "-q",
                    "-s",
                    str(target),
                    "-p",
                    str(packages),
                    str(target),
                ]
            )
            target.rename(packages)
    return FirstVersion(packages)


def _archive() -> bytes:
    try:
        return _run(["git", "-C", str(ROOT), "archive", COMMIT])
    except (OSError, subprocess.CalledProcessError) as error:
        raise MeasuringError(
            f"The first version, commit {COMMIT}, is not in this folder's git history: git fetch --unshallow"
        ) from error


def _run(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_TIMEOUT_S).stdout
