"""Columns held against the row check: raw values, judged by DuckDB and by Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.judge import Judgement, judge
from pipeline_cli.contracts.predicates import compile_predicates
from pipeline_cli.contracts.texts import exact_sql, value_sql
from pipeline_cli.sources.scan import ColumnSpec


@dataclass(frozen=True)
class Seen:
    """One row: whether the predicate is certain, the values of SQL, and what the row check says."""

    certain: Any
    values: Mapping[str, Any]
    judgement: Judgement
    exact: Mapping[str, Any]


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def see(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract | None,
    specs: Sequence[ColumnSpec],
    rows: Sequence[Mapping[str, Any]],
    relation: str | None = None,
) -> list[Seen]:
    """Judge rows both ways. relation: SQL with columns r0, r1, …; without it `rows` hold texts."""
    predicates = compile_predicates(contract, specs)
    for name, each in predicates.functions.items():
        connection.create_function(
            name, each.function, each.parameters, "BOOLEAN", type="arrow", null_handling="special"
        )
    numbers = {spec.source: number for number, spec in enumerate(specs)}
    condition = predicates.sql(
        lambda spec: f"r{numbers[spec.source]}", lambda spec: f"v{numbers[spec.source]}"
    )
    exact = [exact_sql(spec, f"r{number}", f"v{number}") for number, spec in enumerate(specs)]
    values = [f"{value_sql(spec, f'r{number}')} AS v{number}" for number, spec in enumerate(specs)]
    try:
        found = connection.execute(
            f"SELECT {condition}, {', '.join(exact)}, {', '.join(f'v{n}' for n in numbers.values())} "
            f"FROM (SELECT *, {', '.join(values)} FROM ({relation or of_texts(specs, rows)})) ORDER BY n"
        ).fetchall()
    finally:
        for name in predicates.functions:
            connection.remove_function(name)
    assert len(found) == len(rows)
    names = [spec.name for spec in specs]
    return [
        Seen(
            row[0],
            dict(zip(names, row[1 + len(specs) :], strict=True)),
            judge(contract, specs, given),
            dict(zip(names, row[1 : 1 + len(specs)], strict=True)),
        )
        for row, given in zip(found, rows, strict=True)
    ]


def of_texts(specs: Sequence[ColumnSpec], rows: Sequence[Mapping[str, Any]]) -> str:
    selects = [
        "SELECT "
        + ", ".join(
            [f"{number} AS n"]
            + [f"{text_literal(row.get(spec.source))} AS r{index}" for index, spec in enumerate(specs)]
        )
        for number, row in enumerate(rows)
    ]
    return " UNION ALL ".join(selects)


def text_literal(text: str | None) -> str:
    if text is None:
        return "NULL::VARCHAR"
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\x00")]
    return "(" + " || chr(0) || ".join(parts) + ")"


def is_same(spec: ColumnSpec, sql: Any, python: Any) -> bool:
    """Whether the table would hold the same, whichever way the value went."""
    if sql is None or python is None:
        return sql is python
    if spec.data_type == "json":
        return bool(json.loads(sql) == json.loads(python))
    if spec.data_type in ("decimal", "wei"):
        return Decimal(sql) == Decimal(python)
    return type(sql) is type(python) and bool(sql == python)


Case = tuple[ColumnSpec, "Contract | None", Sequence[Any]]


def see_columns(connection: duckdb.DuckDBPyConnection, cases: Sequence[Case]) -> list[list[Seen]]:
    """Many columns in one statement, each with a contract and as many raw values of its own."""
    compiled = [compile_predicates(contract, [spec]) for spec, contract, _ in cases]
    functions = {name: each for predicates in compiled for name, each in predicates.functions.items()}
    for name, function in functions.items():
        connection.create_function(
            name, function.function, function.parameters, "BOOLEAN", type="arrow", null_handling="special"
        )
    values = [f"{value_sql(spec, f'r{index}')} AS v{index}" for index, (spec, *_) in enumerate(cases)]
    shown = [
        f"{predicates.sql(lambda _, i=index: f'r{i}', lambda _, i=index: f'v{i}')}, "  # type: ignore[misc]
        f"{exact_sql(spec, f'r{index}', f'v{index}')}, v{index}"
        for index, (predicates, (spec, *_)) in enumerate(zip(compiled, cases, strict=True))
    ]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE raws (n INTEGER, {', '.join(f'r{i} VARCHAR' for i in range(len(cases)))})"
    )
    rows = list(zip(*(raws for *_, raws in cases), strict=True))
    for at in range(0, len(rows), 500):
        numbered = enumerate(rows[at : at + 500], at)
        batch = ", ".join(f"({n}, {', '.join(map(text_literal, row))})" for n, row in numbered)
        connection.execute(f"INSERT INTO raws VALUES {batch}")
    try:
        found = connection.execute(
            f"SELECT {', '.join(shown)} FROM (SELECT *, {', '.join(values)} FROM raws) ORDER BY n"
        ).fetchall()
    finally:
        for name in functions:
            connection.remove_function(name)
    return [
        [
            Seen(
                row[3 * index],
                {"a": row[3 * index + 2]},
                judge(contract, [spec], {"a": raw}),
                {"a": row[3 * index + 1]},
            )
            for row, raw in zip(found, raws, strict=True)
        ]
        for index, (spec, contract, raws) in enumerate(cases)
    ]
