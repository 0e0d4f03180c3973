"""pipeline-cli rollback"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.maintenance.rollback_plan import SourceRollback


@click.command()
@click.option("--to", "run_id", required=True, metavar="RUN", help="The run whose end to go back to.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source; may be repeated.")
@click.option("--yes", is_flag=True, help="Do it; without, what it would do is shown.")
@common_options
@click.pass_obj
def command(settings: Settings, run_id: str, sources: tuple[str, ...], yes: bool) -> int:
    """Take back what was loaded after RUN: rows, rejects, cursors and dlt's state, in one transaction.

    Where a table's history does not allow it, nothing is changed, and it says so.

    Example: pipeline-cli rollback --to 20261121T090000-3f9c2a --source fakestore --yes
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.maintenance.operation import to_document
    from pipeline_cli.maintenance.rollback import plan_rollback, require_possible, roll_back

    project = settings.open_project(sources=sources or None)
    for name in sources:
        require_name(name, project.manifest.sources, "source")
    wanted = list(sources or project.manifest.sources)
    if not yes:
        plans = plan_rollback(project, run_id, wanted)
        require_possible(plans, run_id)
        fields = {
            "status": "planned",
            "to": run_id,
            "sources": [_to_dict(plan) for plan in plans],
            "errors": [],
        }
        print_result(settings, fields, [*_lines(plans), "Nothing was changed. To do it, add --yes."])
        return 0
    operation, plans = roll_back(project, run_id, wanted)
    fields = {
        **to_document(operation, operation.result("succeeded")),
        "to": run_id,
        "sources": [_to_dict(plan) for plan in plans],
    }
    after = f"Next: pipeline-cli run --from transform{project.command_option}"
    print_result(settings, fields, [*_lines(plans), f"Taken back to the end of {run_id}.", after])
    return 0


def _lines(plans: list[SourceRollback]) -> list[str]:
    lines = []
    for plan in plans:
        lines.append(f"{plan.source}: {len(plan.removed)} load{'' if len(plan.removed) == 1 else 's'}")
        lines += [f"  {plan.dataset}.{table.name} ({table.kind}): {table.rows} rows" for table in plan.tables]
    return lines


def _to_dict(plan: SourceRollback) -> dict[str, Any]:
    return {
        "source": plan.source,
        "loads": plan.removed,
        "tables": [{"table": each.name, "kind": each.kind, "rows": each.rows} for each in plan.tables],
    }
