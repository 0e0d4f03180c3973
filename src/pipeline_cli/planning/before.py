"""A source as it was: from the record of its last run, or where there is none from what dlt left in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_cli.deployed.parts import Key
from pipeline_cli.manifest.names import table_name
from pipeline_cli.planning.facts import Facts

# What dlt's schema tells of a resource; the rest of what it was is not known without a record.
DERIVED = frozenset({"primary_key", "write_disposition"})


@dataclass(frozen=True, slots=True)
class Before:
    """resources: by name, as `deployed.parts` describes them. keys: those that are known; None means all."""

    content: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    keys: frozenset[str] | None = None


def source_before(facts: Facts, source: str) -> Before | None:
    """What is known of a source that runs here; None where it never ran."""
    stored = facts.deployed.parts.get(Key("source", source))
    if stored is not None:
        return Before(stored.content, stored.content.get("resources", {}))
    tables = facts.schemas.get(source, {}).get("tables", {})
    resources = {
        str(table.get("resource") or name): _derive(table)
        for name, table in tables.items()
        if not name.startswith("_") and not table.get("parent") and facts.table(f"bronze_{source}", name)
    }
    return Before({}, resources, DERIVED) if resources else None


def _derive(table: Mapping[str, Any]) -> dict[str, Any]:
    columns = table.get("columns", {})
    disposition = "scd2" if "_dlt_valid_to" in columns else table.get("write_disposition", "append")
    keys = [name for name, column in columns.items() if column.get("primary_key")]
    return {"write_disposition": disposition, **({"primary_key": keys} if keys else {})}


def find_resource(resources: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """A resource by its name, or by that of its table, which dlt keeps instead."""
    found = resources.get(name)
    return found if found is not None else resources.get(table_name(name))
