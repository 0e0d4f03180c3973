"""Points to a specification that Vega-Lite draws; one of Vega itself for what Vega-Lite has no words for."""

from __future__ import annotations

from pipeline_cli.manifest.charts import Chart, ScatterChart
from pipeline_cli.reports.charts.bars import draw_lying, draw_standing, lying_height
from pipeline_cli.reports.charts.combined import draw_combined, legend_direction
from pipeline_cli.reports.charts.donut import donut_height, draw_parts
from pipeline_cli.reports.charts.layers import LEGEND_LETTERS, Spec, without_words
from pipeline_cli.reports.charts.lines import draw_lines
from pipeline_cli.reports.charts.palette import FONT, INK, LINE, PALETTE, QUIET
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.charts.scatter import draw_places

HEIGHT, PHONE_HEIGHT, PHONE = 260, 220, 400  # pixels; of drawings narrower than PHONE


def draw_spec(chart: Chart, series: Series, width: int, *, hover: bool = True) -> Spec:
    """The chart `width` pixels wide. The series has at least one point.

    hover: each mark tells its value to the mouse. On a phone there is none, and the page is half as heavy.
    """
    lying = is_lying(chart, series)
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": PHONE_HEIGHT if width < PHONE else HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {
            "left": 4,
            "right": 8 if lying or chart.type == "combined" else 18,
            "top": 6,
            "bottom": 4,
        },
        "background": None,
        "config": _config(series),
    }
    if chart.type == "donut":
        spec |= {
            "height": donut_height(series, width),
            "layer": draw_parts(series, width),
            "autosize": "none",
        }
        spec["padding"] = 0
    elif isinstance(chart, ScatterChart):
        spec["layer"] = draw_places(chart, series, width)
    elif chart.type == "combined":
        spec |= {"layer": draw_combined(chart, series, width)}
        direction = legend_direction(series, width)
        spec["config"]["legend"]["layout"] = {"top": {"direction": direction, "anchor": "start", "margin": 6}}
        spec["resolve"] = {"scale": {"y": "independent", "color": "independent"}}
    elif lying:
        spec |= {
            "layer": draw_lying(chart, series, width),
            "height": lying_height(series, chart.type == "stacked_bar"),
        }
    elif chart.type in ("bar", "stacked_bar"):
        spec["layer"] = draw_standing(chart, series, width)
    else:
        spec["layer"] = draw_lines(chart, series, width)
    return spec if hover else without_words(spec)


def is_lying(chart: Chart, series: Series) -> bool:
    """Whether the bars of categories lie one below the other."""
    return chart.type in ("bar", "stacked_bar") and series.axis == "category"


def _config(series: Series) -> Spec:
    axis = {
        "labelColor": QUIET,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
    }
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "legend": {"labelColor": INK, "labelFontSize": LEGEND_LETTERS},
        "mark": {"color": PALETTE[0]},
        "line": {"strokeWidth": 2, "strokeJoin": "round", "strokeCap": "round"},
        "scale": {"bandPaddingInner": 0.25 if len(series.xs) < 60 else 0.1},
    }
