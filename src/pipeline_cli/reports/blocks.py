"""What a page shows of each block: texts and drawings, ready to be laid out. No HTML yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.manifest.reports import Figures, Report, ReportTable, ReportText, TableColumn
from pipeline_cli.reports.answers import Answers
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.charts.series import axis_title, make_series
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Results, Rows, blaming, require_columns
from pipeline_cli.reports.values import as_number, label_of, make_writer, name_period


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
    label: str
    value: Cell
    detail: Cell | None
    is_numeric: bool


@dataclass(slots=True)
class View:
    """A block as the page lays it out. `kind`: figures, chart, table or text; `note`: what to know about it."""

    name: str
    kind: str
    title: str
    span: int
    note: str = ""
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
    def per_row(self) -> int:
        """How many tiles stand in a row of a wide screen: rows as even as can be, of at most five."""
        most = 2 if self.span == 1 else 5
        rows = -(-len(self.tiles) // most) or 1
        return -(-len(self.tiles) // rows)


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
            view.tiles = [self._tile(name, block, key) for key in block.figures]
        elif isinstance(block, Chart):
            self._fill_chart(view, block, as_of)
        else:
            self._fill_table(view, block)
        return view

    def _rows(self, block: str, *askers: Any, figure: str | None = None) -> Rows:
        """The query's rows; of an aggregated block or figure its answer."""
        answer = self.answers.rows(block, figure)
        if answer is not None:
            return answer
        with blaming(self.name, block, self.hint):
            return self.results.rows(self.results.sql_of(*askers))

    def _tile(self, name: str, block: Figures, key: str) -> Tile:
        figure = block.figures[key]
        rows = self._rows(name, figure, block, figure=key)
        column = key if figure.aggregate else figure.column or key
        require_columns(rows.columns, [column, figure.detail], self.name, name)

        def cell(of: str, declared: Any) -> tuple[Cell, bool]:
            value = rows.values(of)[0] if rows.rows else None
            writer = make_writer([value], declared, self.report.currency)
            return Cell(writer.write(value), value is None), writer.is_numeric

        value, is_numeric = cell(column, figure.format)
        detail = cell(figure.detail, figure.detail_format)[0] if figure.detail else None
        return Tile(figure.label or label_of(key), value, detail, is_numeric)

    def _fill_chart(self, view: View, block: Chart, as_of: AsOf | None) -> None:
        rows = self._rows(view.name, block)
        require_columns(rows.columns, [*block.dimensions, *block.measures], self.name, view.name)
        series = make_series(block, rows, self.made_at, as_of, self.report.currency)
        view.title = block.title or axis_title(block)
        view.chart, view.series = block, series
        view.is_empty = all(point.y is None for point in series.points)
        more = f"Only the first {len(rows.rows):,} points are drawn." if rows.more else ""
        view.note = " ".join(part for part in (_unfinished(series), series.left_out, more) if part)
        columns = {
            name: TableColumn(format=block.format if name in block.y else None)
            for name in dict.fromkeys((*block.dimensions, *block.measures))
        }
        view.headings, view.rows = self._lay_out(rows, columns, len(rows.rows))

    def _fill_table(self, view: View, block: ReportTable) -> None:
        rows = self._rows(view.name, block)
        require_columns(rows.columns, list(block.columns), self.name, view.name)
        columns = block.columns or {name: TableColumn() for name in rows.columns}
        view.headings, view.rows = self._lay_out(rows, columns, block.limit)
        view.is_empty = not rows.rows
        if len(rows.rows) > block.limit:
            with blaming(self.name, view.name, self.hint):
                count = self._count(view.name, block, rows)
            view.note = f"The first {block.limit:,} of {count:,} rows."

    def _count(self, name: str, block: ReportTable, rows: Rows) -> int:
        return len(rows.rows) if self.answers.find(name) else self.results.count(self.results.sql_of(block))

    def _lay_out(
        self, rows: Rows, columns: Mapping[str, TableColumn], limit: int
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
            found.append([Cell(writer.write(v), v is None, _share(v, share)) for v in values])
        return headings, [list(row) for row in zip(*found, strict=True)]


def _share(value: Any, largest: float) -> float | None:
    number = as_number(value)
    return None if not largest or number is None or number <= 0 else round(float(number) / largest, 3)


def _unfinished(series: Series) -> str:
    if not series.unfinished or series.period is None:
        return ""
    first, more = series.unfinished[0], len(series.unfinished) > 1
    name = name_period(first, series.period)
    return f"{f'{name} and what follows' if more else name} is not complete yet: drawn pale or dashed."
