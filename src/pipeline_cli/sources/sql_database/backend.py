"""What every kind of database gives: its columns, and rows as Arrow batches, all from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.sources.scan import Encoding
from pipeline_cli.sources.sql_database.address import NO_TABLE

# How values arrive. written: as the database's own text, to be read like a cell of a file; loose: JSON texts, where
# a column holds values of several types.
Form = Literal[
    "bigint", "double", "bool", "text", "date", "timestamp", "timestamptz", "time", "decimal", "binary",
    "json", "written", "loose",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DbColumn:
    """A column as the database has it. expression: the SQL that gives its values in `form`.

    check: an aggregate that is true where every value has that form; else values come as `written`.
    """

    name: str
    kind: ColumnType
    form: Form
    expression: str
    check: str | None = None

    @property
    def encoding(self) -> Encoding:
        if self.form == "written":
            return "text"
        return "json" if self.form in ("json", "loose") else "typed"


class Backend(Protocol):
    """One connection, in one read-only transaction whose snapshot all of its reads share.

    Errors are SourceErrors that tell a table that is not there, a missing right and a lost server apart.
    """

    def relation(self, schema: str | None, table: str) -> str: ...

    def describe(self, relation: str, table: str | None) -> list[DbColumn]:
        """The columns of a relation; table: its name for messages, None for a query."""
        ...

    def survey(self, relation: str, where: str, columns: Sequence[DbColumn]) -> list[DbColumn]:
        """The columns with forms that hold every value of those rows; reads them once where that is in doubt."""
        ...

    def read(self, sql: str, columns: Sequence[DbColumn], chunk_size: int) -> Iterator[Any]:
        """Arrow batches of `arrow_schema(columns)`; constant memory."""
        ...

    def fetch(self, sql: str) -> list[tuple[Any, ...]]: ...

    def quote(self, name: str) -> str: ...

    def literal(self, text: str) -> str: ...

    def as_text(self, expression: str) -> str:
        """SQL whose value, as `str` gives it, says exactly what the expression's does."""
        ...

    def close(self) -> None:
        """Stop what is being read, and let go."""
        ...


def arrow_schema(columns: Sequence[DbColumn]) -> Any:
    """The Arrow schema of the columns in their forms."""
    import pyarrow as pa

    plain = {
        "bigint": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "timestamptz": pa.timestamp("us", "UTC"),
        "time": pa.time64("us"),
        "binary": pa.binary(),
    }
    return pa.schema(
        [
            (
                column.name,
                pa.decimal128(column.kind[1], column.kind[2])
                if column.form == "decimal"
                else plain.get(column.form, pa.string()),
            )
            for column in columns
        ]
    )


def select(columns: Sequence[DbColumn], quoted: Sequence[str], relation: str, where: str) -> str:
    """The statement that reads these columns. quoted: their names, quoted."""
    shown = ", ".join(f"{column.expression} AS {name}" for column, name in zip(columns, quoted, strict=True))
    return f"SELECT {shown} FROM {relation}{f' WHERE {where}' if where else ''}"


def open_backend(address: Any) -> Backend:
    """Connect. Raises SourceError, without the password, when that fails."""
    if address.kind == "postgres":
        from pipeline_cli.sources.sql_database.postgres import PostgresBackend

        return PostgresBackend(address)
    if address.kind == "duckdb":
        from pipeline_cli.sources.sql_database.duckdb_file import DuckDBBackend

        return DuckDBBackend(address)
    if address.kind == "sqlite":
        from pipeline_cli.sources.sql_database.sqlite import SQLiteBackend

        return SQLiteBackend(address)
    from pipeline_cli.sources.sql_database.alchemy import AlchemyBackend

    return AlchemyBackend(address)


def no_table(relation: str, where: str) -> SourceError:
    return SourceError(
        f"{relation} does not exist in {where}.",
        code=NO_TABLE,
        hint="Check table and schema; names count as they are written, upper and lower case included.",
    )


def no_permission(relation: str, where: str, how: str) -> SourceError:
    return SourceError(f"no permission to read {relation} in {where}.", code="E375", hint=how)


def bad_query(text: str, where: str) -> SourceError:
    return SourceError(
        f"{where} refuses the query: {text}", code="E376", hint="Correct query, or the columns."
    )


def lost(text: str, where: str) -> SourceError:
    return SourceError(
        f"{where} broke off while it was read: {text}",
        code="E371",
        hint="Nothing of this source was loaded. Check the server, then run again.",
    )
