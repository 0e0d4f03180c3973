"""pipeline-cli site"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.project import Project
    from pipeline_cli.site.writing import Site

DEFAULT_PORT = 2719


@click.command()
@click.option("--serve", is_flag=True, help="Show the site on 127.0.0.1 until Ctrl-C, anew after each run.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port of --serve; 0 is any free one.",
)
@common_options
@click.pass_obj
def command(settings: Settings, serve: bool, port: int) -> int:
    """Write one static site of pipelines and their runs, reports, tables, lineage and quarantine. Nothing is run.

    Example: pipeline-cli site --serve
    """
    from pipeline_cli.cli.output import print_progress, print_result

    project = settings.open_project(sources=())
    written = _write(project)
    for note in written.notes:
        print_progress(settings, f"Note: {note}")
    shown = written.index.relative_to(project.root).as_posix()
    fields: dict[str, Any] = {
        "status": "succeeded" if written.is_new else "unchanged",
        "environment": project.environment_name,
        "page": shown,
        "pages": written.pages,
        "stale": written.is_stale,
        "notes": list(written.notes),
        "address": None,
        "errors": [],
    }
    if not serve:
        print_result(settings, fields, [shown])
        return 0
    return _serve(settings, project, port, fields)


def _write(project: Project) -> Site:
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.site.writing import write_site

    with opened_ledger(project) as ledger:
        return write_site(project, ledger)


def _serve(settings: Settings, project: Project, port: int, fields: dict[str, Any]) -> int:
    """Show the site until Ctrl-C, and write it anew when something has changed."""
    import threading
    from contextlib import suppress
    from functools import partial

    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.cli.output import print_progress, print_result
    from pipeline_cli.site.serving import rewrite_on_change, serving
    from pipeline_cli.site.watching import is_running, look, rewrite
    from pipeline_cli.site.writing import site_home

    again = ["site", "--json", "--project", str(project.root), "--env", project.environment_name]
    told: set[str] = set()

    with opened_ledger(project) as ledger, serving(site_home(project) / "latest", port) as address:

        def rewrite_once() -> bool:
            done = rewrite(project, again)
            if done.problem and done.problem not in told:  # a manifest in the middle of being edited, say
                told.add(done.problem)
                print_progress(settings, f"The site stays as it is: {done.problem}")
            return not done.is_stale or is_running(project, ledger)

        print_result(settings, {**fields, "address": address}, [f"The site is at {address} (Ctrl-C ends it)"])
        with suppress(KeyboardInterrupt):
            rewrite_on_change(partial(look, project, ledger), rewrite_once, threading.Event().wait)
    return 0
