"""Queries written for an environment, asked of a copy of it: the models they name stand in the copy's schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pipeline_cli.destinations.base import Connection, Fetched, Warehouse, quote
from pipeline_cli.project import Project

_CURSOR = re.compile(r"\s*DECLARE\s.*?\sFOR\s", re.IGNORECASE | re.DOTALL)


def connect_placed(project: Project, warehouse: Warehouse) -> Connection:
    """A connection whose SELECTs read the models of the project's environment, by the schemas that they say."""
    connection = warehouse.connect()
    return _PlacedConnection(connection, project, warehouse) if project.is_copy else connection


class _PlacedConnection:
    """A Connection (destinations/base.py)."""

    def __init__(self, connection: Connection, project: Project, warehouse: Warehouse) -> None:
        self._connection = connection
        self._project = project
        self._warehouse = warehouse
        self._known: dict[str, str] = {}

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.query(self._place(sql), parameters)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(self._place(sql), parameters)

    def fetch(self, sql: str) -> AbstractContextManager[Fetched]:
        return self._connection.fetch(self._place(sql))

    def snapshot(self) -> AbstractContextManager[None]:
        return self._connection.snapshot()

    def transaction(self) -> AbstractContextManager[None]:
        return self._connection.transaction()

    def close(self) -> None:
        self._connection.close()

    def _place(self, sql: str) -> str:
        if sql not in self._known:
            self._known[sql] = place_tables(sql, self._warehouse.type, self._places(sql))
        return self._known[sql]

    def _places(self, sql: str) -> Mapping[tuple[str, str], str]:
        """(schema, table) -> the copy's schema, of the tables that the copy has."""
        asked = _CURSOR.sub("", sql)
        named = {(schema, table) for _, schema, table in _dotted(asked, self._warehouse.type)}
        schemas = sorted({self._project.model_schema(schema) for schema, _ in named})
        there = set(self._warehouse.relations(schemas))
        places = {name: self._project.model_schema(name[0]) for name in named}
        return {name: schema for name, schema in places.items() if (schema, name[1]) in there}


def place_tables(sql: str, dialect: str, places: Mapping[tuple[str, str], str]) -> str:
    """The statement with other schemas: only their names change, every other character stays."""
    cursor = _CURSOR.match(sql)
    if cursor is not None:  # SQLGlot takes all of such a statement for one token
        return cursor[0] + place_tables(sql[cursor.end() :], dialect, places)
    for token, schema, table in reversed(list(_dotted(sql, dialect))):
        if (schema, table) in places:
            sql = f"{sql[: token.start]}{quote(places[schema, table])}{sql[token.end + 1 :]}"
    return sql


def _dotted(sql: str, dialect: str) -> Iterator[tuple[Any, str, str]]:
    """(the schema's token, schema, table) of every `schema.table`, quoted or not; also of every `table.column`."""
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.tokens import TokenType

    tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    no_names = (TokenType.STRING, TokenType.NUMBER, TokenType.DOT)
    for place in range(len(tokens) - 2):
        first, dot, second = tokens[place : place + 3]
        after_dot = place > 0 and tokens[place - 1].token_type == TokenType.DOT
        if dot.token_type == TokenType.DOT and first.token_type not in no_names and not after_dot:
            yield first, _folded(first), _folded(second)


def _folded(token: Any) -> str:
    """The name as the database has it: what is not quoted is in small letters."""
    from sqlglot.tokens import TokenType

    return str(token.text if token.token_type == TokenType.IDENTIFIER else token.text.lower())
