"""What a picture of lineage shows: boxes in columns from left to right, lines between their rows. No drawing yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pipeline_cli.lineage.graph import ROWS, Column, Lineage, Relation

End = tuple[str, str | None]  # a relation's id, and a row of it or the whole box
Link = tuple[End, End]

LAYERS = ("Source", "Bronze", "Silver", "Gold", "Report")
MOST_ROWS = 40  # a box with more of them would be taller than any screen
SWEEPS = 6


@dataclass(slots=True)
class Box:
    """A relation. rows: its columns that are shown; column, order: its place, from 0."""

    relation: Relation
    rows: list[str] = field(default_factory=list)
    is_subject: bool = False
    column: int = 0
    order: float = 0.0

    @property
    def layer(self) -> str:
        return layer_of(self.relation)


@dataclass(slots=True)
class Waypoint:
    """A place between the boxes of a column, where the lines from one box to one farther on go through."""

    begin: str
    end: str
    column: int
    order: float = 0.0


@dataclass(slots=True)
class Diagram:
    """boxes in reading order; lines: from what is read to what reads it."""

    boxes: list[Box]
    lines: list[Link]
    waypoints: list[Waypoint] = field(default_factory=list)

    @property
    def has_rows(self) -> bool:
        return any(box.rows for box in self.boxes)


def layer_of(relation: Relation) -> str:
    """The layer's name; of models in schemas of other names it is the schema's."""
    if relation.kind in ("source", "report", "bronze"):
        return {"source": "Source", "report": "Report", "bronze": "Bronze"}[relation.kind]
    for name in ("bronze", "silver", "gold"):
        if relation.schema == name or relation.schema.startswith(f"{name}_"):
            return name.capitalize()
    return relation.schema or "Tables"


def of_relation(lineage: Lineage, subject: str) -> Diagram:
    """A table with all that it is made of and all that is made of it, by columns where they are not too many."""
    wanted = {subject} | lineage.ancestors(subject) | lineage.descendants(subject)
    own = lineage.relations[subject].columns
    starts = [Column(subject, name) for name in own]
    involved = lineage.in_order(
        column
        for column in lineage.upstream(starts) | lineage.downstream(starts)
        if column.relation in wanted and _is_shown(lineage, column)
    )
    rows: dict[str, list[str]] = {}
    for column in involved:
        names = rows.setdefault(column.relation, [])
        if (row := row_of(lineage, column)) not in names:
            names.append(row)
    diagram = of_tables(lineage, wanted)
    for box in diagram.boxes:
        box.is_subject = box.relation.id == subject
    if 0 < len(rows.get(subject, ())) <= MOST_ROWS:
        for box in diagram.boxes:
            names = rows.get(box.relation.id, [])
            box.rows = names if len(names) <= MOST_ROWS else []
        diagram.lines = _column_lines(lineage, involved, diagram.boxes)
        _untangle(diagram)
    return diagram


def row_of(lineage: Lineage, column: Column) -> str:
    """The row that stands for a column: of a report it is the block."""
    is_report = lineage.relations[column.relation].kind == "report"
    return column.name.partition(".")[0] if is_report else column.name


def of_tables(lineage: Lineage, wanted: Iterable[str]) -> Diagram:
    """Tables without their columns, and who reads whom."""
    chosen = set(wanted)
    boxes = [Box(one) for one in lineage.relations.values() if one.id in chosen]
    lines: list[Link] = [
        ((parent, None), (box.relation.id, None))
        for box in boxes
        for parent in sorted(box.relation.parents & chosen)
    ]
    _place(boxes)
    diagram = Diagram(boxes, lines)
    _untangle(diagram)
    return diagram


def _is_shown(lineage: Lineage, column: Column) -> bool:
    """What the loader adds to rows is shown where something is made of it."""
    relation = lineage.relations[column.relation]
    is_made = relation.kind != "bronze" and bool(lineage.made_of.get(column))
    return column.name in relation.columns and (
        not column.name.startswith("_") or is_made or bool(lineage.used_by.get(column))
    )


def _column_lines(lineage: Lineage, involved: Iterable[Column], boxes: Sequence[Box]) -> list[Link]:
    """From row to row; counted rows, and columns that are not shown, begin or end at the box itself."""
    rows = {box.relation.id: box.rows for box in boxes}

    def end(column: Column) -> tuple[str, str | None]:
        row = row_of(lineage, column) if column.name != ROWS else None
        return column.relation, row if row in rows[column.relation] else None

    found: dict[Link, None] = {}
    for column in involved:
        for origin in lineage.origins(column):
            if origin.relation in rows:
                found[(end(origin), end(column))] = None
    return list(found)


# -- places ------------------------------------------------------------------------------------------------------


def _place(boxes: Sequence[Box]) -> None:
    """Each box's column: its layers from left to right, and within a layer what reads stands right of what is read."""
    ranks = _ranks(boxes)
    by_id = {box.relation.id: box for box in boxes}
    depths: dict[str, int] = {}

    def depth(one: str, way: frozenset[str]) -> int:
        if one not in depths:
            near = [
                parent
                for parent in by_id[one].relation.parents
                if parent in by_id and parent not in way and ranks[parent] == ranks[one]
            ]
            depths[one] = 1 + max((depth(parent, way | {one}) for parent in near), default=-1)
        return depths[one]

    for box in boxes:
        depth(box.relation.id, frozenset({box.relation.id}))
    columns = sorted({(ranks[one], depths[one]) for one in by_id})
    for box in boxes:
        box.column = columns.index((ranks[box.relation.id], depths[box.relation.id]))


