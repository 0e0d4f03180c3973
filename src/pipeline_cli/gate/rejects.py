"""Rejected records, as rows of the quarantine table in the same load package."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pipeline_cli.contracts.json_values import plain_json, record_hash
from pipeline_cli.contracts.reasons import Record, Rejected
from pipeline_cli.document import ResourceResult
from pipeline_cli.gate.rules import GateContext, GateRules
from pipeline_cli.sources.derived import received_of

QUARANTINE_TABLE = "_quarantine"


def new_rejects(
    rules: GateRules,
    context: GateContext,
    result: ResourceResult,
    rejected: list[Rejected],
    moment: datetime,
) -> list[Record]:
    """The rows for quarantine; a record that is there already for the same reasons is left out.

    Without a key (append) the same record may rightly come twice, so each is kept, once a run.
    """
    if rules.disposition == "append":
        first = result.quarantined - len(rejected)
        return [
            quarantine_row(rules, context.run_id, each, moment, occurrence=[context.run_id, first + index])
            for index, each in enumerate(rejected)
        ]
    rows = {
        row["id"]: row for row in (quarantine_row(rules, context.run_id, each, moment) for each in rejected)
    }
    known = context.known(QUARANTINE_TABLE, "id", list(rows))
    return [row for identity, row in rows.items() if identity not in known]


def quarantine_row(
    rules: GateRules,
    run_id: str,
    rejected: Rejected,
    moment: datetime,
    occurrence: list[str | int] | None = None,
) -> Record:
    """The quarantine table's row. occurrence: what tells this record from others with its content and reasons."""
    digest = record_hash(rejected.record)
    reasons = [reason.to_dict() for reason in rejected.reasons]
    return {
        "id": quarantine_id(rules.resource, digest, reasons, occurrence),
        "resource": rules.resource,
        "record_hash": digest,
        "reasons": json.dumps(reasons),
        "record": plain_json(_shown(rejected.record)).replace("\x00", "\\u0000"),
        "_run_id": run_id,
        "_extracted_at": moment,
        "_source": rules.source,
    }


def quarantine_id(
    resource: str, digest: str, reasons: list[dict[str, str]], occurrence: list[str | int] | None = None
) -> str:
    """The id under which a record is kept: another one when its reasons are others. digest: the record's hash."""
    identity = {"resource": resource, "record": digest, "reasons": reasons, "occurrence": occurrence}
    return record_hash(identity)[:12]


def _shown(record: Record) -> Record:
    """A derived record with what it was made of, which is kept nowhere else."""
    received = received_of(record)
    return record if received is record else {**record, "_raw": received}


def for_quarantine(rows: list[Record]) -> Any:
    """The rows, marked for the quarantine table: dlt puts them into the package of the resource they came with."""
    import dlt

    text = {"data_type": "text", "nullable": True}
    names = ("id", "resource", "record_hash", "reasons", "record", "_run_id", "_source")
    columns: Any = {name: {"name": name, **text} for name in names}
    columns["_extracted_at"] = {"name": "_extracted_at", "data_type": "timestamp", "nullable": True}
    hints = dlt.mark.make_hints(
        table_name=QUARANTINE_TABLE, write_disposition="append", primary_key=(), merge_key=(), columns=columns
    )
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)
