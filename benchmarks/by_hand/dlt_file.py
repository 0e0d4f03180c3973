"""A CSV file loaded with dlt as its documentation shows it: python dlt_file.py FILE DESTINATION CREDENTIALS

Read by DuckDB into Arrow (dlt's fastest reader of CSV), without contracts, quarantine, counts or recovery.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.filesystem import filesystem, read_csv_duckdb

if __name__ == "__main__":
    path, kind, credentials = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    files = filesystem(bucket_url=str(path.parent), file_glob=path.name)
    orders = (files | read_csv_duckdb(use_pyarrow=True)).with_name("orders")
    destination = {"duckdb": dlt.destinations.duckdb, "postgres": dlt.destinations.postgres}[kind](
        credentials
    )
    pipeline = dlt.pipeline(
        "bench", pipelines_dir="dlt", destination=destination, dataset_name="bronze_files"
    )
    pipeline.run(orders)
