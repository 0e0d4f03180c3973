"""dlt, imported whole, but for what nobody asks for: most destinations, its runner of dbt, SQLAlchemy, and what
requests guesses the encoding of texts by.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from threading import RLock
from types import ModuleType
from typing import Any

from pipeline_cli.dlt_hints import remember_hints
from pipeline_cli.threads import import_whole

_DESTINATIONS = "dlt.destinations"
_DBT = "dlt.pipeline.dbt"
_SQLALCHEMY = "dlt.common.libs.sql_alchemy_compat"
_GUESSERS = {"chardet": "chardet._version", "charset_normalizer": "charset_normalizer.version"}
_OF_SQLALCHEMY = {name: ("pipeline_cli.dlt_addresses", name) for name in ("URL", "make_url")}


def import_dlt() -> None:
    """Import dlt whole, before this thread imports a part of it (threads.py says why).

    `dlt.destinations` does nothing but import 22 destinations by name, an eighth of dlt's import; a run needs one.
    Here each is imported when it is asked for (PEP 562), by whomever: `dlt.destinations.postgres` is there as ever.
    So is `dlt.dbt`, which begins with what makes virtual environments and takes the addresses of git apart.
    Addresses are taken apart and written without SQLAlchemy (dlt_addresses.py). Of both packages that guess encodings,
    a thirtieth of the start, requests reads the version and has one of them ready: answers of ours are JSON.
    """
    _install()
    import_whole("dlt")
    _remember()


@cache
def _install() -> None:
    sys.meta_path.insert(0, _Finder())  # for good: another thread that is at the list would miss a finder


@cache
def _remember() -> None:
    remember_hints()


def exported_names(source: str) -> dict[str, tuple[str, str]] | None:
    """What a package's file imports by name: the module and the name there; None where it does anything else."""
    found: dict[str, tuple[str, str]] = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found.update({each.asname or each.name: (module, each.name) for each in names})
            case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.Expr(value=ast.Constant()):
                pass
            case _:
                return None
    return None if "*" in found else found


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in (_DESTINATIONS, _DBT, _SQLALCHEMY, *_GUESSERS):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, SourceLoader):
            return None
        if fullname == _DBT:
            spec.loader = LazyLoader(spec.loader)
            return spec
        if fullname in _GUESSERS:
            spec.loader = _LoadedLate(spec.loader, {"__version__": (_GUESSERS[fullname], "__version__")})
            return spec
        if fullname == _SQLALCHEMY:
            spec.loader = _LazyExports(_OF_SQLALCHEMY)
            return spec
        names = exported_names(spec.loader.get_source(fullname) or "")
        if names is not None:
            spec.loader = _LazyExports(names)
        return spec


class _LoadedLate(Loader):
    """Executes a package when it is first asked for any other name than `early`, which stand in light parts of it.

    Not importlib's LazyLoader, which executes it for whatever name. A thread that asks meanwhile waits.
    """

    def __init__(self, loader: SourceLoader, early: Mapping[str, tuple[str, str]]) -> None:
        self._loader = loader
        self._early = early
        self._lock = RLock()
        self._has_begun = False

    def exec_module(self, module: ModuleType) -> None:
        class Late(ModuleType):  # of a class: the package may have a __getattr__ of its own
            def __getattr__(_, name: str) -> Any:  # noqa: N805
                return self._load(module, name)

        module.__class__ = Late

    def _load(self, module: ModuleType, name: str) -> Any:
        if name in self._early:
            place, attribute = self._early[name]
            return getattr(import_module(place), attribute)
        with self._lock:
            if not self._has_begun:
                self._has_begun = True
                self._loader.exec_module(module)
                module.__class__ = ModuleType
        return ModuleType.__getattribute__(module, name)


class _LazyExports(Loader):
    """Makes a package whose names are imported one by one."""

    def __init__(self, names: Mapping[str, tuple[str, str]]) -> None:
        self._names = names

    def exec_module(self, module: ModuleType) -> None:
        names = self._names

        def load(name: str) -> Any:
            if name not in names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            place, attribute = names[name]
            value = getattr(import_module(place), attribute)
            setattr(module, name, value)
            return value

        vars(module).update(__getattr__=load, __dir__=lambda: [*vars(module), *names], __all__=[*names])
