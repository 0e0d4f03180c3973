"""What is in quarantine: counted by rule, and the newest records of each resource. Bounded, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.document import format_time
from pipeline_cli.lineage.catalog import Catalog
from pipeline_cli.project import Project
from pipeline_cli.quarantine import list_rejected
from pipeline_cli.secrets import mask_tree

FORMAT = 1
TABLE = "_quarantine"
RECORDS_A_RESOURCE = 10
MOST_RULES = 20  # a resource
MOST_REASONS = 5  # a record
LONGEST_RECORD = 1_000  # characters
COUNTED_ROWS = 100_000  # of a source, the newest: reasons are JSON, and reading a million takes seconds

_RULES = {
    "duckdb": (
        "SELECT resource, reason ->> '$.rule', reason ->> '$.path', count(*) FROM (SELECT resource,"
        " unnest(CAST(reasons AS JSON[])) AS reason FROM ({rows}) AS newest) AS told GROUP BY 1, 2, 3"
    ),
    "postgres": (
        "SELECT resource, reason ->> 'rule', reason ->> 'path', count(*) FROM ({rows}) AS newest,"
        " jsonb_array_elements(CAST(CAST(reasons AS text) AS jsonb)) AS reason GROUP BY 1, 2, 3"
    ),
}


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule was broken at a place of the record ("" is the record itself)."""

    rule: str
    path: str
    count: int


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record as text, cut to LONGEST_RECORD. reasons: sentences."""

    id: str
    run_id: str
    rejected_at: str
    reasons: Sequence[str]
    record: str
    place: str = ""


@dataclass(slots=True)
class ResourceRejects:
    """The quarantine of one resource. count: all records that are in it; newest: of the newest of them."""

    source: str
    resource: str
    count: int
    newest_at: str
    rules: list[RuleCount] = field(default_factory=list)
    records: list[RejectedRecord] = field(default_factory=list)


def read_rejects(project: Project, warehouse: Warehouse, catalog: Catalog) -> list[ResourceRejects]:
    """The quarantine of every source, in the manifest's order. Raises LoadError."""
    found: list[ResourceRejects] = []
    having = [source for source in project.manifest.sources if (f"bronze_{source}", TABLE) in catalog.tables]
    if not having:
        return []
    with closing(warehouse.connect()) as connection:
        for source in having:
            found += _read_source(connection, warehouse.type, source)
    for rejects in found:
        _add_records(project, warehouse, rejects)
    return found


def _read_source(connection: Connection, warehouse_type: str, source: str) -> list[ResourceRejects]:
    table = quote(f"bronze_{source}", TABLE)
    counted = connection.query(
        f"SELECT resource, count(*), max(_extracted_at) FROM {table} GROUP BY resource ORDER BY resource"
    )
    found = {
        resource: ResourceRejects(source, resource, int(count), _moment(newest))
        for resource, count, newest in counted
    }
    newest = f"SELECT resource, reasons FROM {table} ORDER BY _extracted_at DESC LIMIT {COUNTED_ROWS}"
    for resource, rule, path, count in connection.query(_RULES[warehouse_type].format(rows=newest)):
        found[resource].rules.append(RuleCount(rule or "", path or "", int(count)))
    for rejects in found.values():
        rejects.rules.sort(key=lambda one: (-one.count, one.rule, one.path))
        del rejects.rules[MOST_RULES:]
    return list(found.values())


def _add_records(project: Project, warehouse: Warehouse, rejects: ResourceRejects) -> None:
    newest = list_rejected(
        project, warehouse, source=rejects.source, resource=rejects.resource, limit=RECORDS_A_RESOURCE
    )
    for one in newest:
        reasons = [f"{reason.get('path') or 'the record'}: {reason.get('message')}" for reason in one.reasons]
        masked = mask_tree([one.record, reasons[:MOST_REASONS]], project.secrets)
        place = f"{one.file}{f', line {one.line}' if one.line else ''}" if one.file else ""
        rejects.records.append(
            RejectedRecord(one.id, one.run_id, _moment(one.rejected_at), masked[1], _cut(masked[0]), place)
        )


def _cut(text: str) -> str:
    """A record as people read it: indented where it is JSON, and not too long."""
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return text if len(text) <= LONGEST_RECORD else f"{text[:LONGEST_RECORD]}…"


def _moment(value: Any) -> str:
    return format_time(value) or "" if isinstance(value, datetime) else str(value or "")


def keep_rejects(path: Path, rejects: Sequence[ResourceRejects]) -> None:
    """Write it down for when the warehouse is out of reach. What cannot be written is not missed."""
    document = {"format": FORMAT, "rejects": [asdict(one) for one in rejects]}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(json.dumps(document), encoding="utf-8")
        aside.replace(path)


def kept_rejects(path: Path) -> list[ResourceRejects] | None:
    """The quarantine as it was last written down; None where there is none that can be read."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            return None
        return [_rejects(one) for one in document["rejects"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rejects(fields: Mapping[str, Any]) -> ResourceRejects:
    rules = [RuleCount(**one) for one in fields["rules"]]
    records = [RejectedRecord(**one) for one in fields["records"]]
    return ResourceRejects(**{**fields, "rules": rules, "records": records})
