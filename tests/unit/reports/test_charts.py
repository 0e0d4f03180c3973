"""Charts: what is drawn of which rows, and that a drawing holds nothing but itself."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.manifest.charts import AreaChart, BarChart, Chart, LineChart
from pipeline_cli.reports.charts.along import MOST_CATEGORIES, MOST_SERIES
from pipeline_cli.reports.charts.drawing import Canvas, draw_chart
from pipeline_cli.reports.charts.letters import text_width
from pipeline_cli.reports.charts.palette import DARK, PALETTE
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.charts.series import make_series
from pipeline_cli.reports.charts.spec import draw_spec
from pipeline_cli.reports.results import Rows

MADE_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAYS = [(date(2026, 11, day), Decimal(100 + day)) for day in (18, 19, 20, 21)]
EVIL = '<script>alert("x")</script> {{ 7*7 }} id="clip0" url(#clip0)'


def series_of(chart: Chart, rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...] = ("x", "y")) -> Series:
    return make_series(chart, Rows(columns, rows), MADE_AT, None, None)


def drawn(
    chart: Chart, rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...] = ("x", "y"), width: int = 500
) -> str:
    return draw_chart(chart, series_of(chart, rows, columns), Canvas(width, "w0-", "A chart"))


def layer_values(chart: Chart, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, list[str]]]:
    """Each layer's dashes and the days in it."""
    spec = draw_spec(chart, series_of(chart, rows), 500)
    return [
        (layer["mark"].get("strokeDash"), [value["x"][:10] for value in layer["data"]["values"]])
        for layer in spec["layer"]
        if layer["mark"]["type"] in ("line", "bar")
    ]


def test_a_line_to_a_day_that_is_not_over_is_dashed() -> None:
    found = layer_values(LineChart(type="line", x="x", y=("y",)), DAYS)
    assert found[0] == (None, ["2026-11-18", "2026-11-19", "2026-11-20"])
    assert found[1][0] is not None
    assert found[1][1] == ["2026-11-20", "2026-11-21"]


def test_a_bar_of_a_day_that_is_not_over_is_pale_and_dashed() -> None:
    found = layer_values(BarChart(type="bar", x="x", y=("y",)), DAYS)
    assert found[0] == (None, ["2026-11-18", "2026-11-19", "2026-11-20"])
    assert found[1][0] is not None
    assert found[1][1] == ["2026-11-21"]


def test_a_chart_of_days_that_are_all_over_has_no_dashes() -> None:
    assert all(
        dashes is None for dashes, _ in layer_values(LineChart(type="line", x="x", y=("y",)), DAYS[:3])
    )


def test_columns_go_by_names_of_ours_whatever_they_are_called() -> None:
    chart = LineChart(type="line", x="a.b[0]", y=("it's",), color="<c>")
    rows = [(date(2026, 1, day), day, name) for day in (1, 2) for name in ("one", "two")]
    series = series_of(chart, rows, ("a.b[0]", "it's", "<c>"))
    text = json.dumps(draw_spec(chart, series, 500))
    assert "a.b[0]" not in text
    assert "it's" not in text
    svg = drawn(chart, rows, ("a.b[0]", "it's", "<c>"))
    assert all(f'stroke="{color}"' in svg for color in PALETTE[:2])


@pytest.mark.parametrize(
    "chart", [BarChart(type="bar", x="x", y=("y",)), LineChart(type="line", x="x", y=("y",))]
)
def test_labels_from_data_are_text_and_a_drawing_names_no_other_place(chart: Chart) -> None:
    svg = drawn(chart, [(EVIL, 1), ("plain", 2)])
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert 'id="clip0"' not in re.sub(r">[^<]*<", "><", svg)
    assert "http" not in svg
    assert "xmlns" not in svg
    ET.fromstring(svg)


def test_two_drawings_of_a_page_share_no_id() -> None:
    chart = BarChart(
        type="bar", x="x", y=("y",)
    )  # Vega clips rounded corners by ids, the same in every drawing
    found = []
    for prefix in ("w0-", "n0-"):
        svg = draw_chart(chart, series_of(chart, [("a", 1), ("b", 2)]), Canvas(300, prefix, "x"))
        found.append(set(re.findall(r' id="([^"]+)"', svg)))
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) == found[-1]
    assert not found[0] & found[1]


