"""Everything that a report needs from the warehouse, read in one snapshot; its CSV files are written meanwhile."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.destinations.placed import connect_placed
from pipeline_cli.manifest.reports import Figures, Report
from pipeline_cli.project import Project
from pipeline_cli.reports.answers import Answers
from pipeline_cli.reports.asking import AnswerReader
from pipeline_cli.reports.blocks import ReportReader, View
from pipeline_cli.reports.columns import require_all_columns
from pipeline_cli.reports.csv_files import write_csv
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Results, blaming


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. `results`: what each query gave; `answers`: the aggregated blocks' cubes."""

    as_of: AsOf | None
    views: list[View]
    results: Results
    answers: Answers


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one report. `hint`: what to do about a query that fails."""

    name: str
    report: Report
    made_at: datetime
    hint: str

    def read(self, project: Project, warehouse: Warehouse, folder: Path) -> Reading:
        """Every block, and the exports into `folder`. Raises ReportError for the first that cannot be read."""
        with closing(connect_placed(project, warehouse)) as connection, connection.snapshot():
            results = Results(connection, self.report, project.secrets)
            cubes = AnswerReader(self.name, self.report, results, self.made_at, self.hint)
            as_of = cubes.read_as_of()
            require_all_columns(self.name, self.report, results, self.hint)
            answers = cubes.read(as_of)
            blocks = ReportReader(self.name, self.report, results, self.made_at, self.hint, answers)
            reading = Reading(as_of, blocks.read_blocks(as_of), results, answers)
            for view in reading.views:
                if view.name in self.report.exports:
                    view.csv = f"{self.name}.{view.name}.csv"
                    with blaming(self.name, view.name, self.hint):
                        self._export(view.name, reading, folder / view.csv)
        return reading

    def _export(self, name: str, reading: Reading, path: Path) -> None:
        """All that a block's query gives, or its whole answer; of figures one row, a column each."""
        block, answer = self.report.blocks[name], reading.answers.rows(name)
        if isinstance(block, Figures):
            values = [value_of(reading, self.report, name, key)[0] for key in block.figures]
            write_csv(path, list(block.figures), [[values]])
        elif answer is not None:
            write_csv(path, answer.columns, [answer.rows])
        else:
            with reading.results.every_row(reading.results.sql_of(block)) as (columns, batches):
                write_csv(path, columns, batches)


def value_of(reading: Reading, report: Report, name: str, key: str) -> tuple[Any, Any]:
    """A figure's value, and its detail where it has one."""
    block = report.blocks[name]
    figure, answer = block.figures[key], reading.answers.rows(name, key)
    rows = answer or reading.results.rows(reading.results.sql_of(figure, block))
    if not rows.rows:
        return None, None
    value = rows.values(key if answer else figure.column or key)[0]
    return value, rows.values(figure.detail)[0] if figure.detail else None
