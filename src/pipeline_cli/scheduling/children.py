"""A pipeline's run in a process of its own: what happens to it harms neither the scheduler nor the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline_cli.errors import EXIT_DONE
from pipeline_cli.project import Project

SLOT_VARIABLE = "PIPELINE_CLI_SLOT"
_COMMAND = "from pipeline_cli.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended. message: what it said was wrong, secrets masked; None where nothing was."""

    exit_code: int
    message: str | None = None


class Child(Protocol):
    def poll(self) -> Outcome | None:
        """How it ended; None while it runs."""
        ...

    def send(self, number: int) -> None:
        """Send it a signal."""
        ...


class Runner(Protocol):
    def start(self, pipeline: str, token: str) -> Child:
        """Begin a run of the pipeline for the slot of this token."""
        ...


class ProcessRunner:
    """Starts `pipeline-cli run PIPELINE --json`. What a child prints goes to files: they outlive the scheduler."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.state_dir / "schedule"

    def start(self, pipeline: str, token: str) -> ProcessChild:
        self._folder.mkdir(parents=True, exist_ok=True)
        root, environment = str(self._project.root), self._project.environment_name
        options = ["--env", environment, "--project", root, "--json"]
        out, err = (self._folder / f"{pipeline}.{kind}" for kind in ("json", "log"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, "run", pipeline, *options],
                cwd=root,
                env={**os.environ, SLOT_VARIABLE: token},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                # Ctrl-C goes to a whole group of processes: the child gets ours alone, once.
                start_new_session=True,
            )
        return ProcessChild(process, out, err)


class ProcessChild:
    def __init__(self, process: subprocess.Popen[bytes], stdout: Path, stderr: Path) -> None:
        self._process = process
        self._stdout = stdout
        self._stderr = stderr

    def poll(self) -> Outcome | None:
        code = self._process.poll()
        if code is None:
            return None
        return Outcome(code, None if code == EXIT_DONE else self._find_message(code))

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _find_message(self, code: int) -> str:
        document = _read_document(self._stdout)
        errors = document.get("errors") or [{}]
        message = errors[0].get("message")
        if message:
            return str(message)
        if code < 0:
            return f"its process was killed ({signal.Signals(-code).name})"
        lines = self._stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"it ended with exit code {code}"


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
