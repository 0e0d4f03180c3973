"""Which columns of which tables a query's columns are made of, by SQLGlot's reading of it.

Only what a value is made of counts: what a query joins on, filters or groups by decides which rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

TableName = tuple[str, str]  # schema, name
ColumnName = tuple[str, str, str]  # schema, table, column
ROWS = "*"  # instead of a column's name: COUNT(*) is made of a table's rows

Columns = Mapping[TableName, Iterable[str]]


@dataclass(frozen=True, slots=True)
class Traced:
    """columns: what each of the query's columns is made of, in the query's order. tables: all that it reads."""

    columns: Mapping[str, frozenset[ColumnName]]
    tables: frozenset[TableName]


def trace_query(sql: str, dialect: str, known: Columns, *, ones_are_rows: bool = False) -> Traced | None:
    """Trace a SELECT; None where SQLGlot cannot read it.

    dialect: SQLGlot's name of it. known: the columns of the tables that the query may read; without those of a
    table, a name that could be of two tables stays untraced, and `*` of that table gives nothing.
    ones_are_rows: `1 AS orders` is there to be added up, so it is made of rows.
    """
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    # It warns of each dialect's leftovers on stderr.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
        read = set()
        for table in query.find_all(sqlglot.exp.Table):
            table.set("catalog", None)
            read.add((table.db.lower(), table.name.lower()))
        # Its own normalizing parses each name; and most tables are none of the query's.
        schema = MappingSchema(_schema(known, read, dialect), dialect=dialect, normalize=False)
        query = qualify(
            query,
            dialect=dialect,
            schema=schema,
            infer_schema=True,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        scope = build_scope(query)
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError):
        return None
    if scope is None:
        return None
    tracer = _Tracer(ones_are_rows)
    names = [name for name in query.named_selects if name and name != ROWS]
    return Traced({name: tracer.column(scope, name) for name in names}, tracer.tables_of(scope))


def _schema(known: Columns, read: set[TableName], dialect: str) -> dict[str, dict[str, dict[str, str]]]:
    """The columns of the tables that are read, as SQLGlot takes them. DuckDB's names have no capitals to it."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (schema, table), columns in known.items():
        if (schema.lower(), table.lower()) in read:
            names = [name.lower() for name in columns] if dialect == "duckdb" else list(columns)
            if names:
                found.setdefault(schema, {})[table] = dict.fromkeys(names, "UNKNOWN")
    return found


@dataclass(slots=True)
class _Tracer:
    """Walks SQLGlot's scopes: each is one SELECT, its sources are tables or the scopes of other SELECTs."""

    ones_are_rows: bool = False
    _done: dict[tuple[int, str], frozenset[ColumnName]] = field(default_factory=dict)

    def column(self, scope: Any, name: str) -> frozenset[ColumnName]:
        """What a scope's output column is made of."""
        key = (id(scope), name)
        if key not in self._done:
            self._done[key] = frozenset()  # a recursive CTE comes back to itself
            self._done[key] = frozenset(self._column(scope, name))
        return self._done[key]

    def tables_of(self, scope: Any) -> frozenset[TableName]:
        from sqlglot import exp

        return frozenset(
            (source.db, source.name)
            for each in scope.traverse()
            for source in each.sources.values()
            if isinstance(source, exp.Table) and source.name
        )

    def _column(self, scope: Any, name: str) -> Iterable[ColumnName]:
        from sqlglot import exp

        if scope.union_scopes:
            names = scope.expression.named_selects
            place = names.index(name) if name in names else -1
            for part in scope.union_scopes:
                selects = part.expression.named_selects
                if 0 <= place < len(selects):
                    yield from self.column(part, selects[place])
            return
        if scope.is_udtf:
            yield from self._inside(scope.expression, scope)
            return
        for select in scope.expression.selects:
            if isinstance(select, exp.Star) or select.is_star:
                # Of a table whose columns nobody knows: the name can only be its own.
                if len(scope.selected_sources) == 1:
                    yield from self._from(next(iter(scope.sources.values())), name, scope)
            elif select.alias_or_name == name:
                if self.ones_are_rows and select.unalias() == exp.Literal.number(1):
                    yield from self._rows(scope)
                yield from self._inside(select, scope)
                return

    def _inside(self, expression: Any, scope: Any) -> Iterable[ColumnName]:
        """What an expression of a scope is made of: its columns, subqueries and counted rows."""
        from sqlglot import exp

        subqueries = {id(each.expression): each for each in (*scope.subquery_scopes, *scope.udtf_scopes)}
        waiting = [expression]
        while waiting:
            node = waiting.pop()
            if id(node) in subqueries and node is not scope.expression:
                inner = subqueries[id(node)]
                for name in node.named_selects:
                    yield from self.column(inner, name)
                continue
            if isinstance(node, exp.Column):
                yield from self._referred(node, scope)
                continue
            if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
                yield from self._rows(scope)
            waiting += [child for child in node.iter_expressions() if not isinstance(child, exp.TableAlias)]

    def _referred(self, column: Any, scope: Any) -> Iterable[ColumnName]:
        """What a column named in a scope is made of; a correlated one is of a scope around it."""
        around = scope
        while around is not None:
            if column.table in around.sources:
                yield from self._from(around.sources[column.table], column.name, around)
                return
            around = around.parent

    def _from(self, source: Any, name: str, scope: Any) -> Iterable[ColumnName]:
        """What a column of one of a scope's sources is made of: a table, a function's rows, another SELECT."""
        from sqlglot import exp

        if not isinstance(source, exp.Table):
            yield from self.column(source, name)
        elif isinstance(source.this, exp.Identifier):
            yield (source.db, source.name, name)
        else:
            yield from self._inside(source.this, scope)

    def _rows(self, scope: Any) -> Iterable[ColumnName]:
        """Whose rows a SELECT's are: those of what stands after FROM; joins only add to them or leave some out."""
        from sqlglot import exp

        if scope.union_scopes:
            for part in scope.union_scopes:
                yield from self._rows(part)
            return
        first = scope.expression.find(exp.From)
        source = scope.sources.get(first.this.alias_or_name) if first is not None else None
        if not isinstance(source, exp.Table):
            if source is not None and not source.is_udtf:
                yield from self._rows(source)
        elif isinstance(source.this, exp.Identifier):
            yield (source.db, source.name, ROWS)
