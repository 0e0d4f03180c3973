"""`type: faker`: tables of generated rows, computed column by column from the seed and the row's number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline_cli.manifest.faker import FakerSource
from pipeline_cli.project import Project
from pipeline_cli.sources.column_types import column_name
from pipeline_cli.sources.scan import ColumnSource, ColumnSpec, Known, Scan

if TYPE_CHECKING:
    from pipeline_cli.sources.faker.build import TableBuilder


def open_faker(project: Project, name: str) -> ColumnSource:
    """The column source of a faker entry. Nothing is generated before its scans are read."""
    entry = project.manifest.sources[name]
    shared = _Shared(entry)
    return ColumnSource(name, [FakerTable(resource, shared) for resource in entry.resources])


@dataclass
class _Shared:
    """What the tables of one source have in common: Faker's pools, and the columns that are referred to."""

    entry: FakerSource
    lock: threading.RLock = field(default_factory=threading.RLock)

    @cached_property
    def builder(self) -> TableBuilder:
        from pipeline_cli.sources.faker.build import TableBuilder

        return TableBuilder(self.entry)


@dataclass(slots=True)
class FakerTable:
    """One generated table."""

    name: str
    shared: _Shared = field(repr=False)

    @contextmanager
    def scans(self, known: Known) -> Iterator[Iterator[Scan]]:
        """One scan, of all rows. Raises SourceError where Faker refuses a provider or its arguments."""
        from pipeline_cli.sources.faker.batches import read_batches

        with self.shared.lock:  # tables may be read side by side
            table = self.shared.builder.build([self.name])[self.name]
        # The name is the scan's own: several tables may be registered on one connection.
        view = f"faker_{self.name}"
        columns = [_spec(name, column.type) for name, column in table.columns.items()]
        scan = Scan(f'"{view}"', columns, {view: read_batches(table)}, row_count=table.row_count)
        yield iter([scan])


def _spec(name: str, arrow_type: Any) -> ColumnSpec:
    data_type, precision, scale = _dlt_type(arrow_type)
    return ColumnSpec(
        name, column_name(name), data_type, precision, scale, encoding="typed", is_declared=True
    )


def _dlt_type(arrow_type: Any) -> tuple[str, int | None, int | None]:
    """dlt's data type, precision and scale for an Arrow type that columns are made of."""
    import pyarrow as pa

    if pa.types.is_decimal(arrow_type):
        return "decimal", arrow_type.precision, arrow_type.scale
    names = {
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "bool",
        pa.date32(): "date",
        pa.timestamp("us", "UTC"): "timestamp",
        pa.time64("us"): "time",
        pa.binary(): "binary",
    }
    return names.get(arrow_type, "text"), None, None
