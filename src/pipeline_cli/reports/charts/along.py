"""A query's rows as points along an axis: typed, in series, with what is unfinished marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.manifest.charts import Chart, Format
from pipeline_cli.reports.charts.points import LARGEST, Axis, Point, Series, as_drawn, name_of
from pipeline_cli.reports.periods import AsOf, guess_period, is_unfinished
from pipeline_cli.reports.results import Rows
from pipeline_cli.reports.values import as_moment, as_number, make_writer, write_in_period

MOST_CATEGORIES = 40
MOST_SERIES = 8  # more colours cannot be told apart
_BARS = ("bar", "stacked_bar", "combined")


@dataclass(frozen=True, slots=True)
class Until:
    """What says whether a period is over: when the report is made, and until when its data go."""

    made_at: datetime
    as_of: AsOf | None


def read_along(
    chart: Chart,
    rows: Rows,
    columns: dict[str, str],
    format_: Format | None,
    until: Until,
    currency: str | None,
) -> Series:
    """The points of these columns of numbers; rows whose x is NULL are left out.

    columns: each column's name in the chart, where the columns make the series.
    """
    xs = [x for x in rows.values(chart.x) if x is not None]
    axis: Axis = "category" if chart.type in _BARS and _are_texts(xs) else _axis_of(xs)
    moments = [as_moment(x) for x in xs] if axis == "time" else []
    period = chart.period or guess_period([m for m in moments if m]) if axis == "time" else None
    write_x = make_writer(xs, None, None)
    write_y = make_writer([y for column in columns for y in rows.values(column)], format_, currency)
    points = []
    for x, y, name in _records(chart, rows, columns):
        at = as_moment(x) if axis == "time" else x if axis == "number" else write_x.write(x)
        late = bool(
            period and isinstance(at, datetime) and is_unfinished(at, period, until.made_at, until.as_of)
        )
        words = f"{name}, " if name else ""
        text = f"{words}{write_in_period(x, period, write_x)}: {write_y.write(y)}{' (not over yet)' if late else ''}"
        points.append(Point(_plain(at), as_drawn(y), name, text, late))
    if axis != "category":
        points.sort(key=lambda point: point.x)
    points, left_out = _cut(points, axis)
    return Series(axis, points, list(dict.fromkeys(p.series for p in points)), write_y, period, left_out)


def _records(chart: Chart, rows: Rows, columns: dict[str, str]) -> list[tuple[Any, Any, str]]:
    """x, y and the series' name of each point; the one series of a chart without any has no name."""
    xs = rows.values(chart.x)
    if chart.color:
        names = [name_of(value) for value in rows.values(chart.color)]
        (column,) = columns
        found = list(zip(xs, rows.values(column), names, strict=True))
    else:
        found = [
            (x, y, name if len(columns) > 1 or chart.type == "combined" else "")
            for column, name in columns.items()
            for x, y in zip(xs, rows.values(column), strict=True)
        ]
    return [record for record in found if record[0] is not None]


def _axis_of(values: Sequence[Any]) -> Axis:
    if values and all(as_moment(value) is not None for value in values):
        return "time"
    numbers = [None if isinstance(value, str) else as_number(value) for value in values]
    if values and all(number is not None and abs(float(number)) < LARGEST for number in numbers):
        return "number"
    return "category"


def _are_texts(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and as_moment(value) is None for value in values)


def _plain(x: Any) -> Any:
    return x if isinstance(x, (datetime, str)) else float(x)


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
