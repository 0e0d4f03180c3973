"""Each kind of chart: what it draws, how it marks what is not over, and how it is told without being seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from pipeline_cli.manifest.charts import (
    AreaChart,
    BarChart,
    Chart,
    CombinedChart,
    DonutChart,
    LineChart,
    ScatterChart,
    StackedBarChart,
)
from pipeline_cli.reports.charts.axes import common_scales
from pipeline_cli.reports.charts.drawing import Canvas, draw_chart
from pipeline_cli.reports.charts.palette import CARD, PALETTE, SHAPES, pattern_id
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.charts.scatter import Spot, place_names
from pipeline_cli.reports.charts.series import axis_title, make_series
from pipeline_cli.reports.charts.spec import draw_spec
from pipeline_cli.reports.charts.words import describe_chart
from pipeline_cli.reports.results import Rows

MADE_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
MONTHS = [(date(2026, month, 1), 100 + month, 10 * month, 5) for month in (8, 9, 10, 11)]
COLUMNS = ("month", "revenue", "spend", "orders")
EVIL = '</svg><script>alert("x")</script> \x00\u202e'
Y = ("revenue", "spend")
OVER_TIME: list[Chart] = [
    LineChart(type="line", x="month", y=("revenue",), period="month"),
    LineChart(type="line", x="month", y=Y, period="month"),
    AreaChart(type="area", x="month", y=("revenue",), period="month"),
    AreaChart(type="area", x="month", y=Y, period="month"),
    BarChart(type="bar", x="month", y=("revenue",), period="month"),
    BarChart(type="bar", x="month", y=Y, period="month"),
    StackedBarChart(type="stacked_bar", x="month", y=Y, period="month"),
    CombinedChart(type="combined", x="month", y=("revenue",), line="orders", period="month"),
    CombinedChart(type="combined", x="month", y=Y, line="orders", period="month"),
]


def series_of(chart: Chart, rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...] = COLUMNS) -> Series:
    return make_series(chart, Rows(columns, rows), MADE_AT, None, "$")


def drawn(
    chart: Chart, rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...] = COLUMNS, **canvas: Any
) -> str:
    return draw_chart(chart, series_of(chart, rows, columns), Canvas(500, "w0-", "A chart", **canvas))


def leaves(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for layer in spec["layer"] for leaf in (leaves(layer) if "layer" in layer else [layer])]


def marks_of(chart: Chart, month: str, rows: Sequence[tuple[Any, ...]] = MONTHS) -> list[dict[str, Any]]:
    """The marks of the layers that draw this month."""
    spec = draw_spec(chart, series_of(chart, rows), 500)
    return [
        layer["mark"]
        for layer in leaves(spec)
        if any(str(row["x"]).startswith(month) for row in layer["data"]["values"])
    ]


def is_marked(mark: dict[str, Any]) -> bool:
    """Whether it is dashed, pale or hollow."""
    hollow = mark["type"] == "point" and (mark.get("fill") == CARD or mark.get("filled") is False)
    return "strokeDash" in mark or hollow or mark.get("opacity", 1) < 0.5


def kind_of(chart: Chart) -> str:
    return f"{chart.type}-{len(chart.y)}"


@pytest.mark.parametrize("chart", OVER_TIME, ids=kind_of)
def test_every_kind_marks_the_month_that_is_not_over_and_only_that(chart: Chart) -> None:
    late, done = marks_of(chart, "2026-11"), marks_of(chart, "2026-09")
    assert late
    assert [mark for mark in late if not is_marked(mark)] == []
    assert any(not is_marked(mark) for mark in done)
    assert [mark for mark in marks_of(chart, "2026-10", MONTHS[:3]) if "strokeDash" in mark] == []
    assert "(not over yet)" in drawn(chart, MONTHS) or chart.type == "area"


@pytest.mark.parametrize("chart", OVER_TIME, ids=kind_of)
def test_every_kind_is_described_from_when_to_when(chart: Chart) -> None:
    words = describe_chart(chart, series_of(chart, MONTHS))
    assert "of 4 months, Aug 2026 to Nov 2026" in words
    assert "between" in words
    if len(chart.y) > 1 and chart.type != "combined":
        assert words.endswith("in 2 series: Revenue, Spend.")


@pytest.mark.parametrize(
    ("kind", "patterned"), [(BarChart, True), (StackedBarChart, True), (AreaChart, True), (LineChart, False)]
)
def test_series_differ_by_pattern_or_shape_too(kind: Any, patterned: bool) -> None:
    name = {StackedBarChart: "stacked_bar"}.get(kind, kind.__name__.removesuffix("Chart").lower())
    chart = kind(type=name, x="month", y=Y)
    svg = drawn(chart, MONTHS)
    assert (f'fill="url(#{pattern_id(1)})"' in svg) is patterned
    if not patterned:
        ranges = [
            leaf["encoding"]["shape"]["scale"]["range"]
            for leaf in leaves(draw_spec(chart, series_of(chart, MONTHS), 500))
            if "shape" in leaf["encoding"]
        ]
        assert ranges
        assert all(found == list(SHAPES[:2]) for found in ranges)
    over = drawn(chart, MONTHS, overlay=True)
    assert over.count(f'fill="{PALETTE[1]}"') >= svg.count(f'fill="url(#{pattern_id(1)})"')


def test_bars_of_several_series_stand_side_by_side_and_stacked_ones_upon_one_another() -> None:
    bars = leaves(draw_spec(OVER_TIME[5], series_of(OVER_TIME[5], MONTHS), 500))[0]["encoding"]
    assert "xOffset" in bars
    assert bars["y"]["stack"] is None
    stacked = leaves(draw_spec(OVER_TIME[6], series_of(OVER_TIME[6], MONTHS), 500))[0]["encoding"]
    assert "xOffset" not in stacked
    assert "stack" not in stacked["y"]


def test_lying_stacked_bars_end_with_their_sum() -> None:
    chart = StackedBarChart(type="stacked_bar", x="c", y=("a", "b"), format="money")
    svg = drawn(chart, [("one", 10, 5), ("two", 1, None)], ("c", "a", "b"))
    assert re.findall(r">(\$[^<>]+)</text>", svg) == ["$15.00", "$1.00"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([0, 58000], [12, 297]),
        ([1, 2, 3], [0.012, 0.031]),
        ([-50, 100], [3, 8]),
        ([0], [0]),
        ([], [5]),
        ([7], [-3]),
    ],
)
def test_two_axes_share_one_grid_and_reach_over_their_numbers(left: list[float], right: list[float]) -> None:
    scales = common_scales(left, right)
    ticks = [scale["values"] for scale in scales]
    assert len(ticks[0]) == len(ticks[1])
    assert [place.index(0) for place in ticks] == [ticks[0].index(0)] * 2
    for numbers, places in zip((left, right), ticks, strict=True):
        assert min(places) <= min([0, *numbers])
        assert max(places) >= max([0, *numbers]) - 1e-9
        steps = {round(b - a, 9) for a, b in pairwise(places)}
        assert len(steps) == 1


def test_nothing_connects_categories_in_a_combined_chart() -> None:
    chart = CombinedChart(type="combined", x="c", y=("a",), line="b")
    spec = draw_spec(chart, series_of(chart, [("one", 1, 2), ("two", 2, 1)], ("c", "a", "b")), 500)
    assert [leaf["mark"]["type"] for leaf in leaves(spec)] == ["bar", "point"]


def test_a_donut_shows_the_largest_parts_and_the_others_as_one_with_their_shares() -> None:
    rows = [(f"c{n}", n * 10) for n in range(1, 11)]
    series = series_of(DonutChart(type="donut", x="c", y=("v",)), rows, ("c", "v"))
    assert list(series.names) == ["c10", "c9", "c8", "c7", "c6", "c5", "Other (4)"]
    assert sum(point.y or 0 for point in series.points) == 550
    svg = drawn(DonutChart(type="donut", x="c", y=("v",)), rows, ("c", "v"))
    assert {"18.2%", "550", "Other (4)   100 (18.2%)"} <= set(re.findall(r">([^<>]+)</text>", svg))
    few = series_of(DonutChart(type="donut", x="c", y=("v",), limit=2), rows, ("c", "v"))
    assert list(few.names) == ["c10", "c9", "Other (8)"]
    assert len(series_of(DonutChart(type="donut", x="c", y=("v",), limit=50), rows, ("c", "v")).names) == len(
        PALETTE
    )


def test_parts_without_a_slice_are_told_and_equal_names_are_one_part() -> None:
    rows = [("a", 2), ("a", 3), ("b", -1), ("c", None), (None, 1)]
    series = series_of(DonutChart(type="donut", x="c", y=("v",)), rows, ("c", "v"))
    assert [(point.series, point.y) for point in series.points] == [("a", 5), ("–", 1)]
    assert series.left_out == "b, c have no slice: nothing above zero."
    assert series_of(DonutChart(type="donut", x="c", y=("v",)), [("a", 0)], ("c", "v")).is_empty


def test_a_scatter_chart_says_what_each_point_is_and_what_is_left_out() -> None:
    chart = ScatterChart(type="scatter", x="cpc", y=("ctr",), name="n", format="percent", x_format="money")
    rows = [("A", 0.5, 0.02), ("B", 1.5, 0.04), ("C", None, 0.01), ("D", 1, None)]
    series = series_of(chart, rows, ("n", "cpc", "ctr"))
    assert [point.text for point in series.points] == ["A: Cpc $0.50, Ctr 2.00%", "B: Cpc $1.50, Ctr 4.00%"]
    assert series.left_out == "2 without Cpc or Ctr are not drawn."
    assert {"A", "B", "Cpc", "Ctr"} <= set(
        re.findall(r">([^<>]+)</text>", drawn(chart, rows, ("n", "cpc", "ctr")))
    )
    assert describe_chart(chart, series) == (
        "Scatter chart of 2 points: Ctr between 2.00% and 4.00%, cpc between $0.50 and $1.50."
    )


def test_names_of_points_cover_neither_points_nor_one_another() -> None:
    spots = [Spot(50.0 + 4 * n, 50.0 + 3 * n, 5.0, f"Campaign {n}") for n in range(10)]
    names = place_names(spots, 300, 200)
    assert 0 < len(names) < len(spots)
    assert names[0].text == "Campaign 0"
    assert all(0 <= name.x <= 300 and 0 <= name.y <= 200 for name in names)


@pytest.mark.parametrize(
    "chart",
    [
        ScatterChart(type="scatter", x="b", y=("c",), name="a", color="a"),
        DonutChart(type="donut", x="a", y=("b",)),
        StackedBarChart(type="stacked_bar", x="a", y=("b", "c")),
        CombinedChart(type="combined", x="a", y=("b",), line="c", labels={"b": EVIL, "c": EVIL}),
    ],
    ids=lambda chart: chart.type,
)
def test_names_from_data_and_labels_are_never_markup(chart: Chart) -> None:
    svg = drawn(chart, [(EVIL, 1, 2), ("it's", 3, 4)], ("a", "b", "c"))
    ET.fromstring(svg)
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


@pytest.mark.parametrize(
    ("chart", "title"),
    [
        (LineChart(type="line", x="day", y=("total_sales",)), "Total sales by day"),
        (LineChart(type="line", x="day", y=("total_sales",), period="month"), "Total sales by month"),
        (
            BarChart(type="bar", x="c", y=("spend", "CTR"), labels={"c": "Channel"}),
            "Spend and CTR by channel",
        ),
        (CombinedChart(type="combined", x="c", y=("a", "b"), line="orders"), "A, b and orders by c"),
        (ScatterChart(type="scatter", x="cost", y=("reach",), name="campaign"), "Reach by campaign"),
    ],
)
def test_a_chart_without_a_title_is_called_by_what_it_draws(chart: Chart, title: str) -> None:
    assert axis_title(chart) == title
