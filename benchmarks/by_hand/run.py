"""The two reference systems as one would write them by hand: dlt, SQLMesh and dbt in one process, on DuckDB.

    python run.py TRANSFORMS_DIR FAKESTORE_URL CRM_URL      (state goes to the working directory)

It does what `pipeline-cli run` does for the same data and the same models, without contracts, quarantine,
counts, ledger, locks or recovery. It is written to be fast: one process, imports paid once, telemetry off.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"

WAREHOUSE = "warehouse.duckdb"


def load_source(name: str, base_url: str, resources: list[dict[str, Any]], keep_raw: bool) -> None:
    """Merge every resource of one API into bronze_<name>."""
    import dlt
    from dlt.sources.rest_api import rest_api_source

    extracted_at = datetime.now(UTC)

    def add_metadata(record: dict[str, Any]) -> dict[str, Any]:
        raw = {"_raw": json.dumps(record)} if keep_raw else {}
        return {**record, **raw, "_run_id": "by-hand", "_extracted_at": extracted_at, "_source": name}

    client = {"base_url": base_url, "paginator": "single_page"}
    source = rest_api_source({"client": client, "resources": resources}, name=name)
    for resource in source.resources.values():
        resource.add_map(add_metadata)
        if keep_raw:
            resource.apply_hints(columns={"_raw": {"data_type": "json"}})
    pipeline = dlt.pipeline(
        name,
        pipelines_dir="dlt",
        destination=dlt.destinations.duckdb(WAREHOUSE, destination_name="duckdb"),
        dataset_name=f"bronze_{name}",
    )
    pipeline.run(source)


def load_fakestore(base_url: str) -> None:
    merge = {"primary_key": "id", "write_disposition": "merge"}
    prices = {"price": {"data_type": "decimal"}, "rating__rate": {"data_type": "double"}}
    cursor = {"cursor_path": "date", "initial_value": "2019-01-01", "lag": 86_400}
    carts = {"path": "carts", "params": {"startdate": "{incremental.start_value}"}, "incremental": cursor}
    resources = [
        {"name": "products", "columns": prices, **merge},
        {"name": "users", **merge},
        {"name": "carts", "endpoint": carts, **merge},
    ]
    load_source("fakestore", base_url, resources, keep_raw=True)


def load_crm(base_url: str) -> None:
    columns: dict[str, Any] = {
        "customers": {},
        "purchases": {"amount": {"data_type": "decimal"}, "date": {"data_type": "date"}},
        "products": {"price": {"data_type": "decimal"}},
    }
    resources = [
        {"name": name, "columns": types, "primary_key": f"{name[:-1]}_id", "write_disposition": "merge"}
        for name, types in columns.items()
    ]
    load_source("crm", base_url, resources, keep_raw=False)


def build_fakestore(folder: Path) -> None:
    """SQLMesh: plan what changed, then run so that today's rows appear; audits come with the models."""
    from sqlmesh import Context
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

    gateway = GatewayConfig(connection=DuckDBConnectionConfig(database=WAREHOUSE))
    config = Config(
        gateways={"duckdb": gateway},
        default_gateway="duckdb",
        model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2019-01-01", allow_partials=True),
        cache_dir=str(Path("sqlmesh-cache").absolute()),
    )
    context = Context(paths=[str(folder)], config=config)
    context.plan(auto_apply=True, no_prompts=True)
    if not context.run(ignore_cron=True).is_success:
        sys.exit("sqlmesh run failed")
    context.close()


def build_crm(folder: Path) -> None:
    """dbt build: models and tests."""
    from dbt.cli.main import dbtRunner

    output = f"{{type: duckdb, path: {WAREHOUSE}, schema: main, threads: 1}}"
    Path("profiles.yml").write_text(f"crm: {{target: dev, outputs: {{dev: {output}}}}}\n")
    state = [
        "--profiles-dir",
        ".",
        "--project-dir",
        str(folder),
        "--target-path",
        str(Path("target").absolute()),
    ]
    quiet = ["--quiet", "--no-version-check", "--no-send-anonymous-usage-stats", "--log-path", "logs"]
    if not dbtRunner().invoke([*quiet, "build", *state]).success:
        sys.exit("dbt build failed")


def main() -> None:
    transforms, fakestore_url, crm_url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    load_fakestore(fakestore_url)
    load_crm(crm_url)
    build_fakestore(transforms / "fakestore")
    build_crm(transforms / "crm")


if __name__ == "__main__":
    main()
