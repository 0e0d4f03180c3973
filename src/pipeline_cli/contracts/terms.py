"""What conditions are made of: their subject, constants, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "date", "timestamp", "integer", "double", "decimal"]
TRUE, FALSE = "true", "false"


class UnsupportedError(Exception):
    """A schema that SQL does not say."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about. kind: how the contract sees the value; value, text: SQL references.

    text: the string as the contract sees it, None where SQL does not have it. precision, scale: of decimals.
    Kinds date and timestamp are those that the contract sees in ISO form, however they were written.
    """

    kind: Kind
    value: str
    text: str | None = None
    precision: int = 38
    scale: int = 0


def all_of(conditions: Sequence[str]) -> str:
    """The conditions joined by AND, constants taken out."""
    if FALSE in conditions:
        return FALSE
    kept = [each for each in conditions if each != TRUE]
    return " AND ".join(f"({each})" for each in kept) if kept else TRUE


def any_of(conditions: Sequence[str]) -> str:
    """The conditions joined by OR, constants taken out."""
    if TRUE in conditions:
        return TRUE
    kept = [each for each in conditions if each != FALSE]
    return " OR ".join(f"({each})" for each in kept) if kept else FALSE
