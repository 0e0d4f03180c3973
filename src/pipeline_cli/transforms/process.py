"""What both engines need around them: they live in our process, and keep their state in its globals."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

from pipeline_cli.errors import TransformError
from pipeline_cli.secrets import mask
from pipeline_cli.transforms.base import TransformRequest

# dbt is not made for threads, SQLMesh has one console a process: one engine at a time.
_ENGINES = threading.RLock()
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = 300  # characters that are kept of a line


@contextlib.contextmanager
def engine_process(request: TransformRequest) -> Iterator[None]:
    """Run an engine: alone in this process, the only writer of the warehouse, and silent."""
    folder = os.getcwd()  # noqa: PTH109 - dbt moves into its project's folder
    with _ENGINES, request.warehouse.writing(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            os.chdir(folder)


def project_folder(request: TransformRequest, *markers: str) -> Path:
    """The transform's folder. Raises TransformError when none of `markers` is in it."""
    folder = request.project.resolve(request.transform.path)
    if not any((folder / marker).exists() for marker in markers):
        what = {"sqlmesh": "SQLMesh", "dbt": "dbt"}[request.transform.engine]
        raise TransformError(
            f"{request.transform.path} is not a {what} project: it has no {' and no '.join(markers)}",
            code="E331",
            hint=f"Correct transforms.{request.name}.path, or make the project there.",
        )
    return folder


def shorten(text: object, request: TransformRequest, limit: int = 400) -> str:
    """An engine's message on one line, without secrets and without the project's own path."""
    safe = " ".join(_clean(text, request).split())
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def keep_lines(text: object, request: TransformRequest, most: int = 12) -> str:
    """An engine's message with its own lines, so that a caret stays under its column; else as `shorten`.

    most: how many lines that are not empty are kept.
    """
    lines = [line.rstrip()[:_LINE] for line in _clean(text, request).splitlines() if line.strip()]
    first, rest = lines[:1], textwrap.dedent("\n".join(lines[1:most]))
    return "\n".join([*(line.strip() for line in first), *([rest] if rest else [])])


def rerun_hint(request: TransformRequest, message: str) -> str:
    """What to do after a model failed. message: the database's."""
    if "lock timeout" in message:
        return (
            "Another session has locked a table of the build (pg_stat_activity). What is loaded is safe in bronze. "
            f"When that session is done: {_rerun(request)}"
        )
    return f"What is loaded is safe in bronze. Fix the model, then: {_rerun(request)}"


def check_hint(request: TransformRequest, rows: str | None = None) -> str:
    """What to do after a check failed. rows: the file that has the rows, relative to the project."""
    seen = f" The rows are in {rows}." if rows else ""
    return f"Either the data or the model is wrong.{seen} Then: {_rerun(request)}"


def _rerun(request: TransformRequest) -> str:
    return f"pipeline-cli run {request.pipeline} --from transform"


def _clean(text: object, request: TransformRequest) -> str:
    plain = _ANSI.sub("", str(text)).replace(f"{request.project.root}{os.sep}", "")
    return mask(plain, request.project.secrets)
