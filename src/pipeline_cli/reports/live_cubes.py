"""Cubes and filters as the page's script has them: texts and keys once, and then their places alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from pipeline_cli.manifest.measures import PeriodFilter
from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.answers import Answers, Asked
from pipeline_cli.reports.calendar import Calendar, Choice
from pipeline_cli.reports.cubes import ALL, Cell, Count, Cube
from pipeline_cli.reports.encoding import Json, encode_column, encode_numbers, to_day
from pipeline_cli.reports.values import clean_text, label_of

Places = Mapping[Hashable, int]


class LiveCubes:
    """Encodes the cubes of a report's answers."""

    def __init__(self, report: Report, answers: Answers) -> None:
        self._report = report
        self._answers = answers
        self._cubes = list(answers.cubes.values())
        self._values = {column: _in_order(values) for column, values in _choices(self._cubes).items()}

    def data(self) -> Json:
        """The filters, what they offer, and the cubes."""
        calendar = self._answers.calendar
        return {
            "filters": [self._filter(name) for name in self._report.filters],
            "times": [_time(choice, calendar) for choice in calendar.choices] if calendar else [],
            "ranges": [
                [*calendar.stretches(found), to_day(found.start), to_day(found.end)]
                for found in calendar.ranges
            ]
            if calendar
            else [],
            "cubes": [self._cube(cube) for cube in self._cubes],
        }

    def asked(self, asked: Asked) -> Json:
        """Which cube answers a question, and each measure as places of the cube's parts: one, or two to divide."""
        cube = self._answers.cubes[asked.cut]
        places = {part: place for place, part in enumerate((*cube.parts, *cube.counts))}
        measures = [[places[part] for part in one.parts] for one in asked.question.measures]
        return {"cube": self._cubes.index(cube), "measures": measures}

    def _filter(self, name: str) -> Json:
        one, calendar = self._report.filters[name], self._answers.calendar
        found: Json = {"name": name, "label": one.label or label_of(name)}
        if isinstance(one, PeriodFilter):
            return found | {
                "kind": "period",
                "default": calendar.choice(one.default).key if calendar else "all",
            }
        texts = [None if value is None else clean_text(value) for value in self._values.get(one.column, {})]
        default = texts.index(one.default) if one.default in texts else None
        return found | {"kind": "choice", "values": texts, "default": default}

    def _cube(self, cube: Cube) -> Json:
        filters = {one.column: place for place, one in enumerate(self._report.filters.values())}
        rows = _rows(cube)
        keys = [_numbered(row.keys[n] for row in rows) for n in range(len(cube.cut.dimensions))]
        values = [self._values[column] for column in cube.cut.choices]
        found: Json = {
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
            "f": [[known[cell.choices[n]] for cell in cube.cells] for n, known in enumerate(values)],
            "k": [[known[cell.keys[n]] for cell in cube.cells] for n, known in enumerate(keys)],
            "v": [encode_numbers([cell.values[n] for cell in cube.cells]) for n in range(len(cube.parts))],
            "counts": [_counts(counts, values, keys) for counts in cube.counts.values()],
        }
        return found | ({"p": [cell.stretch for cell in cube.cells]} if cube.cut.day else {})


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


def _time(choice: Choice, calendar: Calendar) -> Json:
    found: Json = {"key": choice.key, "kind": choice.kind}
    if choice.range is not None and choice.before is not None:
        found |= {
            "range": calendar.ranges.index(choice.range),
            "before": calendar.ranges.index(choice.before),
        }
    return found | ({"late": True} if choice.is_unfinished else {})


def _counts(counts: Sequence[Count], values: Sequence[Places], keys: Sequence[Places]) -> Json:
    return {
        "f": [
            [-1 if count.choices[n] is ALL else known[count.choices[n]] for count in counts]
            for n, known in enumerate(values)
        ],
        "k": [[known[count.keys[n]] for count in counts] for n, known in enumerate(keys)],
        "n": [count.over_all for count in counts],
        "r": [[number for pair in count.by_range.items() for number in pair] for count in counts],
    }
