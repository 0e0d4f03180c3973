"""A look at a resource's first records, through the same checks as a run; nothing is loaded, no cursor moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.json_values import json_ready
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.gate.records import to_records
from pipeline_cli.loading.errors import translate
from pipeline_cli.project import Project


@dataclass(slots=True)
class Preview:
    """rows: records as received; columns: dlt's data type by column name; rejected: {record, reasons} each."""

    rows: list[Record] = field(default_factory=list)
    columns: Mapping[str, str] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was found out about files: delimiter, encoding


def preview_resource(project: Project, source: str, resource: str, limit: int) -> Preview:
    """The first `limit` records of a resource. Raises SourceError when the source does not give data."""
    from pipeline_cli.loading.contract_files import read_contracts
    from pipeline_cli.sources.build import is_column_source, open_source

    contract = read_contracts(project, source).get(resource)
    if is_column_source(project.manifest.sources[source]):
        return _preview_columns(project, source, resource, contract, limit)
    try:
        with open_source(project, source) as dlt_source:
            rows = list(islice(_records(dlt_source, resource), limit))
    except Exception as error:
        raise translate(error, source, "") from error
    entry = project.manifest.sources[source].resources.get(resource)
    declared = {name: column.data_type for name, column in entry.columns.items()} if entry else {}
    return _judge(rows, contract, resource, {name: kind for name, kind in declared.items() if kind})


def _preview_columns(
    project: Project, source: str, resource: str, contract: Contract | None, limit: int
) -> Preview:
    from pipeline_cli.bulk.sample import sample_resource

    sample = sample_resource(project, source, resource, contract, limit)
    rejected = [
        {"record": each.record, "reasons": [reason.to_dict() for reason in each.reasons]}
        for each in sample.rejected
    ]
    return Preview(sample.rows, sample.columns, rejected, sample.notes)


def _records(dlt_source: Any, resource: str) -> Iterator[Record]:
    selected = dlt_source.with_resources(resource)
    for item in selected.resources[resource]:
        yield from to_records(item)


def _judge(rows: list[Record], contract: Contract | None, table: str, declared: Mapping[str, str]) -> Preview:
    from dlt.common.schema import Schema

    schema = Schema("preview")
    exactness = Exactness(schema, table)
    preview = Preview()
    accepted = []
    for row in rows:
        reasons = (contract.reasons(json_ready(row)) if contract else ()) or exactness.reasons(row)
        if reasons:
            preview.rejected.append({"record": row, "reasons": [reason.to_dict() for reason in reasons]})
        else:
            accepted.append(row)
    preview.rows = accepted
    of_contract = contract.column_types() if contract else {}
    fixed = {**{"__".join(path): kind for path, kind in of_contract.items()}, **declared}
    inferred = exactness.columns.new_columns(exactness.columns.normalize_table(table))
    preview.columns = {**inferred, **{name: kind for name, kind in fixed.items() if name in inferred}}
    return preview
