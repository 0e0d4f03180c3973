"""Which columns a query's columns are made of: each statement with its answer written by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline_cli.lineage.tracing import trace_query

AB = {("s", "a"): ["id", "x"], ("s", "b"): ["id", "y"]}


def trace(sql: str, known: Mapping | None = None, dialect: str = "duckdb") -> dict[str, set[str]]:
    """Column to `table.column`s, all of schema s."""
    traced = trace_query(sql, dialect, known or {})
    assert traced is not None, sql
    assert {schema for schema, _ in traced.tables} <= {"s"}
    return {
        name: {f"{table}.{column}" for _, table, column in origins}
        for name, origins in traced.columns.items()
    }


CASES: dict[str, tuple[str, dict[str, set[str]]]] = {
    "a plain column": ("SELECT x FROM s.a", {"x": {"a.x"}}),
    "an expression of two": ("SELECT x + id AS z FROM s.a", {"z": {"a.x", "a.id"}}),
    "a star": ("SELECT * FROM s.a", {"id": {"a.id"}, "x": {"a.x"}}),
    "a star without a column": ("SELECT * EXCLUDE (id), id + 1 AS k FROM s.a", {"x": {"a.x"}, "k": {"a.id"}}),
    "a star of one of two": (
        "SELECT b.* FROM s.a AS a JOIN s.b AS b ON a.id = b.id",
        {"id": {"b.id"}, "y": {"b.y"}},
    ),
    "unqualified columns of two tables": (
        "SELECT x, y FROM s.a JOIN s.b USING (id)",
        {"x": {"a.x"}, "y": {"b.y"}},
    ),
    "the key of a USING": ("SELECT id FROM s.a JOIN s.b USING (id)", {"id": {"a.id", "b.id"}}),
    "what is joined on does not count": (
        "SELECT a.x FROM s.a AS a JOIN s.b AS b ON a.id = b.id WHERE b.y > 1",
        {"x": {"a.x"}},
    ),
    "a CTE": ("WITH q AS (SELECT x AS k FROM s.a) SELECT k FROM q", {"k": {"a.x"}}),
    "a CTE on a CTE": (
        "WITH q AS (SELECT x FROM s.a), r AS (SELECT x * 2 AS z FROM q) SELECT z FROM r",
        {"z": {"a.x"}},
    ),
    "a CTE that comes back to itself": (
        "WITH RECURSIVE r AS (SELECT 1 AS n, id FROM s.a UNION ALL SELECT n + 1, id FROM r) SELECT n, id FROM r",
        {"n": set(), "id": {"a.id"}},
    ),
    "a union goes by place, not by name": (
        "SELECT x FROM s.a UNION ALL SELECT y FROM s.b",
        {"x": {"a.x", "b.y"}},
    ),
    "an alias used beside": ("SELECT x AS k, k + 1 AS j FROM s.a", {"k": {"a.x"}, "j": {"a.x"}}),
    "a condition decides the value": ("SELECT CASE WHEN x > 1 THEN 'a' END AS c FROM s.a", {"c": {"a.x"}}),
    "an aggregate with a filter": (
        "SELECT SUM(x) FILTER (WHERE id > 1) AS t FROM s.a",
        {"t": {"a.x", "a.id"}},
    ),
    "a window's order and parts": (
        "SELECT ROW_NUMBER() OVER (PARTITION BY id ORDER BY x) AS n FROM s.a",
        {"n": {"a.id", "a.x"}},
    ),
    "counted rows": ("SELECT COUNT(*) AS n FROM s.a", {"n": {"a.*"}}),
    "counted rows of a join are those of its first table": (
        "SELECT COUNT(*) AS n FROM s.a AS a JOIN s.b AS b ON a.id = b.id",
        {"n": {"a.*"}},
    ),
    "counted rows of a union": (
        "SELECT COUNT(*) AS n FROM (SELECT x FROM s.a UNION ALL SELECT y FROM s.b)",
        {"n": {"a.*", "b.*"}},
    ),
    "constants": ("SELECT 1 AS one, 'x' AS kind FROM s.a", {"one": set(), "kind": set()}),
    "a counted column": ("SELECT COUNT(x) AS n FROM s.a", {"n": {"a.x"}}),
    "a subquery for a value": (
        "SELECT (SELECT MAX(b.y) FROM s.b AS b WHERE b.id = a.id) AS m FROM s.a AS a",
        {"m": {"b.y"}},
    ),
    "elements of a list": ("SELECT u.v FROM s.a AS a, UNNEST(a.x) AS u(v)", {"v": {"a.x"}}),
    "a series between columns": (
        "SELECT t.d FROM s.a AS a, GENERATE_SERIES(a.id, a.x, 1) AS t(d)",
        {"d": {"a.id", "a.x"}},
    ),
    "a field of JSON": ("SELECT x ->> '$.k' AS k FROM s.a", {"k": {"a.x"}}),
    "a constant and a clock": ("SELECT 'a' AS c, CURRENT_DATE AS d FROM s.a", {"c": set(), "d": set()}),
    "a name with its database": ("SELECT x FROM warehouse.s.a", {"x": {"a.x"}}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_columns_origins_are_found(name: str) -> None:
    sql, expected = CASES[name]
    assert trace(sql, AB) == expected


def test_without_known_columns_a_single_table_is_traced_all_the_same() -> None:
    assert trace("SELECT x, y + 1 AS z FROM s.a") == {"x": {"a.x"}, "z": {"a.y"}}
    assert trace("SELECT * FROM s.a") == {}
    assert trace("SELECT k FROM (SELECT * FROM s.a)") == {"k": {"a.k"}}


def test_a_one_in_each_row_counts_rows_where_it_is_there_to_be_added_up() -> None:
    sql = "SELECT x, 1 AS n FROM s.a UNION ALL SELECT NULL AS x, CAST(NULL AS BIGINT) AS n FROM s.b"
    traced = trace_query(sql, "duckdb", AB, ones_are_rows=True)
    assert traced is not None
    assert traced.columns == {"x": {("s", "a", "x")}, "n": {("s", "a", "*")}}


def test_postgres_is_read_as_postgres() -> None:
    sql = "SELECT DISTINCT ON (id) x::jsonb #>> '{k}' AS k, id FROM s.a ORDER BY id"
    assert trace(sql, AB, "postgres") == {"k": {"a.x"}, "id": {"a.id"}}


@pytest.mark.parametrize(
    "sql", ["", "SELEC x FRO", "SELECT (", "DELETE FROM s.a", "SELECT 1; SELECT 2", "\0"]
)
def test_what_is_no_select_is_none_and_no_exception(sql: str) -> None:
    traced = trace_query(sql, "duckdb", AB)
    assert traced is None or not any(traced.columns.values())


def test_the_tables_that_a_query_reads_are_told_joined_ones_too() -> None:
    traced = trace_query("SELECT a.x FROM s.a AS a SEMI JOIN t.c AS c ON a.id = c.id", "duckdb", {})
    assert traced is not None
    assert traced.tables == {("s", "a"), ("t", "c")}


def test_sqlglots_own_lineage_says_the_same_of_columns() -> None:
    """A second reading: what SQLGlot's lineage function gives for each case whose columns are of tables."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    schema = {"s": {"a": {"id": "int", "x": "int"}, "b": {"id": "int", "y": "int"}}}
    compared = 0
    for sql, expected in CASES.values():
        for column, origins in expected.items():
            if any(word in sql for word in ("UNNEST", "GENERATE_SERIES", "warehouse", "RECURSIVE")):
                continue  # SQLGlot's function stops at these
            try:
                leaves = list(lineage(column, sql, schema=schema, dialect="duckdb").walk())
            except (SqlglotError, ValueError):
                continue
            found = {
                f"{node.expression.name}.{exp.to_column(node.name).name}"
                for node in leaves
                if not node.downstream and isinstance(node.expression, exp.Table)
            }
            assert found == {origin for origin in origins if not origin.endswith("*")}, (sql, column)
            compared += 1
    assert compared > 20
