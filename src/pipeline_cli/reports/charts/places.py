"""A query's rows as points between two axes of numbers."""

from __future__ import annotations

from pipeline_cli.manifest.charts import ScatterChart
from pipeline_cli.reports.charts.along import MOST_SERIES
from pipeline_cli.reports.charts.points import Point, Series, as_drawn, name_of
from pipeline_cli.reports.results import Rows
from pipeline_cli.reports.values import clean_text, label_of, make_writer

MOST_PLACES = 500


def read_places(chart: ScatterChart, rows: Rows, currency: str | None) -> Series:
    """A point for each row that has both numbers; what is left out is said."""
    (y_column,) = chart.y
    write_x = make_writer(rows.values(chart.x), chart.x_format, currency)
    write_y = make_writer(rows.values(y_column), chart.format, currency)
    x_label, y_label = (
        clean_text(chart.labels.get(column, label_of(column))) for column in (chart.x, y_column)
    )
    nothing = [None] * len(rows.rows)
    found = []
    for x, y, name, color, size in zip(
        rows.values(chart.x),
        rows.values(y_column),
        rows.values(chart.name) if chart.name else nothing,
        rows.values(chart.color) if chart.color else nothing,
        rows.values(chart.size) if chart.size else nothing,
        strict=True,
    ):
        place, height = as_drawn(x), as_drawn(y)
        if place is None or height is None:
            continue
        called = name_of(name) if chart.name else ""
        words = f"{called}: " if called else ""
        text = f"{words}{x_label} {write_x.write(x)}, {y_label} {write_y.write(y)}"
        series = name_of(color) if chart.color else ""
        found.append(Point(place, height, series, text, name=called, size=as_drawn(size)))
    points, told = _cut(found, len(rows.rows) - len(found), x_label, y_label)
    names = list(dict.fromkeys(point.series for point in points))
    return Series("number", points, names, write_y, left_out=told, x_writer=write_x)


def _cut(points: list[Point], without: int, x_label: str, y_label: str) -> tuple[list[Point], str]:
    told = []
    if without:
        told.append(
            f"{without:,} without {x_label} or {y_label} {'is' if without == 1 else 'are'} not drawn."
        )
    names = list(dict.fromkeys(point.series for point in points))
    if len(names) > MOST_SERIES:
        counts = {name: sum(1 for point in points if point.series == name) for name in names}
        kept = sorted(names, key=lambda name: -counts[name])[:MOST_SERIES]
        points = [point for point in points if point.series in kept]
        told.append(f"The {MOST_SERIES} largest of {len(names):,} series are drawn.")
    if len(points) > MOST_PLACES:
        told.append(f"The first {MOST_PLACES} of {len(points):,} points are drawn.")
    return points[:MOST_PLACES], " ".join(told)
