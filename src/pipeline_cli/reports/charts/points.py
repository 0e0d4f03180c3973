"""What a drawing knows of the data: points in series, each with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline_cli.manifest.charts import Period
from pipeline_cli.reports.values import DASH, Writer, as_number, make_writer

LARGEST = 1e300  # beyond it, sums of numbers are no numbers any more

Axis = Literal["time", "number", "category"]


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one series. x: a moment, a number or a category's name.

    text: the point in words. name: what a point of a scatter chart is; size: how large it is.
    """

    x: Any
    y: float | None
    series: str
    text: str
    unfinished: bool = False
    name: str = ""
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """All that a drawing needs to know.

    left_out: what it does not show, in a sentence; or nothing. line: the line of a combined chart.
    x_writer: how the numbers of x are written, where they are numbers with a format of their own.
    """

    axis: Axis
    points: Sequence[Point]
    names: Sequence[str]
    writer: Writer
    period: Period | None = None
    left_out: str = ""
    line: Series | None = None
    x_writer: Writer | None = None

    @property
    def unfinished(self) -> list[datetime]:
        """The beginnings of the periods that are not over."""
        return sorted({point.x for point in self.points if point.unfinished})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(point.y is None for point in self.points) and (self.line is None or self.line.is_empty)

    @property
    def xs(self) -> list[Any]:
        """The places along the axis, each once."""
        return list(dict.fromkeys(point.x for point in self.points))


def name_of(value: Any) -> str:
    """A series' or a point's name; a dash for NULL and for nothing."""
    return make_writer([value], "text", None).write(value) or DASH


def as_drawn(value: Any) -> float | None:
    """A number that a drawing can hold; None for everything else."""
    number = as_number(value)
    return float(number) if number is not None and abs(float(number)) < LARGEST else None
