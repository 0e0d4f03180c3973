"""The metadata columns of rows that are loaded by column, as gate/write.py puts them into rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.nested.arrays import from_numbers, from_texts, repeat_text
from pipeline_cli.nested.pages import PageTable
from pipeline_cli.nested.whole import Places

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """When the rows were extracted: so many microseconds after the first of their page."""

    first: datetime
    after_us: Collection[int]


@dataclass(frozen=True, slots=True)
class Stamped:
    """Rows for the spool. whole: the places whose texts are JSON."""

    table: Any
    whole: Places


def stamp_rows(
    page: PageTable,
    rows: Sequence[int],
    constants: Mapping[str, str],
    moments: Moments,
    hashes: Mapping[str, Sequence[str]],
) -> Stamped:
    """The chosen rows with columns beside them. constants: the same in every row; hashes: columns of texts."""
    import pyarrow

    count, table = len(rows), page.table
    if count < table.num_rows:
        table = table.take(from_numbers(_integers(rows), pyarrow.int64()))
    added = {name: repeat_text(value, count) for name, value in constants.items()}
    exact = (moments.first - _EPOCH) // _MICROSECOND + _integers(moments.after_us)
    added["_extracted_at"] = from_numbers(exact, pyarrow.timestamp("us", tz="UTC"))
    added.update({name: from_texts(values) for name, values in hashes.items()})
    return Stamped(_with_columns(table, added), page.whole)


def keep_raw(stamped: Stamped, records: Sequence[Mapping[str, Any]], endpoint: str | None) -> Stamped:
    """The same with the records as received beside their rows."""
    import orjson
    import pyarrow

    count, text = len(records), pyarrow.string()
    sizes = _integers([len(plain_json(record).encode()) for record in records])
    added = {
        "_raw": from_texts([orjson.dumps(record).decode() for record in records]),
        "_endpoint": pyarrow.nulls(count, text) if endpoint is None else repeat_text(endpoint, count),
        "_size_bytes": from_numbers(sizes, pyarrow.int64()),
    }
    return Stamped(_with_columns(stamped.table, added), {**stamped.whole, "_raw": None})


def _integers(numbers: Collection[int]) -> Any:
    import numpy

    if isinstance(numbers, range):
        return numpy.arange(numbers.start, numbers.stop, numbers.step, dtype=numpy.int64)
    return numpy.fromiter(numbers, numpy.int64, len(numbers))


def _with_columns(table: Any, added: Mapping[str, Any]) -> Any:
    import pyarrow

    names, columns = [*table.column_names, *added], [*table.columns, *added.values()]
    return pyarrow.Table.from_arrays(columns, names)
