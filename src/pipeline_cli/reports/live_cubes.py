"""Cubes and filters as the page's script has them: texts and keys once, and then their places alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pipeline_cli.manifest.measures import PeriodFilter
from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.answers import Answers, Asked
from pipeline_cli.reports.calendar import Choice, Range
from pipeline_cli.reports.cubes import ALL, Cell, Count, Cube
from pipeline_cli.reports.encoding import Json, Planes, encode_column, to_day
from pipeline_cli.reports.values import clean_text, label_of

Places = Mapping[Hashable, int]


class LiveCubes:
    """Encodes the cubes of a report's answers. `planes`: what their numbers are in, once data() has been called."""

    def __init__(self, report: Report, answers: Answers) -> None:
        self._report = report
        self._answers = answers
        self._cubes = list(answers.cubes.values())
        self._values = {column: _in_order(values) for column, values in _choices(self._cubes).items()}
        self.planes = Planes()

    def data(self) -> Json:
        """The filters, what they offer, and the cubes."""
        calendar = self._answers.calendar
        return {
            "filters": [self._filter(name) for name in self._report.filters],
            "times": [self._time(choice) for choice in calendar.choices] if calendar else [],
            "firstDay": to_day(calendar.first_day) if calendar else 0,
            "ranges": [[to_day(found.start), to_day(found.end)] for found in self._ranges],
            "cubes": [self._cube(cube) for cube in self._cubes],
        }

    def asked(self, asked: Asked) -> Json:
        """Which cube answers a question, and each measure as places of the cube's parts: one, or two to divide."""
        cube = self._answers.cubes[asked.cut]
        places = {part: place for place, part in enumerate((*cube.parts, *cube.counts))}
        found: Json = {
            "cube": self._cubes.index(cube),
            "measures": [[places[part] for part in one.parts] for one in asked.question.measures],
        }
        if asked.compared is not None:
            ranges = [self._ranges[one] for one in (asked.compared.now, asked.compared.before)]
            found["change"] = {"period": asked.compared.period, "ranges": ranges}
        return found

    @cached_property
    def _ranges(self) -> dict[Range, int]:
        calendar = self._answers.calendar
        return {found: place for place, found in enumerate(calendar.compared.ranges)} if calendar else {}

    def _filter(self, name: str) -> Json:
        one, calendar = self._report.filters[name], self._answers.calendar
        found: Json = {"name": name, "label": one.label or label_of(name)}
        if isinstance(one, PeriodFilter):
            return found | {
                "kind": "period",
                "default": calendar.choice(one.default).key if calendar else "all",
            }
        texts = [None if value is None else clean_text(value) for value in self._values.get(one.column, {})]
        default = texts.index(one.default) if one.default is not None and one.default in texts else None
        return found | {"kind": "choice", "values": texts, "default": default}

    def _time(self, choice: Choice) -> Json:
        found: Json = {"key": choice.key, "kind": choice.kind}
        if choice.range is not None and choice.before is not None:
            found |= {"range": self._ranges[choice.range], "before": self._ranges[choice.before]}
        return found | ({"late": True} if choice.is_unfinished else {})

    def _cube(self, cube: Cube) -> Json:
        filters = {one.column: place for place, one in enumerate(self._report.filters.values())}
        rows = _rows(cube)
        keys = [_numbered(row.keys[n] for row in rows) for n in range(len(cube.cut.dimensions))]
        values = [self._values[column] for column in cube.cut.choices]
        found: Json = {
            "size": len(cube.cells),
            "filters": [filters[column] for column in cube.cut.choices],
            "period": filters[cube.cut.day] if cube.cut.day else None,
            "dimensions": [
                {
                    **encode_column(list(known), moments=True),
                    "cut": one.period,
                    "day": one.column == cube.cut.day,
                }
                for one, known in zip(cube.cut.dimensions, keys, strict=True)
            ],
            "parts": [part.kind for part in (*cube.parts, *cube.counts)],
            "f": self._places([cell.choices for cell in cube.cells], values),
            "k": self._places([cell.keys for cell in cube.cells], keys),
            "v": self._parts(cube),
            "counts": [self._counts(cube, counts, values, keys) for counts in cube.counts.values()],
        }
        if cube.stretches is not None:
            found["bounds"] = [to_day(day) for day in cube.stretches.boundaries]
            found["p"] = self.planes.add([cell.stretch for cell in cube.cells])
        return found

    def _parts(self, cube: Cube) -> list[Json]:
        """Each part's values; a count that is that of another part in every cell refers to it."""
        found: list[Json] = []
        known: dict[tuple[Any, ...], int] = {}
        for n, part in enumerate(cube.parts):
            column = tuple(cell.values[n] for cell in cube.cells)
            if part.kind in ("rows", "count") and column in known:
                found.append({"same": known[column]})
                continue
            known[column] = n
            found.append(self.planes.add_numbers(column))
        return found

    def _places(self, rows: Sequence[Sequence[Any]], known: Sequence[Places]) -> list[Json]:
        """A column each: where the rows' values stand among the known ones; -1 for ALL."""
        return [
            self.planes.add([-1 if row[n] is ALL else places[row[n]] for row in rows])
            for n, places in enumerate(known)
        ]

    def _counts(
        self, cube: Cube, counts: Sequence[Count], values: Sequence[Places], keys: Sequence[Places]
    ) -> Json:
        ranges = [self._ranges[found] for found in cube.stretches.ranges] if cube.stretches else []
        pairs = [
            (n, ranges[at], value) for n, count in enumerate(counts) for at, value in count.by_range.items()
        ]
        return {
            "size": len(counts),
            "f": self._places([count.choices for count in counts], values),
            "k": self._places([count.keys for count in counts], keys),
            "n": self.planes.add([count.over_all for count in counts]),
            "pairs": len(pairs),
            "r": [self.planes.add([pair[n] for pair in pairs]) for n in range(3)],  # row, range, number
        }


def _rows(cube: Cube) -> list[Cell | Count]:
    return [*cube.cells, *(count for counts in cube.counts.values() for count in counts)]


def _choices(cubes: Sequence[Cube]) -> dict[str, dict[Any, None]]:
    """The values of each filter's column, in all cubes."""
    found: dict[str, dict[Any, None]] = {}
    for cube in cubes:
        rows = _rows(cube)
        for place, column in enumerate(cube.cut.choices):
            known = found.setdefault(column, {})
            known.update(dict.fromkeys(row.choices[place] for row in rows if row.choices[place] is not ALL))
    return found


def _in_order(values: Mapping[Any, None]) -> Places:
    """By their texts, NULL last."""
    return _numbered(
        sorted(values, key=lambda value: (value is None, "" if value is None else clean_text(value)))
    )


def _numbered(values: Any) -> Places:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}
