"""Records on their way through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.pages import ReceivedPage

REJECTED = "_pipeline_cli_rejected"  # carries a rejected record past dlt's incremental step


class Page(list[Record]):
    """Rows to write; `received` are the page's good records as they came, for dependent resources."""

    received: Sequence[Record] = ()


def received_page(item: Any) -> ReceivedPage | None:
    """The page that a source gives undecoded; None where it gives records."""
    first = item[0] if isinstance(item, list) and len(item) == 1 else None
    return first if isinstance(first, ReceivedPage) else None


def to_records(item: Any) -> list[Record]:
    """What a source yields at once, as records: a dict, a list, an Arrow table or a data frame."""
    if hasattr(item, "to_pylist"):
        item = item.to_pylist()
    elif hasattr(item, "to_dict") and hasattr(item, "columns"):
        item = item.to_dict("records")
    rows = item if isinstance(item, list) else [item]
    return [row if isinstance(row, dict) else {"value": row} for row in rows]


def value_at(record: Record, path: str) -> Any:
    """The value at a field name or a simple JSONPath ("updated.at"); None where there is none."""
    if path in record:
        return record[path]
    current: Any = record
    for step in path.removeprefix("$.").split("."):
        if not isinstance(current, dict):
            return None
        current = current.get(step)
    return current
