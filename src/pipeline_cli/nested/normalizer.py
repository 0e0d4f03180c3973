"""dlt's normalize step for files of nested tables: the columns are taken apart, never the records.

dlt's worker finds its normalizer by the kind of the extracted file. Ours stands in the place of its Arrow normalizer
and leaves to that what is not ours; nothing else of dlt changes, so a package that a run left behind is normalized
by the next one like any other.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlt.common.schema import TSchemaUpdate


@cache
def install() -> None:
    """Make dlt normalize our files by column, in this process."""
    import dlt.normalize.worker as worker
    from dlt.normalize.items_normalizers import ArrowItemsNormalizer, JsonLItemsNormalizer

    from pipeline_cli.nested.spool import read_file

    class RowsNormalizer(JsonLItemsNormalizer):
        """dlt's own, which remembers a table's columns; they may have grown meanwhile by a file of ours."""

        def _normalize_chunk(self, *arguments: Any, **options: Any) -> TSchemaUpdate:
            self._column_schemas.clear()
            return super()._normalize_chunk(*arguments, **options)

    class NestedNormalizer(ArrowItemsNormalizer):
        def __init__(self, item_storage: Any, load_storage: Any, *arguments: Any, **options: Any) -> None:
            super().__init__(_by_column(item_storage, load_storage), load_storage, *arguments, **options)
            # It writes nothing, and is asked for the schema alone.
            self._evolving = RowsNormalizer(item_storage, load_storage, *arguments, **options)

        def __call__(self, extracted_items_file: str, root_table_name: str) -> list[TSchemaUpdate]:
            storage = self.normalize_storage.extracted_packages.storage
            found = read_file(storage.make_full_path(extracted_items_file))
            if found is None:
                return super().__call__(extracted_items_file, root_table_name)
            self._maybe_cancel()
            return [_normalize(self, self._evolving, root_table_name, *found)]

    worker.JsonLItemsNormalizer = RowsNormalizer  # type: ignore[misc]
    worker.ArrowItemsNormalizer = NestedNormalizer  # type: ignore[misc]


def _by_column(item_storage: Any, load_storage: Any) -> Any:
    """The storage of Arrow tables; where rows would be INSERT statements, files for COPY."""
    from dlt.common.data_writers import get_best_writer_spec

    if item_storage.writer_spec.file_format != "insert_values":
        return item_storage
    return load_storage.create_item_storage(get_best_writer_spec("arrow", "csv"))


def _normalize(
    normalizer: Any, evolving: Any, root: str, nested: Any, json_fields: frozenset[str]
) -> TSchemaUpdate:
    from dlt.common.libs.pyarrow import get_py_arrow_datatype
    from dlt.common.time import get_context_timezone_name

    from pipeline_cli.nested.exemplar import exemplar
    from pipeline_cli.nested.unnest import Unnesting
    from pipeline_cli.nested.values import to_column

    schema, caps = normalizer.schema, normalizer.config.destination_capabilities
    update: TSchemaUpdate = evolving._normalize_chunk(
        root, [exemplar(nested, json_fields)], may_have_pua=False, skip_write=True
    )
    zone = get_context_timezone_name()
    for rows in Unnesting(schema.data_item_normalizer, normalizer.load_id).tables(root, nested):
        columns = schema.get_table_columns(rows.table)
        fields, arrays = [], []
        for name, column in columns.items():
            kind = get_py_arrow_datatype(column, caps, zone)
            fields.append((name, kind))
            found = rows.columns.get(name)
            arrays.append(_nulls(rows.count, kind) if found is None else to_column(found, column["data_type"], kind))
        normalizer.item_storage.write_data_item(
            normalizer.load_id, schema.name, rows.table, _table(arrays, fields), columns
        )
        normalizer._report_progress(rows.table, rows.count)
    return update


def _nulls(count: int, kind: Any) -> Any:
    import pyarrow

    return pyarrow.nulls(count, kind)


def _table(arrays: list[Any], fields: list[tuple[str, Any]]) -> Any:
    import pyarrow

    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
