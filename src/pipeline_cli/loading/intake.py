"""A source's resources, each given its hints and its gate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.errors import SourceError
from pipeline_cli.gate.by_column import ByColumn
from pipeline_cli.gate.check import CheckStep
from pipeline_cli.gate.incremental import let_carriers_pass
from pipeline_cli.gate.rules import GateContext, GateRules
from pipeline_cli.gate.write import ReceivedStep, WriteStep
from pipeline_cli.loading.contract_files import read_contracts
from pipeline_cli.loading.pipeline import dataset_name
from pipeline_cli.manifest.sources import PythonSource, ResourceHints, RestApiSource, RestResource
from pipeline_cli.project import Project
from pipeline_cli.sources.decoding import Decoding

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource

log = logging.getLogger(__name__)

_METADATA: Mapping[str, Any] = {
    "_run_id": {"data_type": "text"},
    "_extracted_at": {"data_type": "timestamp"},
    "_source": {"data_type": "text"},
}
_RAW: Mapping[str, Any] = {
    "_raw": {"data_type": "json"},
    "_endpoint": {"data_type": "text"},
    "_size_bytes": {"data_type": "bigint"},
}
_NO_HINTS = ResourceHints()
NO_DECODING: Mapping[str, Decoding] = {}


@dataclass(frozen=True, slots=True)
class Intake:
    """One resource behind its gate: its rules, and the step that counts what went through."""

    rules: GateRules
    check: CheckStep
    writer: WriteStep
    by_column: ByColumn | None = None


def attach_gates(
    project: Project,
    source: str,
    dlt_source: DltSource,
    context: GateContext,
    decoding: Mapping[str, Decoding] = NO_DECODING,
) -> list[Intake]:
    """Give every selected resource its hints, its metadata columns and its gate, in the source's order.

    decoding: by resource, how its answers are decoded; those that need no look at each record are told so.
    """
    contracts = read_contracts(project, source)
    entry = project.manifest.sources[source]
    parents = {
        resource._pipe.parent.name
        for resource in dlt_source.resources.values()
        if resource._pipe.parent is not None
    }
    return [
        _attach(
            source, entry, name, resource, contracts.get(name), context, dlt_source, name in parents, decoding
        )
        for name, resource in dlt_source.resources.selected.items()
    ]


def _attach(
    source: str,
    entry: RestApiSource | PythonSource,
    name: str,
    resource: DltResource,
    contract: Contract | None,
    context: GateContext,
    dlt_source: DltSource,
    is_parent: bool,
    decoding: Mapping[str, Decoding],
) -> Intake:
    hints = entry.resources.get(name, _NO_HINTS)
    rules = make_rules(source, entry, name, resource, contract)
    apply_hints(resource, hints, rules)
    _apply_incremental(resource, entry, hints, rules)
    let_carriers_pass(resource)
    holds = _sure_check(rules)
    needed_for = "those that depend on it" if is_parent else _record_needs(rules, resource, holds is not None)
    by_column = ByColumn(context.spool, None if needed_for else holds) if context.spool is not None else None
    if by_column is not None and name in decoding:
        if by_column.takes_text and decoding[name].is_sent:
            decoding[name].decode = by_column.decode
        else:
            log.info(
                "%s: each record is decoded, for %s", name, needed_for or "paging, which may look among them"
            )
    check = CheckStep(
        rules, context, lambda: dlt_source.schema, resource.compute_table_schema, by_column=by_column
    )
    columns = resource.compute_table_schema().get("columns", {}).values()
    key_is_typed = all("data_type" in column for column in columns if column.get("primary_key"))
    writer = WriteStep(rules, context, key_is_typed=key_is_typed, by_column=by_column)
    if resource._pipe.parent is not None:
        resource.add_step(ReceivedStep(), insert_at=0)
    resource.add_step(check)
    resource.add_step(writer)
    return Intake(rules, check, writer, by_column)


def _record_needs(rules: GateRules, resource: DltResource, contract_is_sure: bool) -> str:
    """What each record itself is needed for; empty where one look at a page's table tells all."""
    needs = {
        "its parent's values": resource._pipe.parent is not None,
        "its primary_key": rules.primary_key,
        "its cursor": rules.cursor,
        "keep_raw": rules.keep_raw,
        f"write_disposition {rules.disposition}": rules.disposition not in ("append", "replace"),
        "a contract that no look at a column can hold": not contract_is_sure,
    }
    return next((what for what, is_needed in needs.items() if is_needed), "")


def _sure_check(rules: GateRules) -> Callable[[Any], bool] | None:
    """Whether a page's rows meet the contract, by one look at its table; None where each record has to be judged."""
    if rules.contract is None:
        return lambda table: True
    from pipeline_cli.nested.contract import sure_holds

    return sure_holds(rules.contract.schema)


