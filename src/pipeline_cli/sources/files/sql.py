"""Text as SQL: literals and lists of them, so that no statement needs a parameter."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline_cli.destinations.base import literal

# The relation's columns that hold a row's file, and its line where that is needed. Nothing of these names is left in
# a table's column name (names.py), so no column of a file is called so.
FILE, LINE = "__", "___"


def literals(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def path_literal(path: str) -> str:
    """A path that DuckDB opens as it is: `[`, `*` and `?` stand for themselves."""
    return literal("".join(f"[{char}]" if char in "[*?" else char for char in path))


def columns_struct(names: Iterable[str]) -> str:
    """All of them as text, for read_csv's `columns`."""
    return "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"
