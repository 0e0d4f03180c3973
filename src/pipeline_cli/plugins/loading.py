"""Finding plugins: files of the project, and installed packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

GROUP = "pipeline_cli"
# User files become modules under this name, so that plugins/email.py does not hide Python's email.
PREFIX = "pipeline_cli_user_plugins"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found but not loaded. `where` is for messages; `load` runs its code."""

    name: str
    where: str
    load: Callable[[], Any]


def find_candidates(folder: Path) -> Iterator[Candidate]:
    """The plugins in `folder` (`*.py`, not those beginning with `_`), then the installed ones."""
    for path in sorted(folder.glob("[!_]*.py")):
        yield Candidate(path.stem, f"plugins/{path.name}", partial(load_file, path))
    yield from _installed()


def _installed() -> Iterator[Candidate]:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        package = point.dist.name if point.dist else point.value
        yield Candidate(point.name, f"package {package}", point.load)


def load_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own; no `__pycache__` is written beside it.

    Raises whatever the file raises, SyntaxError included.
    """
    module = ModuleType(f"{PREFIX}.{path.stem}")
    module.__file__ = str(path)
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    # Dataclasses and pickle look their module up by name.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own code, in the user's own project
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module