def make_rules(
    source: str,
    entry: RestApiSource | PythonSource,
    name: str,
    resource: DltResource,
    contract: Contract | None,
) -> GateRules:
    """The gate's rules: from the manifest where it says something, else from the dlt resource itself."""
    hints = entry.resources.get(name, _NO_HINTS)
    declared = name in entry.resources and (
        isinstance(entry, RestApiSource) or hints.write_disposition != "append"
    )
    table = resource.table_name
    if not isinstance(table, str):
        raise SourceError(
            f"{source}.{name}: its table_name is a function of the record; we check and count by table.",
            code="E343",
            hint="Make it one resource for each table, for instance with dlt.transformer.",
        )
    keep_raw = entry.keep_raw if hints.keep_raw is None else hints.keep_raw
    incremental = hints.incremental
    return GateRules(
        source=source,
        resource=name,
        dataset=dataset_name(source),
        table=table,
        disposition=hints.write_disposition if declared else _disposition(resource),
        primary_key=hints.primary_key or _key_columns(resource, "primary_key"),
        replaces_by_key=not _key_columns(resource, "merge_key"),
        contract=contract,
        on_violation=hints.on_violation,
        max_rejected=hints.max_rejected,
        cursor=incremental.cursor_path if incremental else None,
        cursor_required=incremental is not None and incremental.on_cursor_value_missing == "quarantine",
        cursor_start=incremental.initial_value if incremental else None,
        keep_raw=keep_raw,
        endpoint=_endpoint_path(name, hints),
        drift=hints.drift,
    )


def _endpoint_path(name: str, hints: ResourceHints) -> str | None:
    if not isinstance(hints, RestResource):
        return None
    from pipeline_cli.sources.rest_api import endpoint_of

    return endpoint_of(name, hints).path


def apply_hints(resource: DltResource, hints: ResourceHints, rules: GateRules) -> None:
    columns: dict[str, Any] = {**_METADATA, **(_RAW if rules.keep_raw else {})}
    columns.update(_contract_columns(rules.contract))
    columns.update({name: _column(hint) for name, hint in hints.columns.items()})
    arguments: dict[str, Any] = {}
    if rules.disposition == "merge":
        columns["_record_hash"] = {"data_type": "text"}
        # Two versions of a key in one load: the later page wins, not whichever the database takes first.
        columns["_extracted_at"] = {"data_type": "timestamp", "dedup_sort": "desc"}
        arguments["write_disposition"] = {"disposition": "merge", "strategy": "delete-insert"}
    elif rules.disposition == "scd2":
        columns["_record_hash"] = {"data_type": "text"}
        arguments["write_disposition"] = {"disposition": "merge", "strategy": "scd2"}
        if rules.cursor:  # a load of what is new says nothing of the records it does not hold
            arguments["merge_key"] = list(rules.primary_key)
    else:
        arguments["write_disposition"] = rules.disposition
    if rules.primary_key:
        arguments["primary_key"] = list(rules.primary_key)
    resource.apply_hints(columns=columns, **arguments)
    if hints.max_table_nesting is not None:
        resource.max_table_nesting = hints.max_table_nesting


def _apply_incremental(
    resource: DltResource, entry: RestApiSource | PythonSource, hints: ResourceHints, rules: GateRules
) -> None:
    if hints.incremental is not None and isinstance(entry, PythonSource):
        import dlt

        from pipeline_cli.sources.rest_api import incremental_config

        config = incremental_config(hints.incremental, rules.disposition)
        arguments = {key: value for key, value in config.items() if not key.endswith("_param")}
        resource.apply_hints(incremental=dlt.sources.incremental(**arguments))


def _contract_columns(contract: Contract | None) -> dict[str, Any]:
    types = contract.column_types() if contract else {}
    return {"__".join(path): {"data_type": data_type} for path, data_type in types.items()}


def _column(hint: Any) -> dict[str, Any]:
    values = {field.name: getattr(hint, field.name) for field in fields(hint)}
    return {name: value for name, value in values.items() if value is not None}


def _disposition(resource: DltResource) -> str:
    declared = resource.write_disposition
    if isinstance(declared, dict):
        return "scd2" if declared.get("strategy") == "scd2" else str(declared.get("disposition", "append"))
    return declared if isinstance(declared, str) else "append"


def _key_columns(resource: DltResource, hint: str) -> tuple[str, ...]:
    columns = resource.compute_table_schema().get("columns", {})
    return tuple(name for name, column in columns.items() if column.get(hint))
