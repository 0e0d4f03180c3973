"""What the reference project's gold models must hold, computed in plain Python from what the sources give.

Written from the systems' description, not from the SQL: it shares no code with the models. Every function
returns one dict a row with every column of the model, ordered by its key; amounts are Decimal, days date.
One module a system.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
CENT = Decimal("0.01")
Steps = Sequence[tuple[str, float]]


def money(value: Any) -> Decimal:
    """A number as an amount with two places, exactly as it was written."""
    return Decimal(str(value)).quantize(CENT, rounding=ROUND_HALF_UP)


def average(amounts: Sequence[Decimal]) -> Decimal | None:
    """Rounded half up to two places; None without amounts."""
    return money(sum(amounts) / len(amounts)) if amounts else None


def group(rows: Iterable[Row], key: str) -> defaultdict[Any, list[Row]]:
    """The rows by the value of `key`."""
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def step_from(value: Any, steps: Steps, otherwise: str) -> str:
    """The first step whose bound the value reaches; the bound itself counts."""
    return next((name for name, bound in steps if value >= bound), otherwise)


def step_over(value: Any, steps: Steps, otherwise: str) -> str:
    """The first step whose bound the value exceeds; the bound itself does not count."""
    return next((name for name, bound in steps if value > bound), otherwise)
