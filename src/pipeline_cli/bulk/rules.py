"""What a column source's resources are held to: from the manifest alone, without dlt."""

from __future__ import annotations

from pipeline_cli.gate.rules import GateRules
from pipeline_cli.loading.contract_files import read_contracts
from pipeline_cli.loading.pipeline import dataset_name
from pipeline_cli.manifest.names import table_name
from pipeline_cli.manifest.sources import SchemaContract
from pipeline_cli.project import Project


def column_rules(project: Project, source: str) -> dict[str, GateRules]:
    """The rules of each resource, by its name. Raises UsageError for a contract that is no JSON Schema."""
    entry = project.manifest.sources[source]
    contracts = read_contracts(project, source)
    found = {}
    for name, hints in entry.resources.items():
        # Generated tables have neither a cursor nor a record as received.
        incremental = getattr(hints, "incremental", None)
        keep_raw = getattr(hints, "keep_raw", None)
        found[name] = GateRules(
            source=source,
            resource=name,
            dataset=dataset_name(source),
            table=table_name(name),
            disposition=hints.write_disposition,
            primary_key=hints.primary_key,
            contract=contracts.get(name),
            on_violation=hints.on_violation,
            max_rejected=hints.max_rejected,
            cursor=incremental.cursor_path if incremental else None,
            drift=getattr(hints, "drift", None) or SchemaContract(),
            keep_raw=bool(getattr(entry, "keep_raw", False) if keep_raw is None else keep_raw),
        )
    return found
