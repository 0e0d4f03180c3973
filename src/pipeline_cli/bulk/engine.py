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
    return engine
