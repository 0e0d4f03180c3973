"""A source's rows as files in a place for files: one file a resource, as the source delivers them.

Values are neither checked nor changed. A CSV cell that begins with =, +, - or @ stays as it is, too: these files are
for machines, and a quote put before it would be another value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.scan import ColumnResource, ColumnSource, Known, Scan

if TYPE_CHECKING:
    from pipeline_cli.lake.place import Place
    from pipeline_cli.project import Project

BATCH_ROWS = 50_000

FileFormat = Literal["csv", "jsonl", "parquet"]
_COPY_OPTIONS = {"csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json", "parquet": "FORMAT parquet"}


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """name: relative to the destination's bucket_url."""

    resource: str
    name: str
    row_count: int
    size_bytes: int


def generate_files(
    project: Project,
    source: ColumnSource,
    place: Place,
    file_format: FileFormat,
    resources: Collection[str] = (),
) -> Iterator[WrittenFile]:
    """Write each resource (by default all) as `<resource>.<format>`, in place of an earlier one.

    Memory: one batch. Disk: one file at a time, in the environment's state.
    Raises SourceError when the source does not give data, LoadError when the place does not take it.
    """
    from pipeline_cli.bulk.engine import open_engine

    parent = project.state_dir / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="generate_", dir=parent) as folder, source.session():
        engine = open_engine(Path(folder))
        try:
            for resource in source.resources:
                if not resources or resource.name in resources:
                    file = Path(folder) / f"{resource.name}.{file_format}"
                    row_count = _write(engine, resource, file, file_format)
                    place.put(file, file.name, replace=True)
                    yield WrittenFile(resource.name, file.name, row_count, file.stat().st_size)
                    file.unlink()
        finally:
            engine.close()


def _write(engine: Any, resource: ColumnResource, file: Path, file_format: FileFormat) -> int:
    import pyarrow

    from pipeline_cli.bulk.errors import reading_errors

    with resource.scans(Known()) as scans:
        first = next(scans, None)
        if first is None:
            raise SourceError(f"{resource.name} has no rows.", hint="Look at it with preview.")
        batches = _batches(engine, resource.name, chain((first,), scans))
        reader = pyarrow.RecordBatchReader.from_batches(next(batches), batches)
        # A cursor of the same database: what the batches come from runs on the connection itself.
        writer = engine.cursor()
        writer.register("all_rows", reader)
        try:
            with reading_errors():
                select = _select(first, is_json=file_format == "jsonl")
                target = f"{literal(str(file))} ({_COPY_OPTIONS[file_format]})"
                return int(writer.execute(f"COPY ({select}) TO {target}").fetchall()[0][0])
        finally:
            writer.close()


def _select(scan: Scan, *, is_json: bool) -> str:
    """The values as they are; in JSON Lines what is JSON is not put into a text."""
    shown = []
    for column in scan.columns:
        name = quote(column.source)
        holds_json = column.encoding == "json" or column.data_type == "json"
        shown.append(f"CAST({name} AS JSON) AS {name}" if holds_json and is_json else name)
    return f"SELECT {', '.join(shown)} FROM all_rows"


def _batches(engine: Any, resource: str, scans: Iterable[Scan]) -> Iterator[Any]:
    """The Arrow schema of the first scan, then the batches of all."""
    schema = None
    for scan in scans:
        with ExitStack() as stack:
            for view, found in scan.objects.items():
                engine.register(view, found)
                stack.callback(engine.unregister, view)
            names = ", ".join(quote(column.source) for column in scan.columns)
            reader = engine.execute(f"SELECT {names} FROM {scan.relation}").to_arrow_reader(BATCH_ROWS)
            if schema is None:
                schema = reader.schema
                yield schema
            elif reader.schema.names != schema.names:
                raise SourceError(
                    f"{resource}: its files have different columns.", hint="Generate from one kind of file."
                )
            for batch in reader:
                yield batch if batch.schema == schema else batch.cast(schema)
            if lines := scan.malformed(engine):
                raise SourceError(
                    f"{resource}: {lines[0].file}: {lines[0].message}", hint="Mend the source first."
                )
            scan.verify()
