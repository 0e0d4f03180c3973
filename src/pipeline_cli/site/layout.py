"""Where the boxes and lines of a wide picture stand, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline_cli.site.diagrams import Box, Diagram, Link, Waypoint
from pipeline_cli.site.letters import width_of

TITLE, ROW = 12.5, 12.0  # letters' sizes
HEAD, LINE, FOOT = 30, 20, 6  # of a box: its title, each row, below the last
WIDEST_BOX, NARROWEST_BOX, PAD = 230, 84, 11
NARROWEST_GAP, WIDEST_GAP = 28, 96  # between columns
GAP_Y, TOP = 14, 26
SPREAD, THICKEST = 3.0, 10.0  # between lines that share a waypoint, and all of them together
PAGE = 1076  # pixels that a picture has on a wide screen
SWEEPS = 6  # an even number: the last goes from right to left

Point = tuple[float, float]


@dataclass(slots=True)
class Placed:
    """A box with its place."""

    box: Box
    x: float
    y: float
    width: float

    @property
    def height(self) -> float:
        return HEAD + (len(self.box.rows) * LINE + FOOT if self.box.rows else 0)

    def height_of(self, row: str | None) -> float:
        """How far below its top a row's line ends."""
        if row is None or row not in self.box.rows:
            return HEAD / 2
        return HEAD + self.box.rows.index(row) * LINE + LINE / 2 - 2


@dataclass(slots=True)
class Passage:
    """A waypoint with its place. lines: those that go through, one below the other."""

    x: float
    y: float
    width: float
    lines: list[Link] = field(default_factory=list)

    @property
    def height(self) -> float:
        return min((len(self.lines) - 1) * SPREAD, THICKEST)

    def height_of(self, line: Link) -> float:
        return self.lines.index(line) * self.height / max(len(self.lines) - 1, 1)


@dataclass(slots=True)
class Plan:
    """boxes by their relations' ids; passages of the lines between two boxes, from left to right."""

    boxes: dict[str, Placed]
    passages: dict[tuple[str, str], list[Passage]]
    width: float = 0.0
    height: float = 0.0

    def stations(self, line: Link) -> list[Point]:
        """The points of a line: where it leaves, comes to and leaves each passage, and where it arrives."""
        (one, row), (other, end) = line
        first, last = self.boxes[one], self.boxes[other]
        points = [(first.x + first.width, first.y + first.height_of(row))]
        for passage in self.passages.get((one, other), ()):
            y = passage.y + passage.height_of(line)
            points += [(passage.x, y), (passage.x + passage.width, y)]
        return [*points, (last.x, last.y + last.height_of(end))]


# By a place's identity: what a line leads to, how far below its top it ends there, how far below one's own.
Pulls = dict[int, list[tuple[Placed | Passage, float, float]]]


def lay_out(diagram: Diagram) -> Plan:
    """Columns from left to right, and each box where its lines are as straight as can be."""
    plan = Plan({}, {})
    stations: list[tuple[Box | Waypoint, Placed | Passage]] = []
    for box in diagram.boxes:
        plan.boxes[box.relation.id] = placed = Placed(box, 0, 0, 0)
        stations.append((box, placed))
    for waypoint in diagram.waypoints:
        ends = waypoint.begin, waypoint.end
        lines = [line for line in diagram.lines if (line[0][0], line[1][0]) == ends]
        passage = Passage(0, 0, 0, lines)
        plan.passages.setdefault(ends, []).append(passage)
        stations.append((waypoint, passage))
    columns: dict[int, list[Placed | Passage]] = {}
    for station, place in sorted(stations, key=lambda pair: (pair[0].column, pair[0].order)):
        columns.setdefault(station.column, []).append(place)
    plan.width = _set_columns(list(columns.values()))
    _set_heights(list(columns.values()), diagram.lines, plan)
    lowest = min(place.y for inside in columns.values() for place in inside)
    for inside in columns.values():
        for place in inside:
            place.y += TOP - lowest
    plan.height = max(place.y + place.height for inside in columns.values() for place in inside) + 2
    return plan


def _set_columns(columns: Sequence[Sequence[Placed | Passage]]) -> float:
    """Every column as wide as its widest box; the gaps take what the page has left. Returns the whole width."""
    widths = [
        max((_width(place.box) for place in inside if isinstance(place, Placed)), default=0.0)
        for inside in columns
    ]
    gaps = max(len(columns) - 1, 1)
    gap = min(max((PAGE - sum(widths) - 2) / gaps, NARROWEST_GAP), WIDEST_GAP)
    x = 1.0
    for inside, width in zip(columns, widths, strict=True):
        for place in inside:
            place.x, place.width = x, width
        x += width + gap
    return x - gap + 1


def _width(box: Box) -> float:
    texts = [width_of(box.relation.name, TITLE, bold=True), *(width_of(row, ROW) for row in box.rows)]
    return min(max(max(texts) + 2 * PAD, NARROWEST_BOX), WIDEST_BOX)


def _set_heights(columns: Sequence[Sequence[Placed | Passage]], lines: Sequence[Link], plan: Plan) -> None:
    """From side to side and back, each column moves to where the lines from there are straight; its order stays."""
    for inside in columns:
        _stack(inside, [0.0] * len(inside))
    left, right = _pulls(lines, plan)
    for sweep in range(SWEEPS):
        pulls = right if sweep % 2 else left
        for inside in reversed(columns) if sweep % 2 else columns:
            wanted = []
            for place in inside:
                there = [other.y + far - near for other, far, near in pulls.get(id(place), ())]
                wanted.append(sum(there) / len(there) if there else place.y)
            _stack(inside, wanted)


def _stack(inside: Sequence[Placed | Passage], wanted: Sequence[float]) -> None:
    """Put each where it wants to be, none over another; what is too much above is taken back by all."""
    floor = float("-inf")
    for place, y in zip(inside, wanted, strict=True):
        place.y = max(y, floor)
        floor = place.y + place.height + GAP_Y
    shift = sum(y - place.y for place, y in zip(inside, wanted, strict=True)) / len(inside)
    for place in inside:
        place.y += shift


def _pulls(lines: Sequence[Link], plan: Plan) -> tuple[Pulls, Pulls]:
    """What pulls each place from its left, and from its right."""
    left: Pulls = {}
    right: Pulls = {}

    def pull(one: Placed | Passage, near: float, other: Placed | Passage, far: float) -> None:
        right.setdefault(id(one), []).append((other, far, near))
        left.setdefault(id(other), []).append((one, near, far))

    for line in lines:
        (begin, row), (end, arrival) = line
        last: Placed | Passage = plan.boxes[begin]
        height = plan.boxes[begin].height_of(row)
        for passage in plan.passages.get((begin, end), ()):
            pull(last, height, passage, passage.height_of(line))
            last, height = passage, passage.height_of(line)
        pull(last, height, plan.boxes[end], plan.boxes[end].height_of(arrival))
    return left, right
