"""A query's rows as the points of a chart: typed, in series, with what is unfinished marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline_cli.manifest.charts import Chart, Period
from pipeline_cli.reports.periods import AsOf, guess_period, is_unfinished
from pipeline_cli.reports.results import Rows
from pipeline_cli.reports.values import DASH, Writer, as_moment, as_number, label_of, make_writer

MOST_CATEGORIES = 40
LARGEST = 1e300  # beyond it, sums of numbers are no numbers any more
MOST_SERIES = 8  # more colours cannot be told apart

Axis = Literal["time", "number", "category"]


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one series. `text`: the point in words. x: a moment, a number or a category's name."""

    x: Any
    y: float | None
    series: str
    text: str
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """All that a drawing needs to know. `left_out`: what it does not show, in a sentence; or nothing."""

    axis: Axis
    points: Sequence[Point]
    names: Sequence[str]
    writer: Writer
    period: Period | None = None
    left_out: str = ""

    @property
    def unfinished(self) -> list[datetime]:
        """The beginnings of the periods that are not over."""
        return sorted({point.x for point in self.points if point.unfinished})


def make_series(
    chart: Chart, rows: Rows, made_at: datetime, as_of: AsOf | None, currency: str | None
) -> Series:
    """The points of a chart; rows whose x is NULL are left out."""
    records = [
        (x, y, chart.color and series)
        for x, y, series in zip(
            rows.values(chart.x), rows.values(chart.y[0]), rows.values(chart.color or chart.x), strict=True
        )
        if x is not None
    ]
    xs = [x for x, _, _ in records]
    axis = "category" if chart.type == "bar" and _are_texts(xs) else _axis_of(xs)
    moments = [as_moment(x) for x in xs] if axis == "time" else []
    period = (
        chart.period or guess_period([moment for moment in moments if moment]) if axis == "time" else None
    )
    write_x = make_writer(xs, None, None)
    write_y = make_writer(rows.values(chart.y[0]), chart.format, currency)
    points = []
    for x, y, series in records:
        at = as_moment(x) if axis == "time" else x if axis == "number" else write_x.write(x)
        name = _name(series)
        words = f"{name}, " if name else ""
        late = bool(period and isinstance(at, datetime) and is_unfinished(at, period, made_at, as_of))
        text = f"{words}{write_x.write(x)}: {write_y.write(y)}{' (not over yet)' if late else ''}"
        points.append(Point(_plain(at), _drawn(y), name, text, late))
    if axis != "category":
        points.sort(key=lambda point: point.x)
    points, left_out = _cut(points, axis)
    return Series(axis, points, list(dict.fromkeys(p.series for p in points)), write_y, period, left_out)


def _axis_of(values: Sequence[Any]) -> Axis:
    if values and all(as_moment(value) is not None for value in values):
        return "time"
    numbers = [None if isinstance(value, str) else as_number(value) for value in values]
    if values and all(number is not None and abs(float(number)) < LARGEST for number in numbers):
        return "number"
    return "category"


def _are_texts(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and as_moment(value) is None for value in values)


def _name(series: Any) -> str:
    if series is None:
        return ""
    return make_writer([series], "text", None).write(series) or DASH


def _plain(x: Any) -> Any:
    return x if isinstance(x, (datetime, str)) else float(x)


def _drawn(y: Any) -> float | None:
    number = as_number(y)
    return float(number) if number is not None and abs(float(number)) < LARGEST else None


def _cut(points: list[Point], axis: Axis) -> tuple[list[Point], str]:
    """The points that there is room and colour for, and what was left out."""
    told = []
    sizes: dict[str, float] = {}
    for point in points:
        sizes[point.series] = sizes.get(point.series, 0.0) + abs(point.y or 0.0)
    if len(sizes) > MOST_SERIES:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:MOST_SERIES]
        points = [point for point in points if point.series in largest]
        told.append(f"The {MOST_SERIES} largest of {len(sizes):,} series are drawn.")
    categories = list(dict.fromkeys(point.x for point in points)) if axis == "category" else []
    if len(categories) > MOST_CATEGORIES:
        kept = set(categories[:MOST_CATEGORIES])
        points = [point for point in points if point.x in kept]
        told.append(f"The first {MOST_CATEGORIES} of {len(categories):,} are drawn.")
    return points, " ".join(told)


def axis_title(chart: Chart) -> str:
    """What a chart without a title is called: 'Total sales by transaction date'."""
    return f"{label_of(chart.y[0])} by {label_of(chart.x).lower()}"