def test_every_mark_tells_its_value_to_the_mouse() -> None:
    svg = drawn(BarChart(type="bar", x="x", y=("y",), format="money"), [("Books", 1234.5), ("Food", None)])
    assert re.findall(r"<title>([^<]*)</title>", svg)[0] == "Books: 1,234.50"
    assert re.findall(r">([^<>]+)</text>", svg) == ["Books", "Food", "1,234.50", "–"]


@pytest.mark.parametrize("kind", [LineChart, AreaChart, BarChart])
def test_a_drawing_without_a_mouse_looks_the_same_and_weighs_less(kind: Any) -> None:
    chart = kind(type=kind.__name__.removesuffix("Chart").lower(), x="x", y=("y",))
    series = series_of(chart, [(date(2026, 10, day), day) for day in range(1, 31)])
    with_words, without = (
        draw_chart(chart, series, Canvas(500, "w0-", "x", hover=hover)) for hover in (True, False)
    )
    assert with_words.count("<title>") == 30
    assert "<title>" not in without
    assert len(without) < len(with_words)
    assert re.findall(r">([^<>]+)</text>", without) == re.findall(r">([^<>]+)</text>", with_words)


@pytest.mark.parametrize("kind", [LineChart, AreaChart, BarChart])
@pytest.mark.parametrize(
    "rows",
    [
        [(date(2026, 11, 1), 5)],
        [(date(2026, 11, 1), None), (date(2026, 11, 2), 3)],
        [(0.5, 1), (1.5, 2)],
        [("a", -5), ("b", 5)],
        [(datetime(2026, 11, 1, hour), hour) for hour in range(24)],
        [(date(2020, 1, 1), 1), (date(2026, 1, 1), 2)],
        [(date(1, 1, 1), 1), (date(9999, 12, 31), 2)],
        [(1, float("nan")), (float("inf"), 1), (2, 1e308), (3, Decimal("NaN")), (4, 4)],
        [("", 1), (None, 2), ("\x00\ud800\u202e", 3)],
    ],
)
def test_every_kind_of_chart_draws_every_kind_of_axis(kind: Any, rows: list[tuple[Any, ...]]) -> None:
    svg = drawn(kind(type=kind.__name__.removesuffix("Chart").lower(), x="x", y=("y",)), rows)
    assert svg.count("<path") >= 1


def test_colours_of_a_drawing_have_a_dark_counterpart() -> None:
    svg = drawn(AreaChart(type="area", x="x", y=("y",)), DAYS)
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', svg))
    assert used
    assert used <= set(DARK)


def test_what_has_no_colour_or_room_is_left_out_and_that_is_said() -> None:
    many = [(number, number * name, f"s{name}") for number in range(3) for name in range(1, 13)]
    series = series_of(LineChart(type="line", x="x", y=("y",), color="s"), many, ("x", "y", "s"))
    assert len(series.names) == MOST_SERIES
    assert set(series.names) == {f"s{name}" for name in range(5, 13)}
    assert series.left_out == "The 8 largest of 12 series are drawn."
    bars = series_of(BarChart(type="bar", x="x", y=("y",)), [(f"c{number}", 1) for number in range(100)])
    assert len(bars.points) == MOST_CATEGORIES
    assert bars.left_out == "The first 40 of 100 are drawn."


@pytest.mark.parametrize("value", ["31498.55", "10000.01", "9999.99", "123456789.10"])
def test_the_value_of_the_longest_lying_bar_ends_within_the_drawing(value: str) -> None:
    rows = [("Kilcoole", Decimal(value)), ("San Antonio", Decimal("5.25"))]
    svg = ET.fromstring(drawn(BarChart(type="bar", x="x", y=("y",)), rows, width=376))
    plot = next(g for g in svg if g.get("transform"))
    words = f"{Decimal(value):,.2f}"
    text = next(one for one in svg.iter("text") if one.text == words)
    x = sum(float(one.get("transform", "").split("(")[1].split(",")[0]) for one in (plot, text))
    assert x + text_width(words, 11) <= 376 - 4


@pytest.mark.parametrize(("largest", "label"), [(25_000, "20K"), (3_000_000, "3M"), (4_000_000_000, "4B")])
def test_large_numbers_of_an_axis_are_written_as_the_page_has_them(largest: int, label: str) -> None:
    assert f">{label}</text>" in drawn(LineChart(type="line", x="x", y=("y",)), [(1, 0), (2, largest)])
