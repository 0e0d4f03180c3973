"""Helpers for tests of pipelines: a real small project, and the real command on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_TIMEOUT_S = 300.0

MINIMAL_MANIFEST = """\
version: 1
name: minimal
default_environment: dev
environments:
  dev: {destination: duckdb}
destinations:
  duckdb: {type: duckdb, path: warehouse.duckdb}
pipelines: {}
"""


@dataclass(frozen=True, slots=True)
class CliResult:
    """What a command gave back. `document` is its --json document, or None when stdout is no JSON."""

    exit_code: int
    stdout: str
    stderr: str
    document: dict[str, Any] | None


def make_project(
    path: Path, manifest: str = MINIMAL_MANIFEST, files: Mapping[str, str] | None = None
) -> Path:
    """Write pipelines.yaml and `files` (relative path to text) below `path`, and return `path`."""
    for name, text in {"pipelines.yaml": manifest, **(files or {})}.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return path


def run_cli(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> CliResult:
    """Run pipeline-cli as a process of its own, in this Python.

    env: variables on top of this process's own. Raises subprocess.TimeoutExpired.
    """
    finished = subprocess.run(
        [sys.executable, "-c", "from pipeline_cli.cli import main; main()", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )
    return CliResult(finished.returncode, finished.stdout, finished.stderr, read_document(finished.stdout))


def read_document(stdout: str) -> dict[str, Any] | None:
    try:
        document = json.loads(stdout)
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
