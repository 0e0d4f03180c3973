"""Which installed package an import of a Python model belongs to, looked up when there is one.

SQLMesh asks for it in each plan, also where no model imports anything, and the answer takes a look at every file of
every installed package: half a second, a third of a small build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

Packages = Mapping[str, Sequence[str]]


def look_up_packages_late() -> None:
    """Let SQLMesh's plans ask only when they need to, and once a process; a second call changes nothing."""
    from sqlmesh.core import context_diff

    if not isinstance(context_diff.metadata, LateMetadata):
        context_diff.metadata = LateMetadata(context_diff.metadata)


class LateMetadata:
    """The module `importlib.metadata`, whose packages_distributions() looks when its answer is looked into."""

    def __init__(self, metadata: Any) -> None:
        self._metadata = metadata
        self._packages = _LatePackages(metadata.packages_distributions)

    def packages_distributions(self) -> Packages:
        return self._packages

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)


class _LatePackages(Packages):
    """import name -> distributions, as `look_up` gives them."""

    def __init__(self, look_up: Callable[[], Packages]) -> None:
        self._look_up = cache(look_up)

    def __getitem__(self, name: str) -> Sequence[str]:
        return self._look_up()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._look_up())

    def __len__(self) -> int:
        return len(self._look_up())
