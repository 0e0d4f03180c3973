"""A window of a source: what a backfill reads instead of what is new. No cursor is asked, and none moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

MISSING = object()


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `start` up to `end`, which is left out. path: the cursor's field."""

    path: str
    start: Any
    end: Any

    def holds(self, value: Any) -> bool:
        """Whether the cursor value lies inside; one that cannot be compared lies nowhere."""
        try:
            return bool(comparable(self.start) <= comparable(value) < comparable(self.end))
        except TypeError:
            return False


@dataclass(frozen=True, slots=True)
class Window:
    """The bounds of each resource that is read by its cursor; others: resources that follow from those."""

    bounds: Mapping[str, Bounds]
    others: frozenset[str] = frozenset()

    @property
    def resources(self) -> frozenset[str]:
        return self.others | self.bounds.keys()


def comparable(value: Any) -> Any:
    """A time as a moment in UTC, whatever it is written as; a number or another text as it is."""
    from pipeline_cli.gate.cursor import moment_of

    if isinstance(value, (str, datetime, date)):
        moment = moment_of(value)
        return value if moment is None else moment
    return value


def read_window_only(source: Any, window: Window) -> None:
    """Let a dlt source read the window's resources alone, and of those the records that lie inside.

    Before the gate: what lies outside is neither judged nor counted. A record without a cursor lies in no window.
    """
    from dlt.extract.items_transform import ItemTransform

    from pipeline_cli.gate.records import to_records, value_at

    class WindowStep(ItemTransform[Any, Any]):
        placement_affinity = 0.85  # before CheckStep

        def __init__(self, bounds: Bounds) -> None:
            super().__init__(lambda item: item)
            self._bounds = bounds

        def __call__(self, item: Any, meta: Any = None) -> Any:
            bounds = self._bounds
            return [each for each in to_records(item) if bounds.holds(value_at(each, bounds.path))]

    source.resources.select(*window.resources)
    for name, bounds in window.bounds.items():
        source.resources[name].add_step(WindowStep(bounds))
