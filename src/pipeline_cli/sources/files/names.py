"""The columns' names of files: each becomes one column of the table, and no two become the same."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.contracts.columns import METADATA_COLUMNS
from pipeline_cli.contracts.fitting import MAX_KEYS
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.column_types import column_name

# Of every table of Postgres; files are named alike wherever they are loaded to.
_OF_POSTGRES = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")
_HINT = "Rename one in the file, or give names: csv: {header: true, column_names: [...]}."


def positional_names(count: int) -> tuple[str, ...]:
    """column0, column1, …, as DuckDB and dlt call columns without names."""
    return tuple(f"column{index}" for index in range(count))


def check_names(names: Sequence[str], path: str) -> tuple[str, ...]:
    """The names, blanks around them cut; one that is empty is called by its place.

    Raises SourceError for two that are the same column, for one that no column can be called, and for too many.
    """
    if len(names) > MAX_KEYS:
        raise SourceError(
            f"{path} has {len(names):,} columns, and a table takes {MAX_KEYS:,}.",
            code="E367",
            hint="Cut it into files of fewer columns, or write it with a row for each value.",
        )
    checked = tuple(name.strip() or f"column{index}" for index, name in enumerate(names))
    if len(set(checked)) < len(checked):
        twice = next(name for name in checked if checked.count(name) > 1)
        raise SourceError(f"{path} has two columns of one name: {twice!r}.", code="E367", hint=_HINT)
    problems = name_problems(checked)
    if problems:
        raise SourceError(f"{path}: {next(iter(problems.values()))}.", code="E367", hint=_HINT)
    return checked


def name_problems(names: Sequence[str]) -> dict[str, str]:
    """What is wrong with each name that cannot be a column, or only one that an earlier name is already."""
    problems: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        column = column_name(name)
        if not column or "\0" in name:
            problems[name] = f"no column can be called {name!r}"
        elif column.startswith("_dlt_") or column in METADATA_COLUMNS:
            problems[name] = f"{name!r} is a name that is kept for metadata"
        elif column in _OF_POSTGRES:
            problems[name] = f"{name!r} is a name that Postgres keeps for itself"
        elif taken.setdefault(column, name) != name:
            problems[name] = f"{taken[column]!r} and {name!r} would both be the column {column}"
    return problems
