"""pipeline-cli quarantine replay | discard | export"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import UsageError

if TYPE_CHECKING:
    from pipeline_cli.maintenance.replay.outcomes import ReplayResult
    from pipeline_cli.project import Project
    from pipeline_cli.quarantine import Wanted

Function = TypeVar("Function", bound=Callable[..., Any])
MOST_SHOWN = 20
_WORDS = {
    "loaded": "loaded",
    "present": "there already",
    "superseded": "superseded",
    "rejected": "still bad",
    "held": "not replayed",
}

_NARROWING = (
    click.option("--source", metavar="NAME", help="Only records of this source."),
    click.option("--resource", metavar="NAME", help="Only records of this resource."),
    click.option("--run", "run_id", metavar="RUN", help="Only records that this run rejected."),
    click.option("--rule", metavar="RULE", help="Only records that broke this rule: type, required, …"),
)


def narrowing(function: Function) -> Function:
    """Add --source, --resource, --run and --rule to a verb."""
    for option in reversed(_NARROWING):
        function = option(function)
    return function


@click.command("replay", short_help="Send rejected records through their contracts again, and load them.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@narrowing
@common_options
@click.pass_obj
def replay(settings: Settings, /, ids: tuple[str, ...], **narrowed: str | None) -> int:
    """Send rejected records (by default all that are open) through today's contracts again, and load the good ones.

    Each source is done whole or not at all; a record is loaded once, however often this is called. One that is
    still bad stays with its new reasons; one of a key that has a newer row is not loaded.

    Example: pipeline-cli quarantine replay --resource products
    """
    from pipeline_cli.maintenance.operation import to_document
    from pipeline_cli.maintenance.replaying import replay_records

    project = settings.open_project()
    sources, wanted = find_wanted(project, ids, narrowed)
    operation, results = replay_records(project, sources, wanted)
    fields = to_document(operation, operation.result("succeeded"))
    records = [
        {
            "id": each.entry.id,
            "source": source,
            "resource": each.entry.resource,
            "outcome": each.kind,
            "note": each.note,
        }
        for source, result in results.items()
        for each in result.outcomes.values()
    ]
    print_result(settings, {**fields, "records": records}, _tell_replay(project, results))
    return 0


def _tell_replay(project: Project, results: dict[str, ReplayResult]) -> list[str]:
    lines, left = [], 0
    for source, result in results.items():
        counts = [f"{count} {_WORDS[kind]}" for kind, count in result.counts.items() if count]
        lines.append(f"{source}: {', '.join(counts) or 'nothing to do'}")
        shown = [each for each in result.outcomes.values() if each.kind not in ("loaded", "present")]
        left += len(shown)
        for each in shown[:MOST_SHOWN]:
            why = each.note
            if each.kind == "rejected":
                why = "; ".join(f"{reason['path']}: {reason['message']}" for reason in each.reasons)
            lines.append(f"  {each.entry.id} {each.entry.resource}, {_WORDS[each.kind]}: {why}")
        if len(shown) > MOST_SHOWN:
            lines.append(f"  … and {len(shown) - MOST_SHOWN} more")
    if any(result.counts["loaded"] for result in results.values()):
        lines.append(f"Next: pipeline-cli run --from transform{project.command_option}")
    return lines


@click.command("discard", short_help="Decide that rejected records are not to be loaded.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with who and when.")
@narrowing
@common_options
@click.pass_obj
def discard(settings: Settings, /, ids: tuple[str, ...], reason: str, **narrowed: str | None) -> int:
    """Decide that rejected records are not to be loaded. They are kept, and `export --all` and `show` still have them.

    Example: pipeline-cli quarantine discard --run 20261121T090000-3f9c2a --reason "test orders"
    """
    from pipeline_cli.maintenance.operation import to_document
    from pipeline_cli.maintenance.replaying import discard_records

    if not reason.strip():
        raise UsageError("A reason is needed.", hint='--reason "test orders"')
    if not ids and not any(narrowed.values()):
        raise UsageError(
            "discard wants to know which records.", hint="Give ids, or --source, --resource, --run or --rule."
        )
    project = settings.open_project(sources=())
    sources, wanted = find_wanted(project, ids, narrowed)
    operation, discarded = discard_records(project, sources, wanted, reason)
    fields = to_document(operation, operation.result("succeeded"))
    lines = [f"{source}: {len(each)} discarded" for source, each in discarded.items()]
    print_result(settings, {**fields, "discarded": discarded}, lines)
    return 0


@click.command("export", short_help="Write rejected records to a CSV or JSON Lines file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "decided", is_flag=True, help="Also those that were replayed or discarded.")
@narrowing
@common_options
@click.pass_obj
def export(
    settings: Settings, /, file: Path, ids: tuple[str, ...], decided: bool, **narrowed: str | None
) -> int:
    """Write rejected records to FILE: .csv for a spreadsheet, .jsonl for programs.

    Example: pipeline-cli quarantine export rejected.csv --resource products
    """
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.maintenance.exporting import export_rejected

    if file.suffix not in (".csv", ".jsonl"):
        raise UsageError(f"{file} ends neither in .csv nor in .jsonl.", hint="rejected.csv, say")
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}.")
    project = settings.open_project(sources=())
    sources, wanted = find_wanted(project, ids, narrowed)
    with opened_warehouse(project) as warehouse:
        count = export_rejected(project, warehouse, file, sources, wanted, decided=decided)
    fields = {"status": "succeeded", "file": str(file), "records": count, "errors": []}
    print_result(settings, fields, [f"{count} record{'' if count == 1 else 's'} written to {file}"])
    return 0


def find_wanted(
    project: Project, ids: Sequence[str], narrowed: dict[str, str | None]
) -> tuple[list[str], Wanted]:
    """The sources to look in, and which of their records. Raises UsageError for a name or an id that is not there."""
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.cli.quarantine import require_known
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.quarantine import Wanted, find_rejected

    source, resource, run_id = (narrowed[name] for name in ("source", "resource", "run_id"))
    if source:
        require_name(source, project.manifest.sources, "source")
    require_known(project, resource, source, run_id)
    whole: tuple[str, ...] = ()
    if ids:
        with opened_warehouse(project) as warehouse:
            found = [find_rejected(project, warehouse, each, source) for each in ids]
        whole = tuple(dict.fromkeys(each.id for each in found))
    sources = [source] if source else list(project.manifest.sources)
    return sources, Wanted(resource, run_id, narrowed["rule"], whole)
