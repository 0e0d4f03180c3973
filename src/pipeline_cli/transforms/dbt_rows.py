"""The rows that a failed dbt test found: the build is taken back, and they would be gone with it."""

from __future__ import annotations

import json
from typing import Any

from pipeline_cli.secrets import mask
from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.process import shorten

_MOST_ROWS = 100


def write_found_rows(
    connection: Any, outcome: Any, test: str | None, request: TransformRequest
) -> str | None:
    """Write the first hundred rows of a test, a JSON object a line; returns the file, relative to the project.

    connection: the build's own, which sees what is not committed; test: its dbt id. None where the test found no
    rows, or they cannot be read any more.
    """
    nodes = {result.node.unique_id: result.node for result in getattr(outcome, "results", None) or []}
    query = getattr(nodes.get(test), "compiled_code", None)
    if not query:
        return None
    try:
        cursor = connection.cursor()  # DuckDB's is the connection itself: it stays open
        cursor.execute(f"SELECT * FROM (\n{query}\n) AS found LIMIT {_MOST_ROWS}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except Exception:  # of either driver: an SQL error elsewhere has ended the transaction
        return None
    file = request.project.state_dir.absolute() / "dbt" / request.name / "found" / f"{nodes[test].name}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    file.write_text(mask(text, request.project.secrets), encoding="utf-8")
    return shorten(file, request)
