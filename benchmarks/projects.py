"""Our side: project folders with a real pipelines.yaml, and the real command."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

PIPELINE_CLI = str(Path(sys.executable).with_name("pipeline-cli"))
POSTGRES_URL = "BENCH_POSTGRES_URL"
DESTINATIONS = {
    "duckdb": "{type: duckdb, path: warehouse.duckdb}",
    "postgres": f'{{type: postgres, credentials: "${{env:{POSTGRES_URL}}}"}}',
}
MANIFEST = """\
version: 1
name: bench
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {destination}}}
sources: {{files: {source}}}
pipelines: {{bench: {{sources: [files]}}}}
"""
# dlt's types of files.COLUMNS; the baselines are given theirs as well.
TYPES: dict[str, dict[str, str | int]] = {
    "order_id": {"data_type": "bigint"},
    "customer_id": {"data_type": "bigint"},
    "transaction_id": {"data_type": "text"},
    "customer_name": {"data_type": "text"},
    "email": {"data_type": "text"},
    "payment_method": {"data_type": "text"},
    "amount": {"data_type": "decimal", "precision": 10, "scale": 2},
    "quantity": {"data_type": "bigint"},
    "score": {"data_type": "double"},
    "is_repeat": {"data_type": "bool"},
    "order_date": {"data_type": "date"},
    "created_at": {"data_type": "timestamp"},
}
# Types, ranges, lengths and two patterns, over all 12 columns.
CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["order_id", "customer_id", "transaction_id", "amount", "created_at"],
    "properties": {
        "order_id": {"type": "integer", "minimum": 0},
        "customer_id": {"type": "integer", "minimum": 0, "maximum": 10_000_000},
        "transaction_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "customer_name": {"type": "string", "minLength": 1, "maxLength": 50},
        "email": {"type": "string", "maxLength": 100, "pattern": "^[^@ ]+@[^@ ]+\\.[a-z]+$"},
        "payment_method": {"enum": ["Cash", "Credit Card", "PayPal"]},
        "amount": {"type": "number", "minimum": 0, "maximum": 2000},
        "quantity": {"type": "integer", "minimum": 0, "maximum": 60},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "is_repeat": {"type": "boolean"},
        "order_date": {"type": "string", "format": "date"},
        "created_at": {"type": "string", "format": "date-time"},
    },
}
FAKER_COLUMNS = {
    "customer_id": "sequence",
    "name": "name",
    "email": "email",
    "city": "city",
    "company": "company",
    "signed_up": {"date": ["2020-01-01", "2026-01-01"]},
}


@dataclass(frozen=True, slots=True)
class Orders:
    """The source of orders. key: rows are merged by it; None appends them."""

    key: str | None = None
    contract: bool = False


def make_orders_project(folder: Path, destination: str, orders: Orders) -> Path:
    """A project that loads the CSV files which are put into its folder `inbox`. Returns that folder."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True)
    resource: dict[str, object] = {"file_glob": "*.csv", "columns": TYPES}
    if orders.key:
        resource |= {"primary_key": [orders.key], "write_disposition": "merge"}
    if orders.contract:
        resource |= {"contract": "sources/orders.schema.json"}
        (folder / "sources").mkdir()
        (folder / "sources/orders.schema.json").write_text(json.dumps(CONTRACT))
    source: dict[str, object] = {
        "type": "filesystem",
        "bucket_url": str(inbox),
        "resources": {"orders": resource},
    }
    _write_manifest(folder, destination, source)
    return inbox


def make_faker_project(folder: Path, rows: int) -> None:
    """A project that generates so many customers, of FAKER_COLUMNS, into DuckDB."""
    customers: dict[str, object] = {"rows": rows, "columns": FAKER_COLUMNS}
    _write_manifest(folder, "duckdb", {"type": "faker", "seed": 42, "resources": {"customers": customers}})


def run_command_of(*more: str) -> list[str]:
    return [PIPELINE_CLI, "run", "--quiet", *more]


def _write_manifest(folder: Path, destination: str, source: dict[str, object]) -> None:
    text = MANIFEST.format(destination=DESTINATIONS[destination], source=json.dumps(source))
    (folder / "pipelines.yaml").write_text(text)
