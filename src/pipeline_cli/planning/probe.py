"""The first records of a source's resources, judged as a run would judge them; nothing is kept, no cursor moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.json_values import json_ready
from pipeline_cli.contracts.reasons import Record, Rejected
from pipeline_cli.gate.records import to_records
from pipeline_cli.loading.contract_files import read_contracts
from pipeline_cli.loading.errors import translate
from pipeline_cli.maintenance.engine import prepare_dlt
from pipeline_cli.manifest.names import table_name
from pipeline_cli.nested.shape import ShapeBuilder
from pipeline_cli.nested.spool import FEWEST
from pipeline_cli.project import Project
from pipeline_cli.sources.build import is_column_source, open_source

Seen = Mapping[str, Mapping[str, str]]  # table -> column -> dlt's data type


@dataclass(frozen=True, slots=True)
class Rejection:
    """Records that are rejected for one reason. rule, path: of the contract, or of what the warehouse can hold."""

    path: str
    rule: str
    message: str
    count: int


@dataclass(slots=True)
class Probe:
    """What a resource gives. columns: those that its records would fill, child tables included, as typed by dlt.

    values: some of each column's values, by (table, column). rejected: how many records, and for what. by_row: why a
    run would load these records row by row; empty where it would not, or they are few.
    """

    resource: str
    records: int = 0
    columns: Seen = field(default_factory=dict)
    values: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    rejected: int = 0
    reasons: list[Rejection] = field(default_factory=list)
    by_row: str = ""


def probe_source(
    project: Project, source: str, limit: int, stored: Mapping[str, Any] | None
) -> Iterator[Probe]:
    """Read `limit` records of each resource. stored: dlt's schema in the warehouse, which new values must fit.

    Raises SourceError when the source does not give data.
    """
    prepare_dlt(project)
    contracts = read_contracts(project, source)
    if is_column_source(project.manifest.sources[source]):
        for resource in project.manifest.sources[source].resources:
            yield _probe_columns(project, source, resource, contracts.get(resource), limit)
        return
    try:
        with open_source(project, source) as opened:
            for resource in list(opened.selected_resources):
                rows = list(islice(_records(opened, resource), limit))
                yield _judge(rows, resource, contracts.get(resource), stored)
    except Exception as error:
        raise translate(error, source, "") from error


def _records(opened: Any, resource: str) -> Iterator[Record]:
    for item in opened.with_resources(resource).resources[resource]:
        yield from to_records(item)


def _probe_columns(
    project: Project, source: str, resource: str, contract: Contract | None, limit: int
) -> Probe:
    from pipeline_cli.bulk.sample import sample_resource
    from pipeline_cli.sources.column_types import column_name

    sample = sample_resource(project, source, resource, contract, limit)
    table = table_name(resource)
    probe = Probe(resource, len(sample))
    probe.columns = {table: {column_name(name): kind for name, kind in sample.columns.items()}}
    for row in sample.rows:
        _keep_values(probe, table, {column_name(name): value for name, value in row.items()})
    probe.rejected, probe.reasons = len(sample.rejected), _count_reasons(sample.rejected)
    return probe


def _judge(
    rows: Sequence[Record], resource: str, contract: Contract | None, stored: Mapping[str, Any] | None
) -> Probe:
    probe = Probe(resource, len(rows))
    fresh, there = _open(stored, resource, is_fresh=True), _open(stored, resource, is_fresh=False)
    accepted, rejected = [], []
    for row in rows:
        fresh.reasons(row)  # a value gives its field the type, also where the first record has none
    for row in rows:
        fresh.reasons(_filled(row))
        reasons = (contract.reasons(json_ready(row)) if contract else ()) or there.reasons(row)
        if reasons:
            rejected.append(Rejected(row, tuple(reasons)))
        else:
            accepted.append(row)
        _keep_values(probe, fresh.table, {fresh.columns.fragment(name): value for name, value in row.items()})
    probe.columns = fresh.columns.all_new_columns()
    if len(accepted) >= FEWEST:
        shape = ShapeBuilder(there.columns, there.table)
        probe.by_row = "" if shape.learn(accepted) else shape.problem
    probe.rejected, probe.reasons = len(rejected), _count_reasons(rejected)
    return probe


def _open(stored: Mapping[str, Any] | None, resource: str, *, is_fresh: bool) -> Exactness:
    """What judges records. is_fresh: as if no column had a type yet, so that each one is seen anew."""
    from copy import deepcopy

    from dlt.common.schema import Schema

    if not stored:
        return Exactness(Schema("plan"), resource)
    schema: Any = deepcopy(dict(stored))
    if is_fresh:
        for table in schema["tables"].values():
            table["columns"] = {
                name: column
                for name, column in table.get("columns", {}).items()
                if column.get("data_type") == "json"
            }
    return Exactness(Schema.from_stored_schema(schema), resource)


def _filled(value: Any) -> Any:
    """The record with a text in each empty place: a field that is there without a value is there."""
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return "" if value is None else value


def _keep_values(probe: Probe, table: str, row: Mapping[str, Any]) -> None:
    from pipeline_cli.planning.facts import show_value

    for name, value in row.items():
        if value is not None and not isinstance(value, (dict, list, bool)):
            probe.values.setdefault((table, name), set()).add(show_value(value))


def _count_reasons(rejected: Sequence[Rejected]) -> list[Rejection]:
    """Each reason once, with how many records it is of; places within lists are one place."""
    counts: Counter[tuple[str, str]] = Counter()
    messages: dict[tuple[str, str], str] = {}
    for each in rejected:
        for key, message in {
            (_general(reason.path), reason.rule): reason.message for reason in each.reasons
        }.items():
            counts[key] += 1
            messages.setdefault(key, message)
    return [Rejection(*key, messages[key], count) for key, count in counts.most_common()]


def _general(path: str) -> str:
    import re

    return re.sub(r"\[\d+\]", "[]", path).removeprefix("$.")
