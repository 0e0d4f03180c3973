"""What a page shows of each block: texts and drawings, ready to be laid out. No HTML yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline_cli.manifest.charts import Chart, CombinedChart, ScatterChart
from pipeline_cli.manifest.measures import PeriodFilter
from pipeline_cli.manifest.reports import Figures, Report, ReportTable, ReportText, TableColumn
from pipeline_cli.reports.aggregates import question_of_figure
from pipeline_cli.reports.answers import Answers
from pipeline_cli.reports.changes import Change, describe_change, last_periods, read_values
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.charts.series import axis_title, column_label, make_series
from pipeline_cli.reports.charts.words import describe_chart
from pipeline_cli.reports.periods import AsOf, is_unfinished
from pipeline_cli.reports.results import Results, Rows, blaming, require_columns
from pipeline_cli.reports.values import (
    as_moment,
    as_number,
    label_of,
    make_writer,
    name_period,
    write_in_period,
)

NOT_OVER = " (not over yet)"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown. `share`: of the column's largest, 0 to 1, where a bar stands behind it."""

    text: str
    is_null: bool = False
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    label: str
    is_numeric: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure. `is_blank`: there is no value, or nothing was counted."""

    label: str
    value: Cell
    detail: Cell | None
    is_numeric: bool
    change: Change | None = None
    is_blank: bool = False


@dataclass(slots=True)
class View:
    """A block as the page lays it out. `kind`: figures, chart, table or text; `note`: what to know about it."""

    name: str
    kind: str
    title: str
    span: int
    note: str = ""
    description: str = ""  # of a chart, in words
    is_empty: bool = False
    csv: str | None = None
    tiles: Sequence[Tile] = ()
    headings: Sequence[Heading] = ()
    rows: Sequence[Sequence[Cell]] = ()
    paragraphs: Sequence[str] = ()
    chart: Chart | None = None
    series: Series | None = None
    drawings: Mapping[str, str] = field(default_factory=dict)  # "wide" and "narrow": SVG, drawn last

    @property
    def label(self) -> str:
        """What a screen reader says of a chart's drawing."""
        return f"{self.title}. {self.description} The table that follows has the numbers."

    @property
    def per_row(self) -> int:
        """How many tiles stand in a row of a wide screen: rows as even as can be, of at most five."""
        most = 2 if self.span == 1 else 5
        rows = -(-len(self.tiles) // most) or 1
        return -(-len(self.tiles) // rows)


def is_blank(views: Sequence[View]) -> bool:
    """Whether none of the blocks has data; one of texts alone has no need of any."""
    asked = [view for view in views if view.kind != "text"]
    return bool(asked) and all(view.is_empty for view in asked)


@dataclass(frozen=True, slots=True)
class ReportReader:
    """Reads a report's blocks. `answers`: the aggregated ones'. `hint`: what to do about a query that fails."""

    name: str
    report: Report
    results: Results
    made_at: datetime
    hint: str
    answers: Answers

    def read_blocks(self, as_of: AsOf | None) -> list[View]:
        """Every block, in order. Raises ReportError for the first that cannot be read."""
        return [self._read(name, block, as_of) for name, block in self.report.blocks.items()]

    def _read(self, name: str, block: Any, as_of: AsOf | None) -> View:
        full_width = isinstance(block, (Figures, ReportText))
        span = min(block.span or (self.report.columns if full_width else 1), self.report.columns)
        kind = "chart" if isinstance(block, Chart) else block.type
        untitled = "" if full_width and name not in self.report.exports else label_of(name)
        view = View(name, kind, block.title or untitled, span)
        if isinstance(block, ReportText):
            view.paragraphs = [part.strip() for part in block.text.split("\n\n") if part.strip()]
        elif isinstance(block, Figures):
            view.tiles = [self._tile(name, block, key, as_of) for key in block.figures]
            view.is_empty = all(tile.is_blank for tile in view.tiles)
        elif isinstance(block, Chart):
            self._fill_chart(view, block, as_of)
        else:
            self._fill_table(view, block, as_of)
        return view

    def _rows(self, block: str, *askers: Any, figure: str | None = None) -> Rows:
        """The query's rows; of an aggregated block or figure its answer."""
        answer = self.answers.rows(block, figure)
        if answer is not None:
            return answer
        with blaming(self.name, block, self.hint):
            return self.results.rows(self.results.sql_of(*askers))

    def _tile(self, name: str, block: Figures, key: str, as_of: AsOf | None) -> Tile:
        figure = block.figures[key]
        rows = self._rows(name, figure, block, figure=key)
        column = key if figure.aggregate else figure.column or key
        require_columns(rows.columns, [column, figure.detail], self.name, name)

        def first(of: str) -> Any:
            return rows.values(of)[0] if rows.rows else None

        def cell(of: str, declared: Any) -> tuple[Cell, bool]:
            value = first(of)
            writer = make_writer([value], declared, self.report.currency)
            return Cell(writer.write(value), value is None), writer.is_numeric

        value, is_numeric = cell(column, figure.format)
        detail = cell(figure.detail, figure.detail_format)[0] if figure.detail else None
        change = self._change(name, block, key, as_of)
        is_blank = first(column) is None or as_number(first(column)) == 0
        return Tile(figure.label or label_of(key), value, detail, is_numeric, change, is_blank)

    def _change(self, name: str, block: Figures, key: str, as_of: AsOf | None) -> Change | None:
        figure = block.figures[key]
        question = question_of_figure(key, figure)
        if figure.change is None or question is None:
            return None
        sql = self.results.sql_of(figure, block)
        column = figure.change_column or next(
            one.column for one in self.report.filters.values() if isinstance(one, PeriodFilter)
        )
        compared = last_periods(figure.change, self.made_at, as_of)
        with blaming(self.name, name, self.hint):
            require_columns(self.results.columns(sql), [column], self.name, name)
            known = self.answers.change(name, key)
            now, before = known or read_values(self.results, sql, column, question.measures[0], compared)
        writer = make_writer([now, before], figure.format, self.report.currency)
        return describe_change(now, before, compared.names, writer)

    def _fill_chart(self, view: View, block: Chart, as_of: AsOf | None) -> None:
        rows = self._rows(view.name, block)
        require_columns(rows.columns, [*block.dimensions, *block.measures], self.name, view.name)
        series = make_series(block, rows, self.made_at, as_of, self.report.currency)
        view.title = block.title or axis_title(block)
        view.chart, view.series = block, series
        view.is_empty = series.is_empty
        more = f"Only the first {len(rows.rows):,} points are drawn." if rows.more else ""
        view.note = " ".join(part for part in (_unfinished(series), series.left_out, more) if part)
        view.description = "" if view.is_empty else describe_chart(block, series)
        columns = {name: self._column(block, name, series) for name in (*block.dimensions, *block.measures)}
        view.headings, view.rows = self._lay_out(rows, columns, len(rows.rows), as_of)

    def _column(self, chart: Chart, name: str, series: Series) -> TableColumn:
        """A chart's column as one of the table that stands for it."""
        formats = {**dict.fromkeys(chart.y, chart.format)}
        if isinstance(chart, CombinedChart):
            formats[chart.line] = chart.line_format
        if isinstance(chart, ScatterChart):
            formats[chart.x] = chart.x_format
        period = series.period if name == chart.x else None
        return TableColumn(label=column_label(chart, name), format=formats.get(name), period=period)

    def _fill_table(self, view: View, block: ReportTable, as_of: AsOf | None) -> None:
        rows = self._rows(view.name, block)
        require_columns(rows.columns, list(block.columns), self.name, view.name)
        columns = block.columns or {name: TableColumn() for name in rows.columns}
        view.headings, view.rows = self._lay_out(rows, columns, block.limit, as_of)
        view.is_empty = not rows.rows
        if len(rows.rows) > block.limit:
            with blaming(self.name, view.name, self.hint):
                count = self._count(view.name, block, rows)
            view.note = f"The first {block.limit:,} of {count:,} rows."

    def _count(self, name: str, block: ReportTable, rows: Rows) -> int:
        return len(rows.rows) if self.answers.find(name) else self.results.count(self.results.sql_of(block))

    def _lay_out(
        self, rows: Rows, columns: Mapping[str, TableColumn], limit: int, as_of: AsOf | None
    ) -> tuple[list[Heading], list[list[Cell]]]:
        headings, found = [], []
        for name, column in columns.items():
            values = rows.values(name)[:limit]
            writer = make_writer(values, column.format, self.report.currency)
            headings.append(Heading(column.label or label_of(name), writer.is_numeric))
            largest = max(
                (abs(float(number)) for value in values if (number := as_number(value))), default=0.0
            )
            share = largest if column.bar else 0.0
            late = [self._is_unfinished(value, column, as_of) for value in values]
            written = [write_in_period(value, column.period, writer) for value in values]
            texts = [
                text + (NOT_OVER if is_late else "") for text, is_late in zip(written, late, strict=True)
            ]
            found.append(
                [Cell(text, v is None, _share(v, share)) for v, text in zip(values, texts, strict=True)]
            )
        return headings, [list(row) for row in zip(*found, strict=True)]

    def _is_unfinished(self, value: Any, column: TableColumn, as_of: AsOf | None) -> bool:
        moment = as_moment(value) if column.period else None
        return bool(column.period and moment and is_unfinished(moment, column.period, self.made_at, as_of))


def _share(value: Any, largest: float) -> float | None:
    number = as_number(value)
    return None if not largest or number is None or number <= 0 else round(float(number) / largest, 3)


def _unfinished(series: Series) -> str:
    if not series.unfinished or series.period is None:
        return ""
    first, more = series.unfinished[0], len(series.unfinished) > 1
    name = name_period(first, series.period)
    return f"{f'{name} and what follows' if more else name} is not complete yet: drawn pale or dashed."
