"""Pictures of lineage as SVG: wide ones from left to right, and narrow ones from top to bottom for a phone.

Colours are the style sheet's, by class. `_tag` escapes every value and `_text` every text of a user's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

from markupsafe import Markup

from pipeline_cli.lineage.graph import Relation
from pipeline_cli.site.diagrams import Box, Diagram, Link
from pipeline_cli.site.layout import HEAD, LINE, PAD, ROW, TITLE, TOP, Placed, Plan, lay_out
from pipeline_cli.site.letters import fit, width_of

Href = Callable[[Relation, str | None], str]

CAPTION = 11.0  # the letters' size
SMALLEST = 0.85  # how far a wide picture shrinks before it is scrolled
NARROW, RAIL, STEP, LANE = 330, 26, 34, 9  # of the narrow picture


def draw_wide(diagram: Diagram, label: str, href: Href) -> Markup:
    """Boxes in columns, curves between them; as wide as its texts need, or as the page where that is wider."""
    plan = lay_out(diagram)
    parts = [
        *_captions(plan),
        *(_curve(plan, line) for line in diagram.lines),
        *(_box(one, href) for one in plan.boxes.values()),
    ]
    return _svg("wide", label, (plan.width, plan.height), parts)


def draw_narrow(diagram: Diagram, label: str, href: Href) -> Markup:
    """One table below the other, and lines at the left that lead down from what is read to what reads it."""
    places = {box.relation.id: TOP + place * STEP for place, box in enumerate(diagram.boxes)}
    rails = _rails(diagram)
    left = RAIL + LANE * (1 + max((lane for *_, lane in rails), default=0))
    parts = [
        _rail(one, other, left - 12 - LANE * (lane + 1), (left - 9, places[one], places[other]))
        for one, other, lane in rails
    ]
    parts += [_stop(box, left, places[box.relation.id], href) for box in diagram.boxes]
    return _svg("narrow", label, (NARROW, TOP + len(diagram.boxes) * STEP - STEP / 2 + 4), parts)


# -- the wide picture --------------------------------------------------------------------------------------------


def _captions(plan: Plan) -> list[str]:
    """Each layer's name above the first of its columns."""
    found: dict[str, float] = {}
    for one in plan.boxes.values():
        found.setdefault(one.box.layer, one.x)
    return [_text(layer, "layer", x, 12) for layer, x in found.items()]


def _curve(plan: Plan, line: Link) -> str:
    """From box to box, through the gaps that were left for it between those on the way."""
    points = plan.stations(line)
    path = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for place, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        if place % 2:  # straight past the boxes of a column
            path.append(f"H{_number(x2)}")
        else:
            bend = max((x2 - x1) / 2, 18)
            path.append("C" + " ".join(_number(each) for each in (x1 + bend, y1, x2 - bend, y2, x2, y2)))
    return _edge(_key(*line[0]), _key(*line[1]), "".join(path))


def _box(one: Placed, href: Href) -> str:
    box, relation = one.box, one.box.relation
    room = one.width - 2 * PAD
    name = fit(relation.name, TITLE, room, bold=True)
    parts = [
        _tag("rect", x=one.x, y=one.y, width=one.width, height=one.height, rx=7),
        _link(href(relation, None), _title(relation), _text(name, "name", one.x + PAD, one.y + 20)),
    ]
    for place, row in enumerate(box.rows):
        top = one.y + HEAD + place * LINE - 2
        inside = [
            _tag("rect", x=one.x + 4, y=top, width=one.width - 8, height=LINE, rx=4),
            _text(fit(row, ROW, room), "", one.x + PAD, top + 14),
        ]
        group = _tag("g", "".join(inside), kind="row", data_row=_key(relation.id, row))
        parts.append(_link(href(relation, row), f"{_title(relation)}: {row}", group))
    return _node(box, "".join(parts))


# -- the narrow picture ------------------------------------------------------------------------------------------


