"""The parts of a whole as a ring, each with its share beside it, and a list of them."""

from __future__ import annotations

from pipeline_cli.reports.charts.layers import LEGEND_LETTERS, Spec, color_of
from pipeline_cli.reports.charts.letters import text_width
from pipeline_cli.reports.charts.palette import CARD, INK, QUIET
from pipeline_cli.reports.charts.parts import write_share
from pipeline_cli.reports.charts.points import Point, Series

RADIUS, HOLE = 88, 0.62  # pixels, and a share of them
SHARE_ROOM = 38  # pixels around the ring, for the shares
SMALLEST_TOLD = 0.03  # of the whole: thinner slices have their share in the list alone
GAP = 24  # between the ring and the list
LONGEST_NAME = 26
ROW = 20  # pixels of a line of the list


def draw_parts(series: Series, width: int) -> list[Spec]:
    """The ring, the shares around it, the sum in its middle and the list on its right (below it on a phone)."""
    total = sum(point.y or 0.0 for point in series.points)
    rows: list[Spec] = [
        {"s": _entry(p), "y": p.y, "t": p.text, "o": place, "p": write_share(p.y or 0.0, total)}
        for place, p in enumerate(series.points)
    ]
    told: list[Spec] = [
        {**row, "p": row["p"] if (row["y"] or 0.0) >= SMALLEST_TOLD * total else ""} for row in rows
    ]
    middle = RADIUS + SHARE_ROOM
    left = _left(series, width)
    theta = {"field": "y", "type": "quantitative", "stack": True, "scale": {"type": "linear"}}
    shared: Spec = {"theta": theta, "order": {"field": "o", "type": "quantitative"}}
    center = {"x": left + middle, "y": middle}
    ring = {
        "type": "arc",
        "innerRadius": RADIUS * HOLE,
        "outerRadius": RADIUS,
        "stroke": CARD,
        "strokeWidth": 1.5,
    }
    share = {"type": "text", "radius": RADIUS + 18, "fontSize": 11, "fill": QUIET}
    sum_ = series.writer.write(total)
    size = min(17.0, 17 * 2 * RADIUS * HOLE * 0.88 / text_width(sum_, 17, bold=True))
    words = {"type": "text", "fontSize": size, "fontWeight": "bold", "fill": INK, "baseline": "middle"}
    color = color_of([_entry(point) for point in series.points], _list(series, left, width))
    return [
        {
            "data": {"values": rows},
            "mark": {**ring, **center},
            "encoding": {**shared, "color": color, "description": {"field": "t", "type": "nominal"}},
        },
        {
            "data": {"values": told},
            "mark": {**share, **center},
            "encoding": {**shared, "text": {"field": "p", "type": "nominal"}},
        },
        {
            "data": {"values": [{"v": sum_}]},
            "mark": {**words, **center},
            "encoding": {"text": {"field": "v", "type": "nominal"}},
        },
    ]


def donut_height(series: Series, width: int) -> int:
    """Pixels that the ring takes, with the list below it where it does not fit beside."""
    ring = 2 * (RADIUS + SHARE_ROOM)
    return ring if _is_beside(series, width) else ring + 12 + ROW * len(series.points)


def _list(series: Series, left: float, width: int) -> Spec:
    """The legend: every part with its value and share."""
    ring = 2 * (RADIUS + SHARE_ROOM)
    place = (
        {"legendX": left + ring + GAP, "legendY": max(0, (ring - ROW * len(series.points)) / 2)}
        if _is_beside(series, width)
        else {"legendX": max(0, (width - _list_width(series)) / 2), "legendY": ring + 8}
    )
    return {
        "title": None,
        "orient": "none",
        "symbolType": "square",
        "symbolSize": 110,
        "labelLimit": 400,
        "rowPadding": 5,
        **place,
    }


def _entry(point: Point) -> str:
    """A line of the list: 'Books   1,234 (12.3%)'."""
    name = point.series if len(point.series) <= LONGEST_NAME else f"{point.series[: LONGEST_NAME - 1]}…"
    return f"{name}   {point.text.removeprefix(f'{point.series}: ')}"


def _list_width(series: Series) -> float:
    return 30 + max(text_width(_entry(point), LEGEND_LETTERS) for point in series.points)


def _is_beside(series: Series, width: int) -> bool:
    return 2 * (RADIUS + SHARE_ROOM) + GAP + _list_width(series) <= width


def _left(series: Series, width: int) -> float:
    """Where the drawing begins, so that it stands in the middle."""
    ring = 2 * (RADIUS + SHARE_ROOM)
    taken = ring + GAP + _list_width(series) if _is_beside(series, width) else ring
    return max(0.0, (width - taken) / 2)
