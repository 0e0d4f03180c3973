"""`type: python`: any dlt source or resource from a file below sources/."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import PipelineCliError, SourceError
from pipeline_cli.manifest.sources import PythonSource

if TYPE_CHECKING:
    from dlt.extract import DltSource


def build_python_source(name: str, entry: PythonSource, module: ModuleType) -> DltSource:
    """Call the function of the entry's file with its arguments, and give its dlt source.

    module: the file, from `load_module`. Raises SourceError when it holds no dlt source or resource.
    """
    import dlt
    from dlt.extract import DltResource, DltSource

    factory = _find_factory(module, entry)
    try:
        made = factory(**dict(entry.arguments)) if callable(factory) else factory
    except PipelineCliError:
        raise
    except (Exception, SystemExit) as error:
        raise SourceError(
            f"{entry.path}: {_name(factory)} failed: {type(error).__name__}: {error}",
            code="E341",
            hint=f"Check arguments: of source {name!r}.",
        ) from error
    if isinstance(made, DltSource):
        return made
    if isinstance(made, DltResource):
        return dlt.source(lambda: made, name=name)()
    raise SourceError(f"{entry.path}: {_name(factory)} gives no dlt source or resource.", code="E342")


def load_module(path: Path, shown: str) -> ModuleType:
    """Import a file by its path. dlt derives configuration sections from a module's last name: it keeps its stem."""
    spec = importlib.util.spec_from_file_location(f"pipeline_cli_user.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SourceError(f"{shown} is not a Python file.", code="E340")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script that ends itself is no reason to end the command
        line = _line_in(path, error)
        at = f"{shown}:{line}" if line else shown
        raise SourceError(f"{at} cannot be imported: {type(error).__name__}: {error}", code="E340") from error
    return module


def _find_factory(module: ModuleType, entry: PythonSource) -> Any:
    candidates = dict(_dlt_objects(module))
    if entry.function is not None:
        if hasattr(module, entry.function):
            return getattr(module, entry.function)
        raise SourceError(
            f"{entry.path} has no function {entry.function!r}.",
            code="E342",
            hint=_choices(candidates) or None,
        )
    sources = {key: value for key, value in candidates.items() if not _is_resource(value)}
    chosen = sources or candidates
    if len(chosen) == 1:
        return next(iter(chosen.values()))
    found = "no" if not chosen else "more than one"
    raise SourceError(
        f"{entry.path} holds {found} function decorated with @dlt.source or @dlt.resource.",
        code="E342",
        hint=f"Name one with function:. {_choices(chosen)}".strip(),
    )


def _dlt_objects(module: ModuleType) -> Mapping[str, Any]:
    from dlt.extract import DltResource, DltSource
    from dlt.extract.decorators import ResourceFactory
    from dlt.extract.reference import SourceFactory

    kinds = (DltSource, DltResource, SourceFactory, ResourceFactory)
    own = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    return {key: value for key, value in own.items() if isinstance(value, kinds) or hasattr(value, "_deco_f")}


def _is_resource(value: Any) -> bool:
    from dlt.extract import DltResource
    from dlt.extract.decorators import ResourceFactory

    return isinstance(value, (DltResource, ResourceFactory))


def _choices(candidates: Mapping[str, Any]) -> str:
    return f"It has {', '.join(sorted(candidates))}." if candidates else ""


def _name(factory: Any) -> str:
    return str(getattr(factory, "__name__", None) or getattr(factory, "name", "the source"))


def _line_in(path: Path, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
