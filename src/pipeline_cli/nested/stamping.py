"""The metadata columns of rows that are loaded by column, as gate/write.py puts them into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.nested.reading import PageTable
from pipeline_cli.nested.whole import Places


@dataclass(frozen=True, slots=True)
class Stamped:
    """Rows for the spool. whole: the places whose texts are JSON."""

    table: Any
    whole: Places


def stamp_rows(
    page: PageTable,
    indexes: Sequence[int],
    constants: Mapping[str, str],
    moments: Sequence[datetime],
    hashes: Mapping[str, Sequence[str]],
) -> Stamped:
    """The chosen rows with columns beside them. constants: the same in every row; hashes: columns of texts."""
    import pyarrow

    count = len(indexes)
    table = page.table if count == page.table.num_rows else page.table.take(indexes)
    added = {name: pyarrow.repeat(value, count) for name, value in constants.items()}
    added["_extracted_at"] = pyarrow.array(moments, pyarrow.timestamp("us", tz="UTC"))
    added.update({name: pyarrow.array(values, pyarrow.string()) for name, values in hashes.items()})
    return Stamped(_with_columns(table, added), page.whole)


def keep_raw(stamped: Stamped, records: Sequence[Mapping[str, Any]], endpoint: str | None) -> Stamped:
    """The same with the records as received beside their rows."""
    import orjson
    import pyarrow

    text = pyarrow.string()
    added = {
        "_raw": pyarrow.array([orjson.dumps(record).decode() for record in records], text),
        "_endpoint": pyarrow.array([endpoint] * len(records), text),
        "_size_bytes": pyarrow.array(
            [len(plain_json(record).encode()) for record in records], pyarrow.int64()
        ),
    }
    return Stamped(_with_columns(stamped.table, added), {**stamped.whole, "_raw": None})


def _with_columns(table: Any, added: Mapping[str, Any]) -> Any:
    for name, values in added.items():
        table = table.append_column(name, values)
    return table
