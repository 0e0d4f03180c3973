"""What dlt asks of the same type hints, hundreds of times a load, answered once for each: a fifth of a small load.

It asks whether a setting is secret wherever it looks for one, and what the fields of a schema are of each of its parts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

# Who asks, and by which name. Where another dlt has them elsewhere, nothing is remembered.
_ASKED = {
    "is_secret_hint": (
        "dlt.common.configuration.specs.base_configuration",
        "dlt.common.configuration.providers.environ",
        "dlt.common.configuration.providers.vault",
        "dlt.common.configuration.resolve",
    ),
    "get_type_hints": ("dlt.common.validation",),
}
_MOST = 10_000  # hints are as many as the code has; a program that makes them without end begins anew


def remember_hints() -> None:
    """Let dlt's modules, as far as they are imported, remember their answers; a second call changes nothing."""
    for name, places in _ASKED.items():
        modules = [sys.modules[place] for place in places if place in sys.modules]
        for module in modules:
            _remember_in(module, name)


def _remember_in(module: ModuleType, name: str) -> None:
    asked = getattr(module, name, None)
    if callable(asked) and not hasattr(asked, "__wrapped__"):
        setattr(module, name, remembered(asked))


def remembered(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose answer hangs on its first argument alone, and is kept for it.

    By identity: Union[A, B] equals Union[B, A], and is another.
    """
    known: dict[int, tuple[Any, Any]] = {}

    @wraps(answer)
    def ask(hint: Any, *arguments: Any, **options: Any) -> Any:
        found = known.get(id(hint))
        if found is None or found[0] is not hint:
            if len(known) >= _MOST:
                known.clear()
            # Kept with its answer, so that its id stays its own.
            found = known[id(hint)] = (hint, answer(hint, *arguments, **options))
        return found[1]

    return ask