def _ranks(boxes: Sequence[Box]) -> dict[str, int]:
    """The layer's number; where a layer reads one that comes after it, all models are one layer."""
    found = {
        box.relation.id: LAYERS.index(box.layer) if box.layer in LAYERS else LAYERS.index("Silver")
        for box in boxes
    }
    is_crossed = any(
        found.get(parent, 0) > found[box.relation.id] for box in boxes for parent in box.relation.parents
    )
    if is_crossed or any(box.layer not in LAYERS for box in boxes):
        found = {one: 2 if rank in (2, 3) else rank for one, rank in found.items()}
    return found


def _untangle(diagram: Diagram) -> None:
    """Give long lines their waypoints, and order each column by the middle of what stands next to it.

    https://en.wikipedia.org/wiki/Layered_graph_drawing: the layers are there, so this is its crossing reduction.
    """
    diagram.waypoints = _waypoints(diagram)
    stations: list[Box | Waypoint] = [*diagram.boxes, *diagram.waypoints]
    columns: dict[int, list[Box | Waypoint]] = {}
    for station in stations:
        columns.setdefault(station.column, []).append(station)
    for inside in columns.values():
        _number(inside)
    near = _neighbours(diagram)
    for sweep in range(SWEEPS):
        for number in sorted(columns, reverse=bool(sweep % 2)):
            columns[number].sort(key=lambda one: _middle(one, near[id(one)]))
            _number(columns[number])
    diagram.boxes.sort(key=lambda box: (box.column, box.order))


def _number(inside: Sequence[Box | Waypoint]) -> None:
    for place, one in enumerate(inside):
        one.order = (place + 0.5) / len(inside)


def _middle(one: Box | Waypoint, near: Sequence[Box | Waypoint]) -> float:
    return sum(other.order for other in near) / len(near) if near else one.order


def _waypoints(diagram: Diagram) -> list[Waypoint]:
    columns = {box.relation.id: box.column for box in diagram.boxes}
    pairs = dict.fromkeys((begin[0], end[0]) for begin, end in diagram.lines)
    return [
        Waypoint(one, other, column)
        for one, other in pairs
        for column in range(columns[one] + 1, columns[other])
    ]


def _neighbours(diagram: Diagram) -> dict[int, list[Box | Waypoint]]:
    """By identity, what stands at the other end of a line's part, of each line one."""
    boxes = {box.relation.id: box for box in diagram.boxes}
    between: dict[tuple[str, str], list[Waypoint]] = {}
    for waypoint in diagram.waypoints:
        between.setdefault((waypoint.begin, waypoint.end), []).append(waypoint)
    found: dict[int, list[Box | Waypoint]] = {id(one): [] for one in (*diagram.boxes, *diagram.waypoints)}
    for begin, end in diagram.lines:
        stations = [boxes[begin[0]], *between.get((begin[0], end[0]), ()), boxes[end[0]]]
        for one, other in pairwise(stations):
            found[id(one)].append(other)
            found[id(other)].append(one)
    return found
