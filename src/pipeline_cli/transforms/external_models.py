"""Bronze tables as SQLMesh's external models, from dlt's schema."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from pipeline_cli.transforms.base import BronzeTable

FILE_NAME = "external_models.yaml"
_HEADER = "# Written by pipeline-cli from what is loaded; changes are overwritten.\n"

# dlt's data types in DuckDB's dialect, which the models are written in; SQLMesh translates for Postgres.
_TYPES = {
    "text": "TEXT",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "time": "TIME",
    "decimal": "DECIMAL(38, 9)",
    "wei": "DECIMAL(38, 0)",
    "binary": "BLOB",
    "json": "JSON",
}


def render_external_models(tables: Iterable[BronzeTable]) -> str:
    """The file's text: each table with its columns, in the order of the names."""
    entries = [
        {
            "name": f'"{table.dataset}"."{table.name}"',
            "columns": {name: _TYPES[data_type] for name, data_type in table.columns.items()},
        }
        for table in sorted(tables, key=lambda table: (table.dataset, table.name))
    ]
    return _HEADER + yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)


def write_external_models(folder: Path, tables: Iterable[BronzeTable]) -> None:
    """Bring the project's file up to date; it is touched only when its text changes (SQLMesh caches by time)."""
    path = folder / FILE_NAME
    text = render_external_models(tables)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
