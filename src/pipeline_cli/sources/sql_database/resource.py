"""One table or query as a ColumnResource (sources/scan.py)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.databases import DatabaseResource
from pipeline_cli.sources.column_types import ColumnType, column_name, declared_type
from pipeline_cli.sources.scan import ColumnSpec, Known, Scan
from pipeline_cli.sources.sql_database.address import Address
from pipeline_cli.sources.sql_database.backend import Backend, DbColumn, arrow_schema, open_backend
from pipeline_cli.sources.sql_database.bookmark import read_bookmark
from pipeline_cli.sources.sql_database.cursor import Cursor
from pipeline_cli.sources.sql_database.plan import Plan, Reading, plan_incremental, plan_whole, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_cli.contracts.contract import Contract


class Connections:
    """The source's connection: one snapshot for all resources inside `session`, else one for each."""

    def __init__(self, address: Callable[[], Address]) -> None:
        self._address = address
        self._shared: Backend | None = None
        self._lock = threading.Lock()
        self._in_session = False

    @contextmanager
    def session(self) -> Iterator[None]:
        self._in_session = True
        try:
            yield
        finally:
            self._in_session = False
            if self._shared is not None:
                self._shared.close()
                self._shared = None

    @contextmanager
    def borrow(self) -> Iterator[Backend]:
        """A connection; one that failed, or was left in the middle, is not used again."""
        with self._lock:
            backend, self._shared = self._shared or open_backend(self._address()), None
            is_whole = False
            try:
                yield backend
                is_whole = True
            finally:
                if is_whole and self._in_session:
                    self._shared = backend
                else:
                    backend.close()


@dataclass(slots=True)
class TableResource:
    """A resource of a sql_database source."""

    source: str
    name: str
    schema: str | None
    hints: DatabaseResource
    contract: Contract | None
    connections: Connections

    @contextmanager
    def scans(self, known: Known) -> Iterator[Iterator[Scan]]:
        with self.connections.borrow() as backend:
            reader = _Reader(self, backend)
            try:
                yield reader.scans(known)
            except Exception:
                # DuckDB tells what failed below it as a text of its own; ours says what to do.
                reader.raise_failure()
                raise


class _Reader:
    """One reading of a resource."""

    def __init__(self, resource: TableResource, backend: Backend) -> None:
        self._resource = resource
        self._backend = backend
        self._label = f"{resource.source}.{resource.name}"
        self._failure: SourceError | None = None
        self._is_done = False

    def scans(self, known: Known) -> Iterator[Scan]:
        hints = self._resource.hints
        table = None if hints.query else hints.table or self._resource.name
        relation = (
            self._backend.relation(self._resource.schema, table)
            if table
            else f"({(hints.query or '').strip().rstrip(';')}\n) AS query_"
        )
        described = self._chosen(self._backend.describe(relation, table))
        incremental = hints.incremental if hints.write_disposition != "replace" else None
        if incremental is None:
            columns = self._backend.survey(relation, "", described)
            yield self._scan(
                Reading(self._backend, relation, columns, hints.chunk_size, self._label), plan_whole(), known
            )
            return
        column = self._cursor_column(described, incremental.cursor_path)
        bookmark = read_bookmark(known.cursor)
        cursor = Cursor(self._backend, column, incremental, self._label)
        if known.is_window:
            within = cursor.in_bounds()
            columns = self._backend.survey(relation, within, described)
            reading = Reading(self._backend, relation, columns, hints.chunk_size, self._label)
            yield self._scan(reading, Plan(within), known)
            return
        lower = cursor.lower(bookmark) if bookmark else None
        within = "" if lower is None else f"({cursor.compare('>=', lower)} OR {cursor.out_of_bounds()})"
        columns = self._backend.survey(relation, within, described)
        reading = Reading(self._backend, relation, columns, hints.chunk_size, self._label)
        is_append = hints.write_disposition == "append"
        settled = Cursor(self._backend, self._cursor_column(columns, column.name), incremental, self._label)
        plan = plan_incremental(reading, settled, bookmark, is_append=is_append)
        if not plan.is_empty or not known.columns:
            yield self._scan(reading, plan, known)

    def _scan(self, reading: Reading, plan: Plan, known: Known) -> Scan:
        import pyarrow as pa

        view = f"rows_{self._resource.source}_{self._resource.name}"
        batches = self._guarded(stream(reading, plan))
        return Scan(
            relation=self._quote(view),
            columns=[self._spec(column, known) for column in reading.columns],
            objects={view: pa.RecordBatchReader.from_batches(arrow_schema(reading.columns), batches)},
            malformed=lambda connection: plan.refused,
            verify=self._verify,
            cursor_value=lambda: plan.next.to_text() if plan.next else None,
        )

    def _guarded(self, batches: Iterator[Any]) -> Iterator[Any]:
        """DuckDB tells a reader's error as a text of its own: ours is kept."""
        try:
            yield from batches
        except SourceError as error:
            self._failure = error
            raise
        self._is_done = True

    def _verify(self) -> None:
        self.raise_failure()
        if not self._is_done:
            raise SourceError(f"{self._label} was not read to its end.", code="E371", hint="Run again.")

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _spec(self, column: DbColumn, known: Known) -> ColumnSpec:
        name = column_name(column.name)
        # The table's type comes first; a new column has the database's, as exact as the database knows it.
        there: dict[str, ColumnType] = {name: column.kind} if column.kind[0] else {}
        said = declared_type(
            column.name, self._resource.hints, self._resource.contract, Known({**there, **known.columns})
        )
        (data_type, precision, scale), is_declared = said or (column.kind, False)
        return ColumnSpec(
            column.name, name, data_type, precision, scale, encoding=column.encoding, is_declared=is_declared
        )

    def _chosen(self, columns: list[DbColumn]) -> list[DbColumn]:
        hints = self._resource.hints
        names = [column.name for column in columns]
        for name in names:
            if names.count(name) > 1:
                hint = "Give one of them another name: SELECT … AS …."
                raise SourceError(f"{self._label}: two columns are called {name!r}.", code="E344", hint=hint)
        for name in (*hints.included_columns, *hints.excluded_columns):
            if name not in names:
                raise SourceError(
                    f"{self._label} has no column {name!r}.",
                    code="E376",
                    hint=f"It has {', '.join(names[:20])}.",
                )
        chosen = [
            column
            for column in columns
            if column.name not in hints.excluded_columns
            and (not hints.included_columns or column.name in hints.included_columns)
        ]
        if not chosen:
            raise SourceError(f"{self._label} has no column to read.", code="E376")
        return chosen

    def _cursor_column(self, columns: list[DbColumn], path: str) -> DbColumn:
        for column in columns:
            if column.name == path.removeprefix("$."):
                return column
        raise SourceError(
            f"{self._label}: the cursor {path!r} is not one of its columns.",
            code="E377",
            hint=f"They are {', '.join(column.name for column in columns[:20])}.",
        )

    @staticmethod
    def _quote(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'
