"""dlt's normalize step for files of nested tables, put in its place.

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
    from importlib import import_module

    from dlt.normalize.items_normalizers import ArrowItemsNormalizer, JsonLItemsNormalizer

    class RowsNormalizer(JsonLItemsNormalizer):
        """dlt's own, which remembers a table's columns; they may have grown meanwhile by a file of ours."""

        def _normalize_chunk(self, *arguments: Any, **options: Any) -> TSchemaUpdate:
            self._column_schemas.clear()
            return super()._normalize_chunk(*arguments, **options)

    class NestedNormalizer(ArrowItemsNormalizer):
        def __init__(self, item_storage: Any, load_storage: Any, *arguments: Any, **options: Any) -> None:
            from pipeline_cli.nested.batches import NestedBatches

            super().__init__(_by_column(item_storage, load_storage), load_storage, *arguments, **options)
            # It writes nothing, and is asked for the schema alone.
            self._evolving = RowsNormalizer(item_storage, load_storage, *arguments, **options)
            self._batches = NestedBatches(self.normalize_storage.extracted_packages, self.load_id)

        def __call__(self, extracted_items_file: str, root_table_name: str) -> list[TSchemaUpdate]:
            if self._batches.is_taken(extracted_items_file):
                return []
            if not self._batches.is_ours(extracted_items_file):
                return super().__call__(extracted_items_file, root_table_name)
            from pipeline_cli.nested.normalizer import adopt, normalize

            updates, done = adopt(self, self._evolving, root_table_name)
            batches = self._batches.take_all(extracted_items_file, done)
            return [*updates, *normalize(self, self._evolving, root_table_name, batches)]

        def close(self) -> None:
            import pyarrow

            super().close()
            pyarrow.default_memory_pool().release_unused()  # the warehouse needs it next

    worker: Any = import_module("dlt.normalize.worker")
    worker.JsonLItemsNormalizer = RowsNormalizer
    worker.ArrowItemsNormalizer = NestedNormalizer


def _by_column(item_storage: Any, load_storage: Any) -> Any:
    """The storage of Arrow tables; where rows would be INSERT statements, files for COPY."""
    from pipeline_cli.nested.package_files import writer_spec

    if item_storage.writer_spec.file_format != "insert_values":
        return item_storage
    return load_storage.create_item_storage(writer_spec("insert_values"))
