"""What a plan consists of: one line for each thing that is different. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Section = Literal["sources", "models", "tests", "reports", "pipelines"]
Action = Literal[
    "added", "changed", "removed", "new", "missing", "renamed", "retyped", "indirect", "rejected"
]
SECTIONS: tuple[Section, ...] = ("sources", "models", "tests", "reports", "pipelines")
# What a source gives differently is told; nothing of the project waits to be applied because of it.
DRIFT: tuple[Action, ...] = ("new", "missing", "renamed", "retyped", "rejected")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan.

    owner: the source, transform, report or pipeline that it belongs to. item: its resource, model or test ("" for
    the whole). what: which of its properties (write_disposition, primary_key, cursor, field, …). name: of the field.
    summary: the difference in a few words. reason: where it comes from. effect: what it does to the rows that are
    there. rows: how many there are, None where nobody counted. category: of a model.
    paths: from a field to the gold columns and report figures that are made of it, each a list of names.
    """

    section: Section
    owner: str
    item: str
    what: str
    action: Action
    summary: str
    reason: str
    name: str = ""
    effect: str = ""
    rows: int | None = None
    destructive: bool = False
    category: str | None = None
    intervals: int | None = None
    tests: int = 0
    paths: tuple[tuple[str, ...], ...] = ()

    @property
    def is_drift(self) -> bool:
        return self.action in DRIFT


@dataclass(slots=True)
class Plan:
    """What is different in an environment, for the pipelines that were asked for.

    compared_with: what is known of the environment, in words. probed: resources that were read, and how many records.
    pipelines: those that a run would have to do for the plan; notes: what people should know, a sentence each.
    """

    environment: str
    pipelines: Sequence[str]
    compared_with: str
    changes: list[Change] = field(default_factory=list)
    probed: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def destructive(self) -> list[Change]:
        return [change for change in self.changes if change.destructive]

    @property
    def to_apply(self) -> list[Change]:
        """What the project has changed; what the sources give differently is none of it."""
        return [change for change in self.changes if not change.is_drift]


def in_order(changes: Iterable[Change]) -> list[Change]:
    """By section; lines of one source, and of one resource in it, stand together, the first one first."""
    listed = list(changes)
    owners: dict[tuple[str, str], int] = {}
    items: dict[tuple[str, str, str], int] = {}
    for change in listed:
        owners.setdefault((change.section, change.owner), len(owners))
        items.setdefault((change.section, change.owner, change.item), len(items))

    def place(change: Change) -> tuple[int, int, int]:
        owner = owners[change.section, change.owner]
        return SECTIONS.index(change.section), owner, items[change.section, change.owner, change.item]

    return sorted(listed, key=place)
