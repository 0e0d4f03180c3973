"""pipeline-cli quarantine list | show, and the verbs of quarantine_verbs.py"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.quarantine_verbs import discard, export, narrowing, replay
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.project import Project
    from pipeline_cli.quarantine import Rejected

NEWEST_RUNS = 1000  # among which a run's id is looked for


@click.group(cls=VerbGroup, default="list")
@common_options
def command() -> None:
    """List the records that were rejected (the default), show, replay, discard or export them.

    Example: pipeline-cli quarantine
    """


for _verb in (replay, discard, export):
    command.add_command(_verb)


@command.command("list", short_help="List rejected records, newest first.")
@narrowing
@click.option("--all", "decided", is_flag=True, help="Also those that were replayed or discarded.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many, newest first."
)
@common_options
@click.pass_obj
def list_records(
    settings: Settings,
    source: str | None,
    resource: str | None,
    run_id: str | None,
    rule: str | None,
    decided: bool,
    limit: int,
) -> int:
    """List the rejected records that are open, newest first.

    Example: pipeline-cli quarantine list --source fakestore
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.quarantine import list_rejected

    project = settings.open_project(sources=())
    if source:
        require_name(source, project.manifest.sources, "source")
    with opened_warehouse(project) as warehouse:
        records = list_rejected(
            project,
            warehouse,
            source=source,
            resource=resource,
            run_id=run_id,
            rule=rule,
            limit=limit,
            decided=decided,
        )
    if not records:
        require_known(project, resource, source, run_id)
    fields = {"status": "succeeded", "rejected": [_to_dict(record) for record in records], "errors": []}
    nothing = f"No such record is in quarantine in '{project.environment_name}'."
    print_result(settings, fields, _table(records) or [nothing])
    return 0


def require_known(project: Project, resource: str | None, source: str | None, run_id: str | None) -> None:
    """Raise UsageError where the list is empty because its resource or run is not there at all."""
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.cli.names import require_name

    entries = [project.manifest.sources[source]] if source else list(project.manifest.sources.values())
    # A Python source may have resources that the manifest does not name.
    if resource and all(entry.type != "python" for entry in entries):
        require_name(resource, sorted({name for entry in entries for name in entry.resources}), "resource")
    if run_id:
        with opened_ledger(project) as ledger:
            known = [run.run_id for run in ledger.recent(NEWEST_RUNS, None, project.environment_name)]
        require_name(run_id, known, f"run in '{project.environment_name}' called")


@command.command("show", short_help="Print one rejected record with every reason.")
@click.argument("record_id", metavar="ID")
@common_options
@click.pass_obj
def show_record(settings: Settings, record_id: str) -> int:
    """Print one rejected record with every reason.

    Example: pipeline-cli quarantine show 4k2p9x
    """
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.quarantine import find_rejected

    project = settings.open_project(sources=())
    with opened_warehouse(project) as warehouse:
        record = find_rejected(project, warehouse, record_id)
    lines = [
        f"{record.source}.{record.resource}, rejected {_moment(record.rejected_at)} by run {record.run_id}",
        *([_standing(record)] if record.file else []),
        *(
            [f"  {record.decision} {_moment(record.decided_at)} by {record.decided_by}: {record.reason}"]
            if record.decision
            else []
        ),
        *(f"  {_place(reason)}: {reason['message']} [{reason['rule']}]" for reason in record.reasons),
        "",
        record.record,
    ]
    print_result(settings, {"status": "succeeded", "rejected": _to_dict(record), "errors": []}, lines)
    return 0


def _to_dict(record: Rejected) -> dict[str, Any]:
    return {
        "id": record.id,
        "source": record.source,
        "resource": record.resource,
        "run_id": record.run_id,
        "rejected_at": _moment(record.rejected_at),
        "reasons": list(record.reasons),
        "record": record.record,
        "record_hash": record.record_hash,
        "file": record.file,
        "line": record.line,
        "raw": record.raw,
        "decision": record.decision,
        "reason": record.reason,
        "decided_by": record.decided_by,
        "decided_at": record.decided_at and _moment(record.decided_at),
    }


def _standing(record: Rejected) -> str:
    """'  in contacts.csv, line 7'."""
    return f"  in {record.file}" + (f", line {record.line}" if record.line else "")


def _table(records: list[Rejected]) -> list[str]:
    rows = [
        (record.id, f"{record.source}.{record.resource}", _moment(record.rejected_at), _summarise(record))
        for record in records
    ]
    return format_table(("id", "resource", "rejected", "reasons"), rows, terminal_width()) if rows else []


def _summarise(record: Rejected) -> str:
    where = f"{record.file}:{record.line}: " if record.file and record.line else ""
    where = f"[{record.decision}] {where}" if record.decision else where
    return where + "; ".join(f"{_place(reason)}: {reason['message']}" for reason in record.reasons)


def _place(reason: dict[str, Any]) -> str:
    return str(reason["path"]) or "the record"


def _moment(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M}"
