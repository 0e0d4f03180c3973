"""Small faker sources for the tests, and their rows."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

import pyarrow as pa
import yaml

from pipeline_cli.manifest.faker import FakerSource
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.sources.faker.batches import read_batches
from pipeline_cli.sources.faker.build import build_tables

HEAD = """\
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duck}}
destinations: {duck: {type: duckdb}}
pipelines: {}
sources:
"""


def read_source(root: Path, tables: str, **settings: Any) -> FakerSource:
    """A source `made` with these tables, a line each (flow style), read and checked as a manifest's."""
    keys = yaml.safe_dump({"type": "faker", **settings})
    body = f"  made:\n{indent(keys, '    ')}    resources:\n{indent(tables.strip(), '      ')}\n"
    (root / "pipelines.yaml").write_text(HEAD + body, encoding="utf-8")
    found: FakerSource = read_manifest(root, {}).manifest.sources["made"]
    return found


def generate(entry: FakerSource, table: str, *, batch_rows: int = 65_536, ahead: int = 0) -> pa.Table:
    """All rows of one table."""
    return read_batches(build_tables(entry, [table])[table], batch_rows, ahead).read_all()


def column(root: Path, keys: str, *, rows: int = 1_000, **settings: Any) -> list[Any]:
    """The values of a column that is said like this, beside id, name and day."""
    beside = "id: sequence, name: first_name, day: {date: [2025-01-01, 2025-01-31]}"
    entry = read_source(root, f"people: {{rows: {rows}, columns: {{x: {keys}, {beside}}}}}", **settings)
    values: list[Any] = generate(entry, "people")["x"].to_pylist()
    return values
