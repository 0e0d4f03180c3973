"""Nested tables into the files of a load package: the columns are taken apart, never the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dlt.common.schema.utils import get_nested_tables
from dlt.common.storages import ParsedLoadJobFileName

from pipeline_cli.nested.ahead import prepared
from pipeline_cli.nested.batches import Batch
from pipeline_cli.nested.exemplar import exemplar
from pipeline_cli.nested.package_files import write_plainly
from pipeline_cli.nested.unnest import Rows, Unnesting
from pipeline_cli.nested.values import to_column
from pipeline_cli.threads import start_thread

if TYPE_CHECKING:
    from dlt.common.schema import Schema, TSchemaUpdate
    from dlt.common.schema.typing import TTableSchemaColumns


@dataclass(frozen=True, slots=True)
class Typed:
    """A table's rows as they are written; columns: the schema's when they were typed."""

    name: str
    rows: Any
    columns: dict[str, Any]


def normalize(normalizer: Any, evolving: Any, root: str, batches: Iterable[Batch]) -> list[TSchemaUpdate]:
    """Write the tables' rows into the package. Returns what the schema has gained.

    While the rows of one batch are written, those of the next are taken apart by another thread. normalizer: dlt's of
    the file; evolving: dlt's of rows, which is asked for the schema alone.
    """
    write_plainly(normalizer.item_storage)
    updates: list[TSchemaUpdate] = []
    before: list[Typed] = []
    for batch in batches:
        normalizer._maybe_cancel()
        one = [exemplar(batch.nested, batch.whole)]
        updates.append(evolving._normalize_chunk(root, one, may_have_pua=False, skip_write=True))
        unnesting = start_thread(partial(unnest, normalizer, root, batch), "unnest")
        _write(normalizer, before)
        before = unnesting.result()  # the schema does not change before these are typed
    _write(normalizer, before)
    return updates


def adopt(normalizer: Any, evolving: Any, root: str) -> tuple[list[TSchemaUpdate], frozenset[str]]:
    """Take over what was done ahead of this step, where the schema comes to the same.

    Returns what the schema has gained, and the keys of the pages that are done. The arguments: as of `normalize`.
    """
    schema, storage, load_id = normalizer.schema, normalizer.item_storage, normalizer.load_id
    found = prepared(schema.name, load_id, root)
    if found is None or found.spec != storage.writer_spec:
        return [], frozenset()
    updates = [
        evolving._normalize_chunk(root, [one], may_have_pua=False, skip_write=True) for one in found.exemplars
    ]
    if columns_below(schema, root) != found.columns:
        return updates, frozenset()
    for file in found.files:
        table = ParsedLoadJobFileName.parse(file.file_path).table_name
        storage.import_items_file(load_id, schema.name, table, file.file_path, file)
        normalizer._report_progress(table, file.items_count)
    return updates, found.pages


def columns_below(schema: Schema, root: str) -> dict[str, TTableSchemaColumns]:
    """The columns of a root table and of all tables below it."""
    tables = get_nested_tables(schema.tables, root) if root in schema.tables else []
    names = [table["name"] or "" for table in tables]
    return {name: schema.get_table_columns(name) for name in names}


def unnest(normalizer: Any, root: str, batch: Batch) -> list[Typed]:
    """A batch's rows, table by table. normalizer: one of dlt's, whose schema has their columns."""
    schema, capabilities = normalizer.schema, normalizer.config.destination_capabilities
    found = []
    for rows in Unnesting(schema.data_item_normalizer, normalizer.load_id).tables(root, batch.nested):
        columns = dict(schema.get_table_columns(rows.table))
        found.append(Typed(rows.table, _typed(rows, columns, capabilities), columns))
    return found


def _write(normalizer: Any, tables: Iterable[Typed]) -> None:
    """In dlt's own thread, where its writers find their configuration."""
    schema, storage, load_id = normalizer.schema, normalizer.item_storage, normalizer.load_id
    for table in tables:
        storage.write_data_item(load_id, schema.name, table.name, table.rows, table.columns)
        normalizer._report_progress(table.name, table.rows.num_rows)


def _typed(rows: Rows, columns: Mapping[str, Any], capabilities: Any) -> Any:
    """The rows as a table with the schema's columns, in their order and of their types.

    Raises ValueError for a value that has no column there, or does not fit it.
    """
    import pyarrow
    from dlt.common.libs.pyarrow import get_py_arrow_datatype
    from dlt.common.time import get_context_timezone_name

    lost = [
        name for name, array in rows.columns.items() if name not in columns and array.null_count < len(array)
    ]
    if lost:
        raise ValueError(f"{rows.table} has no column {', '.join(lost)}")
    zone = get_context_timezone_name()
    fields, arrays = [], []
    for name, column in columns.items():
        kind = get_py_arrow_datatype(column, capabilities, zone)
        found = rows.columns.get(name)
        fields.append(pyarrow.field(name, kind))
        arrays.append(
            pyarrow.nulls(rows.count, kind) if found is None else to_column(found, column["data_type"], kind)
        )
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
