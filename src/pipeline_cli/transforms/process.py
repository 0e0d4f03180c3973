"""What both engines need around them: they live in our process, and keep their state in its globals."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

from pipeline_cli.errors import TransformError
from pipeline_cli.secrets import mask
from pipeline_cli.transforms.base import TransformRequest

# dbt is not made for threads, SQLMesh has one console a process: one engine at a time.
_ENGINES = threading.RLock()


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
    words = " ".join(str(text).split()).replace(f"{request.project.root}{os.sep}", "")
    safe = mask(words, request.project.secrets)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def rerun_hint(request: TransformRequest) -> str:
    """What to do after a model failed."""
    command = f"pipeline-cli run {request.pipeline} --from transform"
    return f"What is loaded is safe in bronze. Fix the model, then: {command}"
