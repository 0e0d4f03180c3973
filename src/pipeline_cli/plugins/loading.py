"""Finding plugins: files of the project, and installed packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest.frozen import freeze
from pipeline_cli.manifest.kinds import KINDS

GROUP = "pipeline_cli"
# User files become modules under this name, so that plugins/email.py does not hide Python's email.
PREFIX = "pipeline_cli_user_plugins"


@freeze
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


def check_plugins(root: Path, entries: Collection[str]) -> list[Mistake]:
    """What a run would warn of: files of plugins/ that are no Python, options of plugins that are not there.

    root: the project's; entries: the names below `plugins:` in the manifest. No plugin's code is run.
    """
    files = sorted((root / "plugins").glob("[!_]*.py"))
    mistakes = [mistake for path in files if (mistake := _check_syntax(path))]
    missing = [name for name in entries if name not in {path.stem for path in files}]
    if missing:
        known = [*(path.stem for path in files), *(candidate.name for candidate in _installed())]
        known += KINDS["plugins"]
        mistakes += [_missing(name, known) for name in missing if name not in known]
    return mistakes


def suggest_plugin(name: str, known: Sequence[str]) -> str:
    """What to do about options of a plugin that is not there."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"write plugins/{name}.py, or install its package"


def _missing(name: str, known: Sequence[str]) -> Mistake:
    hint = suggest_plugin(name, known)
    message = f"there is no plugin {name}, which the manifest has options for."
    return Mistake("E150", message, hint[0].upper() + hint[1:], "pipelines.yaml")


def _check_syntax(path: Path) -> Mistake | None:
    file = f"plugins/{path.name}"
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        text = error.text.rstrip("\n") if error.text else None
        return Mistake(
            "E151", f"this is no Python: {error.msg}.", None, file, error.lineno, error.offset, text
        )
    except (ValueError, OSError) as error:  # a NUL byte; no right to read it
        return Mistake("E151", f"this plugin cannot be read: {error}.", None, file)
    return None
