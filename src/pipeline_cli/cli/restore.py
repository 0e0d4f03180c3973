"""pipeline-cli restore"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_cli.planning.restore_points import RestorePoint
    from pipeline_cli.project import Project


@click.command()
@click.argument("point", metavar="[POINT]", required=False)
@click.option("--yes", is_flag=True, help="Do it; without, what it would do is shown.")
@click.option("--discard", is_flag=True, help="Drop the point's copies instead.")
@common_options
@click.pass_obj
def command(settings: Settings, point: str | None, yes: bool, discard: bool) -> int:
    """List restore points, or go back to POINT: its sources' rows, rejects and cursors, in one transaction.

    They are made by `apply --allow-destructive`. What was loaded since is read again by the next run.

    Example: pipeline-cli restore 3f9c2a81b0de --yes
    """
    from pipeline_cli.maintenance.operation import to_document
    from pipeline_cli.planning.restoring import restore_point

    project = settings.open_project(sources=())
    points = _read(project)
    if point is None:
        print_result(
            settings,
            {"status": "succeeded", "points": [_to_dict(each) for each in points], "errors": []},
            _list(points),
        )
        return 0
    chosen = _find(points, point)
    if discard:
        _discard(project, chosen)
        print_result(
            settings,
            {"status": "succeeded", "point": point, "errors": []},
            [f"The copies of {point} are gone."],
        )
        return 0
    lines = [
        f"{'.'.join(copy.original)}: {copy.rows:,} rows"
        for copy in chosen.copies
        if copy.source and not copy.original[1].startswith("_")
    ]
    lines += [
        f"{'.'.join(copy.original)}: built from its code; its rows were kept in {'.'.join(copy.copy)}"
        for copy in chosen.copies
        if not copy.source
    ]
    if not yes:
        fields = {"status": "planned", "point": _to_dict(chosen), "errors": []}
        print_result(settings, fields, [*lines, "Nothing was changed. To do it, add --yes."])
        return 0
    operation = restore_point(project, chosen)
    # What ran last is the change that is taken back: a protected environment wants a plan for the way back, too.
    next_ = "plan --out back.plan" if project.environment.protected else "run"
    after = f"Put the manifest back as it was, then: pipeline-cli {next_}{project.command_option}"
    fields = {**to_document(operation, operation.result("succeeded")), "point": _to_dict(chosen)}
    print_result(settings, fields, [*lines, f"As they were at {chosen.made_at}.", after])
    return 0


def _read(project: Project) -> list[RestorePoint]:
    from pipeline_cli.destinations import open_warehouse
    from pipeline_cli.planning.restore_points import list_restore_points

    warehouse = open_warehouse(project)
    try:
        return list_restore_points(warehouse, project.environment_name)
    finally:
        warehouse.release()


def _discard(project: Project, point: RestorePoint) -> None:
    from pipeline_cli.destinations import open_warehouse
    from pipeline_cli.planning.restore_points import discard_restore_point

    warehouse = open_warehouse(project)
    with warehouse.exclusive("restore --discard"):
        discard_restore_point(warehouse, project.environment_name, point)


def _find(points: Sequence[RestorePoint], name: str) -> RestorePoint:
    found = [each for each in points if each.id.startswith(name)]
    if len(found) != 1:
        known = ", ".join(each.id for each in points[:5])
        hint = (
            f"There is: {known}." if known else "apply --allow-destructive makes one; none was made here yet."
        )
        raise UsageError(f"there is no restore point {name!r}", hint=hint)
    return found[0]


def _list(points: Sequence[RestorePoint]) -> list[str]:
    rows = [
        (
            each.id,
            each.made_at[:19].replace("T", " "),
            ", ".join(each.sources) or "models only",
            f"{each.rows:,}",
        )
        for each in points
    ]
    return (
        format_table(("point", "made at (UTC)", "sources", "rows"), rows, terminal_width())
        if rows
        else ["There is no restore point."]
    )


def _to_dict(point: RestorePoint) -> dict[str, Any]:
    return {
        "id": point.id,
        "made_at": point.made_at,
        "sources": point.sources,
        "copies": [
            {"table": ".".join(copy.original), "copy": ".".join(copy.copy), "rows": copy.rows}
            for copy in point.copies
        ],
    }