def _rail(one: str, other: str, x: float, ends: tuple[float, float, float]) -> str:
    """Out of one stop, down a lane at `x`, and into another. ends: where stops begin, and the two heights."""
    stop, begin, end = ends
    path = f"M{stop} {begin}H{x + 6}Q{x} {begin} {x} {begin + 6}V{end - 6}Q{x} {end} {x + 6} {end}H{stop}"
    return _edge(one, other, path)


def _stop(box: Box, left: float, y: float, href: Href) -> str:
    room = NARROW - left - 8 - width_of(box.layer, CAPTION) - 10
    name = fit(box.relation.name, TITLE, room, bold=True)
    inside = [
        _tag("rect", kind="hit", x=0, y=y - STEP / 2, width=NARROW, height=STEP),
        _tag("circle", cx=left - 4, cy=y, r=5),
        _text(name, "name", left + 8, y + 4.5),
        _text(box.layer, "layer", NARROW, y + 4, text_anchor="end"),
    ]
    return _node(box, _link(href(box.relation, None), _title(box.relation), "".join(inside)))


def _rails(diagram: Diagram) -> list[tuple[str, str, int]]:
    """(read, reads, lane): the shortest lines next to the names, none over another."""
    order = {box.relation.id: place for place, box in enumerate(diagram.boxes)}
    spans = sorted(
        {(begin[0], end[0]) for begin, end in diagram.lines if begin[0] != end[0]},
        key=lambda pair: (abs(order[pair[1]] - order[pair[0]]), order[pair[0]]),
    )
    taken: list[list[tuple[int, int, str]]] = []
    found = []
    for one, other in spans:
        low, high = sorted((order[one], order[other]))
        lane = 0
        # Lines that begin at one table may share a lane: they are one trunk.
        while lane < len(taken) and any(
            low < end and begin < high and trunk != one for begin, end, trunk in taken[lane]
        ):
            lane += 1
        if lane == len(taken):
            taken.append([])
        taken[lane].append((low, high, one))
        found.append((one, other, lane))
    return found


# -- pieces ------------------------------------------------------------------------------------------------------


def _svg(kind: str, label: str, size: tuple[float, float], parts: Sequence[str]) -> Markup:
    width, height = size
    style = f"max-width:{width:.0f}px" + (f";min-width:{width * SMALLEST:.0f}px" if kind == "wide" else "")
    box = f"0 0 {_number(width)} {_number(height)}"
    shown: dict[str, str | float] = {"role": "img", "aria_label": label, "viewBox": box}
    shown |= {"width": width, "style": style}
    svg = _tag("svg", "".join(parts), kind=f"lineage {kind}", **shown)
    return Markup(svg)  # noqa: S704 - made of escaped texts


def _node(box: Box, inside: str) -> str:
    kind = f"node {box.relation.kind}{' subject' if box.is_subject else ''}"
    return _tag("g", inside, kind=kind, data_node=box.relation.id)


def _edge(one: str, other: str, path: str) -> str:
    return _tag("path", kind="edge", data_from=one, data_to=other, d=path)


def _link(href: str, title: str, inside: str) -> str:
    """For the mouse and the finger; the keyboard and a screen reader have the same links in the lists below."""
    return _tag("a", f"<title>{escape(title)}</title>{inside}", href=href, tabindex="-1")


def _text(text: str, kind: str, x: float, y: float, **more: str) -> str:
    return _tag("text", escape(text), kind=kind, x=x, y=y, **more)


def _tag(name: str, inside: str = "", **attributes: str | float) -> str:
    """An element. `kind` is its class; inside: markup."""
    given = "".join(
        f' {"class" if key == "kind" else key.replace("_", "-")}="'
        f'{escape(value) if isinstance(value, str) else _number(value)}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"


def _title(relation: Relation) -> str:
    return f"{relation.schema}.{relation.name}" if relation.schema else f"report {relation.name}"


def _key(relation: str, row: str | None) -> str:
    return relation if row is None else f"{relation}\t{row}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
