"""Why a record is rejected, and the row of the quarantine table it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """path: where in the record ("$.price"); rule: the broken rule ("type", "required"); message: in words."""

    path: str
    rule: str
    message: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not loaded into its table, with everything that is wrong with it."""

    record: Record
    reasons: tuple[Reason, ...]


def json_path(parts: Sequence[str | int]) -> str:
    """A JSONPath for people: ["products", 0, "quantity"] is "$.products[0].quantity"."""
    steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return "$" + "".join(steps)
