"""The columns' names of files: each becomes one column of the table, and no two become the same."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.contracts.columns import METADATA_COLUMNS
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.column_types import column_name

_HINT = "Rename one in the file, or give names: csv: {header: true, column_names: [...]}."


def positional_names(count: int) -> tuple[str, ...]:
    """column0, column1, …, as DuckDB and dlt call columns without names."""
    return tuple(f"column{index}" for index in range(count))


def check_names(names: Sequence[str], path: str) -> tuple[str, ...]:
    """The names, blanks around them cut; one that is empty is called by its place.

    Raises SourceError for two that are the same column, and for one that no column can be called.
    """
    seen: dict[str, str] = {}
    checked = []
    for index, raw in enumerate(names):
        name = raw.strip() or f"column{index}"
        column = column_name(name)
        if not column or "\0" in name:
            raise _refuse(f"{path}: no column can be called {name!r}.")
        if column.startswith("_dlt_") or column in METADATA_COLUMNS:
            raise _refuse(f"{path}: the column {name!r} has a name that is kept for metadata.")
        if column in seen:
            same = (
                f"twice {name!r}" if seen[column] == name else f"{seen[column]!r} and {name!r}, both {column}"
            )
            raise _refuse(f"{path} has two columns of one name: {same}.")
        seen[column] = name
        checked.append(name)
    return tuple(checked)


def _refuse(message: str) -> SourceError:
    return SourceError(message, code="E367", hint=_HINT)
