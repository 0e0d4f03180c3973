"""Lines of a plan for what a source gives differently now, and what its contract makes of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.lineage.tracing import TableName
from pipeline_cli.manifest.names import table_name
from pipeline_cli.planning.changes import Change
from pipeline_cli.planning.facts import Asking, Facts
from pipeline_cli.planning.fields import FieldChange, TableView, compare_fields, not_given
from pipeline_cli.planning.probe import Probe, Rejection

_CLOSED = ("additionalProperties", "unevaluatedProperties")
_TYPES = ("type", "format", "column_type")


@dataclass(frozen=True, slots=True)
class ProbedResource:
    """A resource that was read. hints: as `deployed.parts` describes it."""

    source: str
    probe: Probe
    hints: Mapping[str, Any]
    facts: Facts
    asking: Asking

    @property
    def stored(self) -> Mapping[str, Mapping[str, str]]:
        """Table -> column -> dlt's data type, of the resource's table and those below it that are there."""
        tables = self.facts.schemas.get(self.source, {}).get("tables", {})
        root = table_name(self.probe.resource)
        return {
            name: {
                column: str(each["data_type"])
                for column, each in table.get("columns", {}).items()
                if each.get("data_type")
            }
            for name, table in tables.items()
            if (name == root or name.startswith(f"{root}__"))
            and self.facts.table(f"bronze_{self.source}", name)
        }


def drift_lines(resource: ProbedResource) -> Iterator[Change]:
    """Fields first, then the records that are rejected for what no field's line tells already."""
    probe, told = resource.probe, set[int]()
    for name, there in resource.stored.items():
        given = probe.columns.get(name, {})
        if given:
            for change in compare_fields(_view(resource, name, there, given)):
                yield _field_line(resource, change, told)
    for number, rejection in enumerate(probe.reasons):
        if number not in told:
            yield _rejected_line(resource, rejection)


def _view(
    resource: ProbedResource, name: str, there: Mapping[str, str], given: Mapping[str, str]
) -> TableView:
    table: TableName = (f"bronze_{resource.source}", name)
    missing = not_given(there, given)
    if not missing:
        return TableView(name, there, given, resource.probe.records)
    filled = resource.asking.filled_shares(table, missing)
    new = [column for column in given if column not in there]
    shared = {}
    for before in missing if new else ():
        held = resource.asking.some_values(table, before)
        for after in new:
            values = resource.probe.values.get((name, after), set())
            if len(values) > 1:
                shared[before, after] = len(values & held) / len(values)
    return TableView(name, there, given, resource.probe.records, filled, shared)


def _field_line(resource: ProbedResource, change: FieldChange, told: set[int]) -> Change:
    probe = resource.probe
    seen = f"in the source, {probe.records} record{'' if probe.records == 1 else 's'} read"
    reason = f"{seen}: {change.evidence}" if change.evidence else seen
    summary, effect = _describe(resource, change, told)
    prefix = f"{change.table}." if change.table != table_name(probe.resource) else ""
    return Change(
        "sources",
        resource.source,
        probe.resource,
        "field",
        change.kind,
        f"{prefix}{summary}",
        reason,
        f"{change.table}.{change.before if change.kind == 'renamed' else change.column}",
        effect,
        resource.facts.rows(f"bronze_{resource.source}", change.table),
    )


def _describe(resource: ProbedResource, change: FieldChange, told: set[int]) -> tuple[str, str]:
    """(summary, effect) of a field."""
    if change.kind == "new":
        broken = _find(resource, told, change.column, _CLOSED) or _refused(resource, "columns")
        return (
            f"{change.column} is new ({change.after})",
            broken or "becomes a column; NULL in the rows that are there",
        )
    if change.kind == "missing":
        broken = _find(resource, told, change.column, ("required",))
        return f"{change.column} is missing", broken or "NULL in new rows; what is there stays"
    if change.kind == "renamed":
        broken = _find(resource, told, change.column, _CLOSED)
        broken = (
            _find(resource, told, change.before, ("required",)) or broken or _refused(resource, "columns")
        )
        return (
            f"{change.before} is called {change.column} now",
            broken or f"{change.column} becomes a column, and {change.before} is NULL in new rows",
        )
    broken = _find(resource, told, change.column, _TYPES)
    if broken and _on_drift(resource, "data_type") == "evolve":
        broken = f"kept as a text in {change.column}__v_text"
    return f"{change.column}: {change.before} -> {change.after}", broken or f"kept as {change.before}"


def _refused(resource: ProbedResource, what: str) -> str:
    """What `schema_contract` makes of a record that the table has no place for; nothing where it is taken in."""
    said = _on_drift(resource, what)
    if said == "freeze":
        return f"schema_contract freezes {what}: the load stops"
    return (
        f"schema_contract sets records with new {what} apart: they go to quarantine"
        if said == "quarantine"
        else ""
    )


def _on_drift(resource: ProbedResource, what: str) -> str:
    said = resource.hints.get("schema_contract", {})
    default = "quarantine" if what == "data_type" else "evolve"
    return str(said if isinstance(said, str) else said.get(what, default))


def _find(resource: ProbedResource, told: set[int], field: str, rules: Sequence[str]) -> str:
    """What becomes of the records that are rejected because of a field; marks those reasons as told."""
    counts = []
    for number, rejection in enumerate(resource.probe.reasons):
        if rejection.rule in rules and _is_about(rejection, field):
            told.add(number)
            counts.append(rejection.count)
    return _consequence(resource, max(counts)) if counts else ""


def _is_about(rejection: Rejection, field: str) -> bool:
    last = field.rpartition("__")[2]
    names = {table_name(part) for part in rejection.path.replace("[]", "").split(".")}
    quoted = {table_name(part) for part in rejection.message.replace('"', "'").split("'")[1::2]}
    return last in quoted or (rejection.rule in _TYPES and last in names)


def _rejected_line(resource: ProbedResource, rejection: Rejection) -> Change:
    probe = resource.probe
    where = "" if rejection.path == "$" else f"{rejection.path} "
    return Change(
        "sources",
        resource.source,
        probe.resource,
        "contract",
        "rejected",
        f"{rejection.count} of {probe.records} records: {where}{_shorten(rejection.message)}",
        str(resource.hints.get("contract", "what the warehouse can hold")),
        effect=_consequence(resource, rejection.count),
    )


def _consequence(resource: ProbedResource, count: int) -> str:
    """What `on_violation` makes of so many of the records that were read."""
    records = resource.probe.records
    of = f"{count} of {records} records"
    kind = resource.hints.get("on_violation", "quarantine")
    if kind == "fail":
        return f"{of} break the contract: the load stops"
    if kind == "warn":
        return f"{of} break the contract and are loaded all the same"
    limit = resource.hints.get("max_rejected")
    if limit is not None and not _allows(str(limit), count, records):
        return f"{of} are rejected, more than max_rejected allows ({limit}): the load stops"
    return f"{of} {'goes' if count == 1 else 'go'} to quarantine"


def _allows(limit: str, rejected: int, records: int) -> bool:
    """limit: as the manifest writes it, "1%" or "5"."""
    number = limit.replace(",", "")
    if number.endswith("%"):
        return rejected <= float(number[:-1]) / 100 * records
    return rejected <= int(number)


def _shorten(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:89]}…"
