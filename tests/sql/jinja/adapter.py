"""dbt's `adapter` as the linter needs it: what is dispatched stands as a function of SQL."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    return lambda *values: f"{name}({', '.join(map(str, values))})"
