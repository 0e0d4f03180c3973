"""What the destination holds already, asked page by page, so that memory does not grow with the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline_cli.destinations.base import quote


def known_hashes(
    connect: Callable[[], Any], dataset: str, tables: frozenset[str]
) -> Callable[[str, str, Sequence[str]], set[str]]:
    """A lookup of (table, column, values): which of the values the table's current rows hold already."""

    def find(table: str, column: str, values: Sequence[str]) -> set[str]:
        if table not in tables or not values:
            return set()
        found: set[str] = set()
        connection = connect()
        try:
            for start in range(0, len(values), 1_000):
                some = list(values[start : start + 1_000])
                marks = ", ".join("?" * len(some))
                statement = (
                    f"SELECT {quote(column)} FROM {quote(dataset, table)} WHERE {quote(column)} IN ({marks})"
                )
                found.update(row[0] for row in connection.query(statement, some))
        finally:
            connection.close()
        return found

    return find


def current_versions(
    connect: Callable[[], Any], dataset: str, tables: frozenset[str], normalize: Callable[[str], str]
) -> Callable[[str, Mapping[str, Any]], str | None]:
    """A lookup of (table, key) in scd2 tables: the row id of the key's current version, None where it has none.

    key: value by field; normalize: from a field to its column.
    """

    def find(table: str, key: Mapping[str, Any]) -> str | None:
        if table not in tables or any(value is None for value in key.values()):
            return None
        # As texts: a rejected record's key may be of any type, and comparing those is an error to the database.
        matches = " AND ".join(f"CAST({quote(normalize(name))} AS text) = ?" for name in key)
        statement = (
            f'SELECT "_dlt_id" FROM {quote(dataset, table)} WHERE "_dlt_valid_to" IS NULL AND {matches}'
        )
        connection = connect()
        try:
            found = connection.query(statement, [str(value) for value in key.values()])
        finally:
            connection.close()
        return str(found[0][0]) if found else None

    return find
