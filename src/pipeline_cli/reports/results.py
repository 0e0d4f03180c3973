"""What a report's queries give: each asked once, all in one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline_cli.destinations.base import Connection
from pipeline_cli.errors import LoadError, ReportError
from pipeline_cli.manifest.findings import nearest
from pipeline_cli.manifest.reports import Report
from pipeline_cli.secrets import mask

# A page has room for a few hundred; what is beyond this is not even fetched, except for an export.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns and rows of a query; `more`: it has more than were asked for, and these are the first."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    more: bool = False

    def index(self, column: str) -> int:
        return self.columns.index(column)

    def values(self, column: str) -> list[Any]:
        place = self.index(column)
        return [row[place] for row in self.rows]


class Results:
    """Answers to the queries of one report. Secrets are masked as the rows come in."""

    def __init__(self, connection: Connection, report: Report, secrets: frozenset[str]) -> None:
        self._connection = connection
        self._report = report
        self._secrets = secrets
        self.asked: dict[str, Rows] = {}
        self._columns: dict[str, tuple[str, ...]] = {}

    def sql_of(self, *askers: Any) -> str:
        """The SELECT of the first of a figure and its block that names one."""
        for asker in askers:
            if asker.sql is not None:
                return _bare(asker.sql)
            if asker.query is not None:
                return _bare(self._report.queries[asker.query])
        raise AssertionError("the manifest's reader lets no block without a query through")

    def rows(self, sql: str, most: int = MOST_ROWS) -> Rows:
        """The query's columns and first `most` rows. Raises LoadError with the database's words."""
        if sql not in self.asked:
            # In a subquery nothing but a SELECT can stand; a comment at its end must not swallow the bracket.
            limited = f"SELECT * FROM (\n{sql}\n) AS asked LIMIT {most + 1}"
            with self._connection.fetch(limited) as fetched:
                found = [row for batch in self._mask(fetched.batches) for row in batch]
            self.asked[sql] = Rows(fetched.columns, found[:most], len(found) > most)
        return self.asked[sql]

    def columns(self, sql: str) -> tuple[str, ...]:
        """What the query's columns are called."""
        if sql not in self._columns:
            with self._connection.fetch(f"SELECT * FROM (\n{sql}\n) AS asked LIMIT 0") as fetched:
                self._columns[sql] = fetched.columns
        return self._columns[sql]

    def count(self, sql: str) -> int:
        """How many rows the query has in all."""
        rows = self.rows(sql)
        if not rows.more:
            return len(rows.rows)
        return int(self._connection.query(f"SELECT count(*) FROM (\n{sql}\n) AS asked")[0][0])

    @contextmanager
    def every_row(self, sql: str) -> Iterator[tuple[tuple[str, ...], Iterable[Sequence[tuple[Any, ...]]]]]:
        """The query's columns and all its rows in batches, however many."""
        rows = self.rows(sql)
        if not rows.more:
            yield rows.columns, [rows.rows]
            return
        with self._connection.fetch(sql) as fetched:
            yield fetched.columns, self._mask(fetched.batches)

    def _mask(self, batches: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[Sequence[tuple[Any, ...]]]:
        if not self._secrets:
            yield from batches
            return
        for batch in batches:
            yield [
                tuple(mask(value, self._secrets) if isinstance(value, str) else value for value in row)
                for row in batch
            ]


@contextmanager
def blaming(report: str, block: str | None, hint: str) -> Iterator[None]:
    """Turn the database's refusal into an error that names the report and the block."""
    try:
        yield
    except LoadError as error:
        raise ReportError(f"{_where(report, block)}: {error.message}", hint=hint) from error


def require_columns(columns: Sequence[str], wanted: Sequence[str | None], report: str, block: str) -> None:
    """Raise ReportError unless the query gives each wanted column; None is none."""
    for message, hint in missing_columns(
        columns, [name for name in wanted if name is not None], report, block
    ):
        raise ReportError(message, hint=hint)


def missing_columns(
    columns: Sequence[str], wanted: Sequence[str], report: str, block: str
) -> Iterator[tuple[str, str]]:
    """Message and hint for each wanted column that the query does not give."""
    for name in dict.fromkeys(wanted):
        if name not in columns:
            near = nearest(name, list(columns))
            there = f"Did you mean {near}?" if near else f"It gives: {', '.join(columns)}."
            yield f"{_where(report, block)}: the query gives no column '{name}'", there


def _where(report: str, block: str | None) -> str:
    return f"report {report}, {f'block {block}' if block else 'as_of'}"


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";").rstrip()
