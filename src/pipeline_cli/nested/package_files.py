"""How rows that were taken apart are written into a load package, where their files stand for seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlt.common.data_writers import get_best_writer_spec
from dlt.common.data_writers.writers import ArrowToCsvWriter, ArrowToParquetWriter
from dlt.common.storages import PackageStorage
from dlt.common.storages.load_storage import LoadItemStorage

from pipeline_cli.nested.arrays import from_texts


def writer_spec(file_format: Any) -> Any:
    """What writes rows that stand in columns, where dlt was told to load by a format: for INSERT statements, COPY's."""
    return get_best_writer_spec("arrow", "csv" if file_format == "insert_values" else file_format)


def write_plainly(storage: Any) -> None:
    """Make dlt's storage of one table write CSV without pandas, and Parquet without what later readers would like.

    That is dictionaries, which row ids and most texts fill in vain, and each column's smallest and largest value. A
    million lines are written in 0.6 of the time and read in the same; the files are a tenth larger.
    """
    storage.__class__ = _PlainStorage


class _PlainStorage(LoadItemStorage):
    def _get_writer(self, load_id: str, schema_name: str, table_name: str) -> Any:
        writer: Any = super()._get_writer(load_id, schema_name, table_name)
        writer.writer_cls = _WRITERS.get(writer.writer_cls, writer.writer_cls)
        return writer


class _PlainWriter(ArrowToParquetWriter):
    def _create_writer(self, schema: Any) -> Any:
        import pyarrow.parquet

        settings = self.parquet_format
        return pyarrow.parquet.ParquetWriter(
            self._f,
            schema,
            version=settings.version,
            compression=settings.compression,
            use_dictionary=False,
            write_statistics=False,
        )


class _PlainCsvWriter(ArrowToCsvWriter):
    """Its header without pyarrow.array(), which imports pandas: half a second, in whichever thread writes.

    dlt's own thread, which looks for tables of pandas, fails on one that is half imported.
    """

    def _make_csv_header(self) -> bytes:
        import pyarrow.csv

        names = list(self._columns_schema)
        row = pyarrow.Table.from_arrays([from_texts([name]) for name in names], names=names)
        header = pyarrow.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(
            include_header=False, delimiter=self.delimiter, quoting_style=self._get_arrow_quoting_style()
        )
        pyarrow.csv.write_csv(row, header, options)
        return bytes(header.getvalue().to_pybytes())


_WRITERS = {ArrowToParquetWriter: _PlainWriter, ArrowToCsvWriter: _PlainCsvWriter}


class FolderStorage(_PlainStorage):
    """Writes the same files into a folder of its own, named as in a package."""

    def __init__(self, folder: Path, file_format: str) -> None:
        none: Any = None
        super().__init__(none, writer_spec(file_format))
        self._folder = folder

    def _get_data_item_path_template(self, load_id: str, _: str, table_name: str) -> str:
        return str(self._folder / PackageStorage.build_job_file_name(table_name, "%s"))
