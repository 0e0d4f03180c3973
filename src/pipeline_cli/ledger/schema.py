"""What a table of the ledger is, and the SQL that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "bigint", "float", "boolean", "time", "json", "id"]
Dialect = Literal["sqlite", "postgres"]

# The declared type is what SQLite's values are read by, too (connection.py).
_TYPES: Mapping[Dialect, Mapping[Kind, str]] = {
    "sqlite": {"time": "DATETIME", "id": "INTEGER"},
    "postgres": {"time": "TIMESTAMP WITH TIME ZONE", "id": "SERIAL"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """kind `id`: a number that the database gives; `time`: UTC. Without `optional`, NULL is refused."""

    name: str
    kind: Kind = "text"
    optional: bool = False
    references: str = ""
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """key: the columns of the primary key. indexes: name -> columns."""

    name: str
    columns: Sequence[Column]
    key: Sequence[str] = ()
    indexes: Mapping[str, Sequence[str]] | None = None

    def definition(self, dialect: Dialect) -> list[str]:
        """The statements that make the table and its indexes."""
        lines = [_column(column, dialect) for column in self.columns]
        if self.key:
            lines.append(f"PRIMARY KEY ({_quoted(self.key)})")
        made = [f"CREATE TABLE {self.name} ({', '.join(lines)})"]
        for name, columns in (self.indexes or {}).items():
            made.append(f"CREATE INDEX {name} ON {self.name} ({_quoted(columns)})")
        return made

    def insertion(self, names: Sequence[str]) -> str:
        """The statement that writes a row with these columns."""
        marks = ", ".join(f":{name}" for name in names)
        return f"INSERT INTO {self.name} ({_quoted(names)}) VALUES ({marks})"

    @property
    def is_key(self) -> str:
        """The condition that a row has a key."""
        return " AND ".join(f'"{name}" = :{name}' for name in self.key)


def _column(column: Column, dialect: Dialect) -> str:
    kind = _TYPES[dialect].get(column.kind, column.kind.upper())
    null = "" if column.optional else " NOT NULL"
    unique = " UNIQUE" if column.unique else ""
    references = f" REFERENCES {column.references} ON DELETE CASCADE" if column.references else ""
    return f'"{column.name}" {kind}{null}{unique}{references}'


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
