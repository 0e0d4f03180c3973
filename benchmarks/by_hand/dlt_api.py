"""An API loaded with dlt's rest_api as its documentation shows it: python dlt_api.py URL DESTINATION CREDENTIALS

Child tables included; without contracts, metadata, quarantine, counts or recovery.
"""

from __future__ import annotations

import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.rest_api import rest_api_source

if __name__ == "__main__":
    url, kind, credentials = sys.argv[1:4]
    paginator = {"type": "page_number", "base_page": 1, "total_path": None}
    source = rest_api_source(
        {
            "client": {"base_url": url, "paginator": paginator},
            "resources": [{"name": "orders", "endpoint": {"path": "orders"}}],
        }
    )
    destination = {"duckdb": dlt.destinations.duckdb, "postgres": dlt.destinations.postgres}[kind](
        credentials
    )
    pipeline = dlt.pipeline("bench", pipelines_dir="dlt", destination=destination, dataset_name="bronze_api")
    pipeline.run(source)
