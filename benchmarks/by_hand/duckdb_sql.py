"""Statements on a DuckDB file and nothing else: python duckdb_sql.py WAREHOUSE STATEMENT…"""

from __future__ import annotations

import sys

import duckdb

if __name__ == "__main__":
    with duckdb.connect(sys.argv[1]) as connection:
        for statement in sys.argv[2:]:
            connection.execute(statement)
