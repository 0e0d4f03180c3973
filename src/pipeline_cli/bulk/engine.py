"""A DuckDB in memory, for reading scans where no DuckDB file is the warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import literal, quote


def open_engine(folder: Path) -> Any:
    """A new connection, to close. folder: for what does not fit in memory; it downloads nothing."""
    import duckdb

    engine = duckdb.connect(":memory:")
    settings = {
        "TimeZone": "UTC",
        "autoinstall_known_extensions": "false",
        "temp_directory": str(folder),
        "extension_directory": str(folder),
        "secret_directory": str(folder),
    }
    for name, value in settings.items():
        engine.execute(f"SET GLOBAL {quote(name)} = {literal(value)}")
    tell_progress(engine)
    return engine


def tell_progress(engine: Any) -> None:
    """Let `query_progress()` of this connection answer, which it does only with the bar that we do not print."""
    engine.execute("SET enable_progress_bar = true")
    engine.execute("SET enable_progress_bar_print = false")
