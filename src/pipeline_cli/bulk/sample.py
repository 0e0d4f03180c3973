"""The first rows of a column source's resource, through the same checks as a load; nothing is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.engine import open_engine
from pipeline_cli.bulk.errors import explain, reading_errors
from pipeline_cli.bulk.reading import describe_received
from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.judge import judge
from pipeline_cli.contracts.reasons import Reason, Record, Rejected
from pipeline_cli.errors import SourceError
from pipeline_cli.project import Project
from pipeline_cli.sources.build import open_columns
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.scan import ColumnResource, Known, Scan


@dataclass(slots=True)
class Sample:
    """rows: as the contract sees them; columns: dlt's data type by the column's name in the source."""

    rows: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)


def sample_resource(
    project: Project, source: str, resource: str, contract: Contract | None, limit: int
) -> Sample:
    """The first `limit` rows of a resource. Raises SourceError when the source does not give data."""
    opened = open_columns(project, source)
    wanted = next(each for each in opened.resources if each.name == resource)
    with tempfile.TemporaryDirectory() as folder, opened.session():
        engine = open_engine(Path(folder))
        try:
            sample = _read(engine, wanted, contract, limit)
        finally:
            engine.close()
    sample.notes = list(dict.fromkeys(opened.notes))
    return sample


def _read(engine: Any, resource: ColumnResource, contract: Contract | None, limit: int) -> Sample:
    """The sample; from the beginning where a file turns out to need a more careful reading."""
    while True:
        sample = Sample()
        try:
            _fill(sample, engine, resource, contract, limit)
        except ReadAgainError:
            continue
        return sample


def _fill(
    sample: Sample, engine: Any, resource: ColumnResource, contract: Contract | None, limit: int
) -> None:
    with resource.scans(Known()) as scans:
        for scan in scans:
            sample.columns |= {column.source: column.data_type for column in scan.columns}
            for values in islice(_values(engine, scan, resource), limit - len(sample)):
                verdict = judge(contract, scan.columns, values)
                if verdict.reasons:
                    sample.rejected.append(Rejected(verdict.record, verdict.reasons))
                else:
                    sample.rows.append(verdict.record)
            for line in scan.malformed(engine)[: limit - len(sample)]:
                reason = Reason("$", "malformed", f"{line.file}:{line.line}: {line.message}")
                sample.rejected.append(Rejected({"raw": line.raw}, (reason,)))
            if len(sample) >= limit:
                return


def _values(engine: Any, scan: Scan, resource: ColumnResource) -> Iterator[Mapping[str, Any]]:
    names: Sequence[str] = [column.source for column in scan.columns]
    for view, found in scan.objects.items():
        engine.register(view, found)
    try:
        with reading_errors():
            cursor = engine.execute(describe_received(scan))
            while rows := cursor.fetchmany(100):
                yield from (dict(zip(names, row, strict=True)) for row in rows)
    except SourceError as error:
        raise explain(resource, error, scan) from error
    finally:
        for view in scan.objects:
            engine.unregister(view)
