"""How a scan's columns fit the table that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline_cli.errors import LoadError, SourceError
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.sources.column_types import ColumnType, column_name
from pipeline_cli.sources.scan import ColumnSpec

# What is declared, and a table's type that takes all of it as it is.
_FITS = {("double", "decimal"), ("bigint", "decimal"), ("bigint", "double"), ("wei", "decimal")}


def fit_columns(
    columns: Sequence[ColumnSpec], there: Mapping[str, ColumnType], rules: GateRules
) -> list[ColumnSpec]:
    """The columns with the types of the table's: a value goes there exactly, or to quarantine.

    Raises LoadError where the project declares another type than the table has.
    """
    return [_fit(column, there[column.name], rules) for column in columns]


def _fit(column: ColumnSpec, there: ColumnType, rules: GateRules) -> ColumnSpec:
    data_type, precision, scale = there
    differs = column.data_type != data_type and (column.data_type, data_type) not in _FITS
    if column.is_declared and differs:
        raise LoadError(
            f"{rules.source}.{rules.resource}: the column {column.name} of {rules.dataset}.{rules.table} is"
            f" {data_type}, and the project now says {column.data_type}.",
            code="E324",
            hint="pipeline-cli run PIPELINE --full-refresh makes the table anew and reads everything again.",
        )
    return replace(column, data_type=data_type, precision=precision, scale=scale)


def refuse_collisions(columns: Sequence[ColumnSpec], rules: GateRules) -> None:
    """Raise SourceError for names that become one column, or none, or one of ours."""
    from pipeline_cli.contracts.columns import METADATA_COLUMNS

    seen: dict[str, str] = {}
    where = f"{rules.source}.{rules.resource}"
    for column in columns:
        if column.name in seen:
            raise SourceError(
                f"{where}: {seen[column.name]!r} and {column.source!r} would both be the column {column.name}.",
                code="E344",
                hint="Rename one of them in the source.",
            )
        if column.name in METADATA_COLUMNS or column.name.startswith("_dlt_") or not column.name:
            raise SourceError(
                f"{where}: {column.source!r} cannot be a column: the name {column.name!r} is ours or dlt's.",
                code="E344",
                hint="Rename it in the source.",
            )
        if column.name == "rowid" and rules.disposition in ("merge", "scd2"):
            raise SourceError(
                f"{where}: {column.source!r} cannot be a column of a table that is merged by key: in DuckDB it is"
                " the address of a row, by which the merge tells rows apart.",
                code="E344",
                hint="Rename it in the source, or use append or replace.",
            )
        seen[column.name] = column.source


def require_keys(columns: Sequence[ColumnSpec], rules: GateRules) -> None:
    """Raise SourceError where a part of the primary key is none of the columns, by either of its names."""
    names = {name for column in columns for name in (column.source, column.name)}
    for key in rules.primary_key:
        if key not in names and column_name(key) not in names:
            known = ", ".join(column.source for column in columns)
            raise SourceError(
                f"{rules.source}.{rules.resource}: primary_key {key!r} is none of its columns: {known}.",
                code="E345",
                hint="Correct primary_key, or the source.",
            )
