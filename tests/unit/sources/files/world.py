"""A project with one filesystem source, and its scans read as a load reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.sources.files import open_files
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.scan import ColumnSpec, FileVersion, Known, Malformed, Scan, Suspect
from pipeline_cli.testing import make_project

Row = tuple[Any, ...]

MANIFEST = """\
version: 1
name: shop
default_environment: dev
environments: {{dev: {{destination: duck}}}}
destinations: {{duck: {{type: duckdb}}}}
pipelines: {{all: {{}}}}
sources:
  crm:
    type: filesystem
    bucket_url: {url}
    {source_keys}
    resources:
      contacts: {{{keys}}}
"""


@dataclass
class Loaded:
    """rows: values by column name, in the file's order where it is one scan. reads: how often it was begun."""

    columns: dict[str, str] = field(default_factory=dict)
    specs: dict[str, ColumnSpec] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[str | None] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)
    done: dict[str, FileVersion] = field(default_factory=dict)
    scan_count: int = 0
    reads: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[Any]:
        return [row.get(name) for row in self.rows]


class World:
    """`write` files, `load` them."""

    def __init__(self, root: Path, keys: str = "", *, url: str = "data", source_keys: str = "") -> None:
        self.root = root
        self.data = root / "data"
        self.data.mkdir(parents=True)
        make_project(root, MANIFEST.format(url=url, keys=keys, source_keys=source_keys))

    def write(self, files: Mapping[str, bytes | str]) -> World:
        for name, content in files.items():
            path = self.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def project(self, **variables: str) -> Project:
        reading = read_manifest(self.root, variables, None)
        return Project(self.root, reading.manifest, "dev", reading.secrets)

    def load(self, known: Known | None = None, *, during: Any = None, **variables: str) -> Loaded:
        """All rows, as a load takes them; `during` is called after each scan was read, before it is verified."""
        source = open_files(self.project(**variables), "crm")
        resource: Any = source.resources[0]
        reads = 0
        while True:
            loaded = Loaded()
            reads += 1
            try:
                with duckdb.connect() as connection, resource.scans(known or Known()) as scans:
                    for scan in scans:
                        _read(connection, scan, loaded, resource)
                        if during is not None:
                            during()
                        scan.verify()
                        loaded.done.update((file.path, file) for file in scan.files)
            except ReadAgainError:
                continue
            loaded.reads = reads
            loaded.notes, loaded.warnings = list(source.notes), resource.warnings
            return loaded

    def load_counts(self) -> tuple[int, int, int]:
        """Rows, different first columns, and malformed lines: for files that are too large to hold as rows."""
        resource: Any = open_files(self.project(), "crm").resources[0]
        while True:
            with duckdb.connect() as connection, resource.scans(Known()) as scans:
                scan = next(scans)
                counts = f"SELECT count(*), count(DISTINCT {scan.columns[0].source}) FROM"
                try:
                    ((rows, different),) = connection.execute(f"{counts} (FROM {scan.relation})").fetchall()
                    return rows, different, len(scan.malformed(connection))
                except duckdb.Error as error:
                    again = resource.failed(error, scan)
                    if not isinstance(again, ReadAgainError):
                        raise again from error

    def spooled(self) -> list[Path]:
        """What is left of copies."""
        return [path for path in (self.root / ".pipeline").rglob("*") if path.is_file()]


def known_of(loaded: Loaded, **files: FileVersion) -> Known:
    """What the warehouse knows after a load."""
    columns = {spec.name: (spec.data_type, spec.precision, spec.scale) for spec in loaded.specs.values()}
    return Known(columns, {**loaded.done, **files})


def _read(connection: Any, scan: Scan, loaded: Loaded, resource: Any) -> None:
    loaded.scan_count += 1
    for name, view in scan.objects.items():
        connection.register(name, view)
    names = [spec.source for spec in scan.columns]
    extra = [scan.file_column or "NULL", scan.raw_column or "NULL"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    try:
        rows = connection.execute(f"SELECT {', '.join([*quoted, *extra])} FROM {scan.relation}").fetchall()
    except duckdb.Error as error:
        raise resource.failed(error, scan) from error
    malformed = scan.malformed(connection)
    suspects = []
    for *values, file, raw in rows:
        row = dict(zip(names, values, strict=True))
        suspects.append(Suspect(row, file, raw))
        loaded.rows.append(row)
        loaded.files.append(file)
        loaded.raws.append(raw)
    if scan.locate is not None:
        loaded.lines += [place.line if place else None for place in scan.locate(suspects)]
    loaded.malformed += malformed
    for spec in scan.columns:
        loaded.specs[spec.source] = spec
        loaded.columns[spec.source] = spec.data_type
