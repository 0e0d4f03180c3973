"""A query's rows as the parts of a whole."""

from __future__ import annotations

from pipeline_cli.manifest.charts import DonutChart
from pipeline_cli.reports.charts.palette import PALETTE
from pipeline_cli.reports.charts.points import Point, Series, as_drawn, name_of
from pipeline_cli.reports.results import Rows
from pipeline_cli.reports.values import Writer, make_writer

MOST_PARTS = 6  # more slices than these and one for the rest cannot be compared


def read_parts(chart: DonutChart, rows: Rows, currency: str | None) -> Series:
    """The parts, the largest first; what is beyond the chart's limit, or MOST_PARTS, is one part, the last.

    A part of zero or less has no slice, and that is said.
    """
    (column,) = chart.y
    writer = make_writer(rows.values(column), chart.format, currency)
    sizes: dict[str, float] = {}
    for name, value in zip(rows.values(chart.x), rows.values(column), strict=True):
        sizes[name_of(name)] = sizes.get(name_of(name), 0.0) + (as_drawn(value) or 0.0)
    parts = sorted(((n, size) for n, size in sizes.items() if size > 0), key=lambda part: -part[1])
    without = [name for name, size in sizes.items() if size <= 0]
    most = min(chart.limit or MOST_PARTS, len(PALETTE) - 1)
    rest = parts[most:]
    if len(rest) > 1:
        parts = [*parts[:most], (f"Other ({len(rest):,})", sum(size for _, size in rest))]
    total = sum(size for _, size in parts)
    points = [Point(name, size, name, describe_part(name, size, total, writer)) for name, size in parts]
    return Series("category", points, [name for name, _ in parts], writer, left_out=_tell(without))


def describe_part(name: str, size: float, total: float, writer: Writer) -> str:
    """'Books: 1,234 (12.3%)'."""
    return f"{name}: {writer.write(size)} ({write_share(size, total)})"


def write_share(size: float, total: float) -> str:
    """A share of the whole: '12.3%'."""
    return Writer("percent").write(size / total) if total else ""


def _tell(without: list[str]) -> str:
    if not without:
        return ""
    if len(without) > 3:
        return f"{len(without):,} parts of zero or less have no slice."
    verb = "has" if len(without) == 1 else "have"
    return f"{', '.join(without)} {verb} no slice: nothing above zero."
