"""pipeline-cli schedule run | list | export"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import format_table, print_document, print_progress, print_result
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, UsageError

if TYPE_CHECKING:
    from pipeline_cli.manifest.models import Manifest
    from pipeline_cli.project import Project
    from pipeline_cli.scheduling.export import Export

NO_SCHEDULES = "No pipeline has a schedule."
HINT = 'Give one a schedule: "@daily", or {cron: "0 6 * * *", timezone: Europe/Berlin}.'


@click.group(cls=VerbGroup, default="list")
@common_options
def command() -> None:
    """Run pipelines by their schedules, list the next slots (the default), or write them for other schedulers.

    Example: pipeline-cli schedule run
    """


@command.command("run", short_help="Run what is due, until Ctrl-C.")
@common_options
@click.pass_obj
def run_schedules(settings: Settings) -> int:
    """Run pipelines when their slots are due, in the foreground, until Ctrl-C or SIGTERM stops it and what it runs.

    Example: pipeline-cli schedule run --env prod
    """
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.ledger.slots import SlotBook
    from pipeline_cli.scheduling.children import ProcessRunner
    from pipeline_cli.scheduling.clock import SystemClock
    from pipeline_cli.scheduling.loading import PlanReader, schedules_of
    from pipeline_cli.scheduling.scheduler import Scheduler

    project = settings.open_project(sources=())
    schedules = schedules_of(project.manifest)
    if not schedules:
        raise UsageError(NO_SCHEDULES, hint=HINT)
    clock = SystemClock()

    def tell(line: str) -> None:
        print_progress(settings, f"{clock.now():%Y-%m-%dT%H:%M:%SZ} {line}")

    def read() -> tuple[Manifest, str]:
        reading = settings.read_manifest(sources=())
        return reading.manifest, reading.environment

    with opened_ledger(project) as ledger, clock.listening():
        book = SlotBook(ledger.database, project.environment_name)
        tell(f"scheduling in '{project.environment_name}': {', '.join(schedules)} (Ctrl-C ends it)")
        scheduler = Scheduler(
            ledger, book, PlanReader(project.root, read), ProcessRunner(project), clock, tell
        )
        stopped_by = scheduler.run()
    if settings.json:
        fields = {"status": "interrupted", "environment": project.environment_name, "slots": scheduler.counts}
        print_document(settings.command, {**fields, "errors": []})
    return EXIT_TERMINATED if stopped_by == signal.SIGTERM else EXIT_INTERRUPTED


@command.command("list", short_help="List the next slots.")
@click.option("--limit", default=3, show_default=True, type=click.IntRange(1, 1000), help="Slots a pipeline.")
@common_options
@click.pass_obj
def list_slots(settings: Settings, limit: int) -> int:
    """List the next slots of every pipeline with a schedule, in its time zone and in UTC.

    Example: pipeline-cli schedule list --limit 5
    """
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.document import utc_now
    from pipeline_cli.ledger.slots import SlotBook
    from pipeline_cli.scheduling.listing import list_schedules
    from pipeline_cli.scheduling.loading import schedules_of

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        book = SlotBook(ledger.database, project.environment_name)
        listed = list_schedules(schedules_of(project.manifest), book, utc_now(), limit)
    rows = [row for each in listed for row in each.to_rows()]
    fields: dict[str, Any] = {
        "status": "succeeded",
        "environment": project.environment_name,
        "schedules": [each.to_dict() for each in listed],
        "errors": [],
    }
    header = ("PIPELINE", "SCHEDULE", "NEXT", "UTC")
    print_result(settings, fields, format_table(header, rows) if rows else [f"{NO_SCHEDULES} {HINT}"])
    return 0


@command.command("export", short_help="Write the schedules for cron, systemd or GitHub.")
@click.argument("scheduler", type=click.Choice(("cron", "systemd", "github")))
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to; by default .pipeline/ENVIRONMENT/schedule/SCHEDULER, and .github/workflows for github.",
)
@common_options
@click.pass_obj
def export_schedules(settings: Settings, scheduler: str, folder: Path | None) -> int:
    """Write the schedules as a crontab, as systemd timers, or as workflows of GitHub Actions. Nothing is installed.

    Example: pipeline-cli schedule export systemd --env prod
    """
    from pipeline_cli.scheduling.export import Job, find_program, find_variables, write_files
    from pipeline_cli.scheduling.loading import schedules_of

    project = settings.open_project(sources=())
    variables = find_variables(settings.read_manifest(sources=()).files)
    program, environment = find_program(), project.environment_name
    jobs = [
        Job(
            project=project.manifest.name,
            root=project.root,
            environment=environment,
            pipeline=name,
            schedule=schedule,
            command=[program, "run", name, "--env", environment],
            variables=variables,
        )
        for name, schedule in schedules_of(project.manifest).items()
    ]
    if not jobs:
        raise UsageError(NO_SCHEDULES, hint=HINT)
    if any(ord(char) < 32 for char in str(project.root)):
        raise UsageError("The project's path has a control character, which no scheduler's file can hold.")
    export, default = _find_export(scheduler, project)
    exported = export(jobs)
    paths = write_files(folder or default, exported)
    for note in exported.notes:
        print_progress(settings, f"Note: {note}")
    shown = [str(path) for path in paths]
    fields = {
        "status": "succeeded",
        "environment": environment,
        "files": shown,
        "notes": list(exported.notes),
    }
    print_result(settings, {**fields, "errors": []}, shown)
    return 0


def _find_export(scheduler: str, project: Project) -> tuple[Export, Path]:
    """What writes the files, and the folder where they go by default."""
    if scheduler == "github":
        from pipeline_cli.scheduling.export_github import export_github, find_repository

        return export_github, find_repository(project.root) / ".github" / "workflows"
    folder = project.state_dir / "schedule" / scheduler
    if scheduler == "cron":
        from pipeline_cli.scheduling.export_cron import export_cron

        return export_cron, folder
    from pipeline_cli.scheduling.export_systemd import export_systemd

    return export_systemd, folder
