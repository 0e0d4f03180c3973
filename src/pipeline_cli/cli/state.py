"""pipeline-cli state list | show | set | backup | restore"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.maintenance.cursors import SourceState


@click.group(cls=VerbGroup, default="list")
@common_options
def command() -> None:
    """List how far the sources have been read (the default), show it whole, move a cursor, save it, put it back.

    Example: pipeline-cli state
    """


@command.command("list", short_help="List the cursors and the files that are done.")
@click.option("--source", metavar="NAME", help="Only this source.")
@common_options
@click.pass_obj
def list_states(settings: Settings, source: str | None) -> int:
    """List the cursors and the files that are done, as the destination has them.

    Example: pipeline-cli state list --source fakestore
    """
    states = _read(settings, source)
    cursors = [_cursor(each) for state in states for each in state.cursors]
    files = [_files(each) for state in states for each in state.files]
    fields = {"status": "succeeded", "cursors": cursors, "files": files, "errors": []}
    rows = [(f"{one['source']}.{one['resource']}", one["cursor_path"], one["value"]) for one in cursors]
    rows += [(f"{one['source']}.{one['resource']}", "files", f"{one['count']} done") for one in files]
    table = format_table(("resource", "cursor", "stands at"), rows, terminal_width()) if rows else []
    print_result(settings, fields, table or ["No source has a cursor yet."])
    return 0


@command.command("show", short_help="Print a source's whole state.")
@click.argument("source")
@common_options
@click.pass_obj
def show_state(settings: Settings, source: str) -> int:
    """Print SOURCE's whole state as the destination has it, dlt's own included.

    Example: pipeline-cli state show fakestore
    """
    import json

    [state] = _read(settings, source)
    found: dict[str, Any] = {
        "source": source,
        "cursors": [_cursor(each) for each in state.cursors],
        "files": [_files(each) for each in state.files],
        "dlt": None if state.dlt is None else {"load_id": state.dlt.load_id, "state": state.dlt.state},
    }
    lines = json.dumps(found, indent=2, ensure_ascii=False, default=str).splitlines()
    print_result(settings, {"status": "succeeded", "state": found, "errors": []}, lines)
    return 0


@command.command("set", short_help="Move a resource's cursor.")
@click.argument("resource", metavar="SOURCE.RESOURCE")
@click.argument("value")
@click.option("--yes", is_flag=True, help="Do what a protected environment asks for, or what doubles rows.")
@common_options
@click.pass_obj
def set_state(settings: Settings, resource: str, value: str, yes: bool) -> int:
    """Move a resource's cursor: back, and the next run reads records again; forward, and it skips some.

    Example: pipeline-cli state set fakestore.carts 2026-01-31
    """
    from pipeline_cli.cli.names import split_resource
    from pipeline_cli.maintenance.moving import set_cursor
    from pipeline_cli.maintenance.operation import to_document

    project = settings.open_project()
    source, name = split_resource(project.manifest, resource)
    operation, move = set_cursor(project, source, name, value, yes=yes)
    moved = {
        "resource": resource,
        "from": str(move.cursor.value),
        "to": str(move.value),
        "meaning": move.meaning,
    }
    fields = {**to_document(operation, operation.result("succeeded")), "moved": moved}
    print_result(settings, fields, [f"{resource}: {move.cursor.value} -> {move.value}", f"  {move.meaning}"])
    return 0


@command.command("backup", short_help="Write the whole state to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@common_options
@click.pass_obj
def backup(settings: Settings, file: Path) -> int:
    """Write the environment's whole state to FILE (JSON): cursors, files that are done, and the ledger's runs.

    Example: pipeline-cli state backup state.json
    """
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.errors import UsageError
    from pipeline_cli.maintenance.state_files import backup_state

    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}.")
    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger, opened_warehouse(project) as warehouse:
        counts = backup_state(project, warehouse, ledger, file)
    fields = {"status": "succeeded", "file": str(file), **counts, "errors": []}
    told = f"{file}: the state of {counts['sources']} sources, and {counts['runs']} runs"
    print_result(settings, fields, [told])
    return 0


@command.command("restore", short_help="Put the state of a backup back.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--yes", is_flag=True, help="Go back although loads have come since, or in a protected environment."
)
@common_options
@click.pass_obj
def restore(settings: Settings, file: Path, yes: bool) -> int:
    """Put the state of a backup back; the warehouse must hold the loads that it belongs to.

    Example: pipeline-cli state restore state.json
    """
    from pipeline_cli.maintenance.operation import to_document
    from pipeline_cli.maintenance.state_files import restore_state

    project = settings.open_project()
    operation, restored = restore_state(project, file, yes=yes)
    fields = {**to_document(operation, operation.result("succeeded")), "restored": restored}
    told = f"The state of {', '.join(restored['sources'])} is that of {file}; {restored['runs']} runs were added."
    print_result(settings, fields, [told])
    return 0


def _read(settings: Settings, source: str | None) -> list[SourceState]:
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.maintenance.moving import read_states

    project = settings.open_project(sources=())
    if source:
        require_name(source, project.manifest.sources, "source")
    with opened_warehouse(project) as warehouse:
        return read_states(project, warehouse, [source] if source else list(project.manifest.sources))


def _cursor(state: Any) -> dict[str, Any]:
    value = state.value
    return {
        "source": state.source,
        "resource": state.resource,
        "cursor_path": state.path or None,
        "value": value if isinstance(value, (int, float, str)) or value is None else str(value),
        "load_id": state.load_id,
    }


def _files(state: Any) -> dict[str, Any]:
    return {
        "source": state.source,
        "resource": state.resource,
        "count": state.count,
        "newest": state.newest,
    }
