"""Pictures of lineage as SVG: wide ones from left to right, and narrow ones from top to bottom for a phone.

Colours are the style sheet's, by class. Every text is escaped here; nothing else of a user's gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    parts = [_captions(plan)]
    parts += [_curve(plan, line) for line in diagram.lines]
    parts += [_box(one, href) for one in plan.boxes.values()]
    return _svg("wide", label, plan.width, plan.height, parts)


def draw_narrow(diagram: Diagram, label: str, href: Href) -> Markup:
    """One table below the other, and lines at the left that lead down from what is read to what reads it."""
    places = {box.relation.id: TOP + place * STEP for place, box in enumerate(diagram.boxes)}
    rails = _rails(diagram)
    left = RAIL + LANE * (1 + max((lane for *_, lane in rails), default=0))
    parts: list[Markup] = []
    for one, other, lane in rails:
        x, begin, end = left - 12 - LANE * (lane + 1), places[one], places[other]
        parts.append(
            Markup(
                '<path class="edge" data-from="{}" data-to="{}" d="M{} {}H{}Q{} {} {} {}V{}Q{} {} {} {}H{}"/>'
            ).format(
                one,
                other,
                left - 9,
                begin,
                x + 6,
                x,
                begin,
                x,
                begin + 6,
                end - 6,
                x,
                end,
                x + 6,
                end,
                left - 9,
            )
        )
    for box in diagram.boxes:
        parts.append(_stop(box, left, places[box.relation.id], href))
    return _svg("narrow", label, NARROW, TOP + len(diagram.boxes) * STEP - STEP / 2 + 4, parts)


def _captions(plan: Plan) -> Markup:
    """Each layer's name above the first of its columns."""
    found: dict[str, float] = {}
    for one in plan.boxes.values():
        found.setdefault(one.box.layer, one.x)
    parts = [
        Markup('<text class="layer" x="{}" y="12">{}</text>').format(_number(x), layer)
        for layer, x in found.items()
    ]
    return Markup("").join(parts)


def _curve(plan: Plan, line: Link) -> Markup:
    """From box to box, through the gaps that were left for it between those on the way."""
    begin, end = line
    points = plan.stations(line)
    path = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for place, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        if place % 2:  # straight past the boxes of a column
            path.append(f"H{_number(x2)}")
        else:
            bend = max((x2 - x1) / 2, 18)
            path.append("C" + " ".join(_number(each) for each in (x1 + bend, y1, x2 - bend, y2, x2, y2)))
    return Markup('<path class="edge" data-from="{}" data-to="{}" d="{}"/>').format(
        _key(*begin), _key(*end), "".join(path)
    )


def _box(one: Placed, href: Href) -> Markup:
    box, relation = one.box, one.box.relation
    room = one.width - 2 * PAD
    kind = f"node {relation.kind}{' subject' if box.is_subject else ''}"
    parts = [
        Markup('<g class="{}" data-node="{}">').format(kind, _key(relation.id, None)),
        Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="7"/>').format(
            *(_number(value) for value in (one.x, one.y, one.width, one.height))
        ),
        _link(
            href(relation, None),
            _title(relation),
            Markup('<text class="name" x="{}" y="{}">{}</text>').format(
                _number(one.x + PAD), _number(one.y + 20), fit(relation.name, TITLE, room, bold=True)
            ),
        ),
    ]
    for place, row in enumerate(box.rows):
        top = one.y + HEAD + place * LINE - 2
        parts.append(
            _link(
                href(relation, row),
                f"{_title(relation)}: {row}",
                Markup(
                    '<g class="row" data-row="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="4"/>'
                    '<text x="{}" y="{}">{}</text></g>'
                ).format(
                    _key(relation.id, row),
                    *(_number(value) for value in (one.x + 4, top, one.width - 8, LINE)),
                    _number(one.x + PAD),
                    _number(top + 14),
                    fit(row, ROW, room),
                ),
            )
        )
    return Markup("").join([*parts, Markup("</g>")])


def _stop(box: Box, left: float, y: float, href: Href) -> Markup:
    relation = box.relation
    layer = box.layer
    room = NARROW - left - 8 - width_of(layer, CAPTION) - 10
    kind = f"node {relation.kind}{' subject' if box.is_subject else ''}"
    return (
        Markup('<g class="{}" data-node="{}">').format(kind, relation.id)
        + _link(
            href(relation, None),
            _title(relation),
            Markup(
                '<rect class="hit" x="0" y="{}" width="{}" height="{}"/><circle cx="{}" cy="{}" r="5"/>'
                '<text class="name" x="{}" y="{}">{}</text>'
                '<text class="layer" x="{}" y="{}" text-anchor="end">{}</text>'
            ).format(
                *(_number(value) for value in (y - STEP / 2, NARROW, STEP, left - 4, y, left + 8, y + 4.5)),
                fit(relation.name, TITLE, room, bold=True),
                NARROW,
                _number(y + 4),
                layer,
            ),
        )
        + Markup("</g>")
    )


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


def _svg(kind: str, label: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    size = f"max-width:{width:.0f}px" + (f";min-width:{width * SMALLEST:.0f}px" if kind == "wide" else "")
    return Markup(
        '<svg class="lineage {}" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" style="{}">{}</svg>'
    ).format(kind, label, _number(width), _number(height), _number(width), size, Markup("").join(parts))


def _link(href: str, title: str, inside: Markup) -> Markup:
    """For the mouse and the finger; the keyboard and a screen reader have the same links in the lists below."""
    return Markup('<a href="{}" tabindex="-1"><title>{}</title>{}</a>').format(href, title, inside)


def _title(relation: Relation) -> str:
    return f"{relation.schema}.{relation.name}" if relation.schema else f"report {relation.name}"


def _key(relation: str, row: str | None) -> str:
    return relation if row is None else f"{relation}\t{row}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
