"""What the page's script needs to filter: the cubes, the times and values on offer, and what each block shows.

It stands in the page compressed and as base64, so that nothing of it can be markup.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.manifest.measures import PeriodFilter
from pipeline_cli.manifest.reports import Figures, Report, ReportTable, ReportText, TableColumn
from pipeline_cli.reports.blocks import View
from pipeline_cli.reports.encoding import Json, encode_column
from pipeline_cli.reports.live_cubes import LiveCubes
from pipeline_cli.reports.reading import Reading, value_of
from pipeline_cli.reports.script import script_text
from pipeline_cli.reports.values import label_of

_CHART_KEYS = ("x", "y", "color", "line", "size", "format", "line_format", "x_format", "sort", "limit")


def pack(data: Json, planes: bytes) -> str:
    """As base64 of gzip: the length of the JSON text (four bytes, the lowest first), the text, and the planes."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )
    packed = gzip.compress(len(text).to_bytes(4, "little") + text + planes, 9, mtime=0)
    return base64.b64encode(packed).decode("ascii")


@dataclass(frozen=True)
class LivePage:
    """A filtered report as its script has it."""

    report: Report
    reading: Reading
    views: Sequence[View]
    made_at: datetime

    @property
    def filters(self) -> list[Json]:
        """Name and label of each filter."""
        return [{"name": name, "label": label} for name, label in self._labels.items()]

    @property
    def unfiltered(self) -> str:
        """What the files beside the page are of."""
        return tell_unfiltered(self.report)

    @cached_property
    def packed(self) -> str:
        """Everything with the script, as it stands in the page."""
        return pack({**self.data(), "script": script_text()}, bytes(self._cubes.planes.bytes))

    def unfollowed(self, block: str, place: int | None = None) -> str:
        """Which filters a block does not follow, in a sentence; nothing where it follows all, or is a text.

        place: that of a figure in its block; one that follows the same as all others says nothing of its own.
        """
        found = self._unfollowed[block]
        if place is None:
            return tell_unfollowed(found[0], len(self._labels)) if len(set(map(tuple, found))) == 1 else ""
        return "" if len(set(map(tuple, found))) == 1 else tell_unfollowed(found[place], len(self._labels))

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {name: one.label or label_of(name) for name, one in self.report.filters.items()}

    @cached_property
    def _unfollowed(self) -> dict[str, list[list[str]]]:
        """By block, and by figure in it: the labels of the filters that it does not follow."""
        answers, found = self.reading.answers, {}
        for name, block in self.report.blocks.items():
            keys: list[str | None] = [*block.figures] if isinstance(block, Figures) else [None]
            followed = [answers.follows(one) if (one := answers.find(name, key)) else [] for key in keys]
            found[name] = [
                [label for key, label in self._labels.items() if key not in names] for names in followed
            ]
            if isinstance(block, ReportText):
                found[name] = [[]]
        return found

    def data(self) -> Json:
        """Everything, ready for JSON."""
        blocks = [block for view in self.views if (block := self._block(view)) is not None]
        as_of = self.reading.as_of
        return {
            "currency": self.report.currency or "",
            "madeAt": _milliseconds(self.made_at),
            "asOf": as_of and {"at": _milliseconds(as_of.moment), "end": _milliseconds(as_of.end)},
            **self._cubes.data(),
            "blocks": blocks,
        }

    @cached_property
    def _cubes(self) -> LiveCubes:
        return LiveCubes(self.report, self.reading.answers)

    def _block(self, view: View) -> Json | None:
        """None of texts, and of blocks without any data, which have nothing to filter."""
        block = self.report.blocks[view.name]
        if isinstance(block, Figures):
            figures = [self._figure(view.name, block, key) for key in block.figures]
            return {"name": view.name, "kind": "figures", "figures": figures}
        if view.is_empty or not isinstance(block, (Chart, ReportTable)):
            return None
        found = {"name": view.name, "title": view.title, **self._source(view.name)}
        return found | (_chart(view, block) if isinstance(block, Chart) else _table(block, found["columns"]))

    def _figure(self, name: str, block: Figures, key: str) -> Json:
        figure = block.figures[key]
        asked = self.reading.answers.find(name, key)
        if asked is not None:
            return {"format": figure.format, **self._cubes.asked(asked)}
        value, detail = value_of(self.reading, self.report, name, key)
        found: Json = {"format": figure.format, "value": encode_column([value], moments=False)}
        if figure.detail:
            found |= {"detail": encode_column([detail], moments=False), "detailFormat": figure.detail_format}
        return found

    def _source(self, name: str) -> Json:
        """Where the block's rows come from: a cube, or from the rows themselves."""
        asked = self.reading.answers.find(name)
        if asked is not None:
            return {"columns": asked.question.columns, **self._cubes.asked(asked)}
        block = self.report.blocks[name]
        rows = self.reading.results.rows(self.reading.results.sql_of(block))
        is_chart = isinstance(block, Chart)
        names = (
            tuple(dict.fromkeys((*block.dimensions, *block.measures))) if is_chart else tuple(block.columns)
        )
        names = names or rows.columns
        values = [rows.values(one)[: None if is_chart else block.limit] for one in names]
        return {"columns": names, "rows": [encode_column(one, moments=is_chart) for one in values]}


def tell_unfiltered(report: Report) -> str:
    """What is shown where no filter is applied."""
    has_period = any(isinstance(one, PeriodFilter) for one in report.filters.values())
    return "all time" if has_period else "all data"


def tell_unfollowed(labels: Sequence[str], filters: int) -> str:
    """'Not filtered by Channel and Campaign.'"""
    if not labels:
        return ""
    if len(labels) == filters and filters > 1:
        return "Not changed by the filters."
    return f"Not filtered by {' and '.join(filter(None, [', '.join(labels[:-1]), labels[-1]]))}."


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _chart(view: View, block: Chart) -> Json:
    series = view.series
    assert series is not None
    given = {key: getattr(block, key, None) for key in _CHART_KEYS}
    columns = dict.fromkeys((*block.dimensions, *block.measures))
    return {
        "kind": "chart",
        "type": block.type,
        **{key: value for key, value in given.items() if value is not None},
        "point": getattr(block, "name", None),
        "axis": series.axis,
        "period": series.period,
        "names": series.names,
        "labels": {name: block.labels.get(name, label_of(name)) for name in columns},
    }


def _table(block: ReportTable, columns: Sequence[str]) -> Json:
    found = [block.columns.get(name, TableColumn()) for name in columns]
    shown = [{"format": one.format, "bar": one.bar, "period": one.period} for one in found]
    return {"kind": "table", "shown": shown, "sort": block.sort, "limit": block.limit}
