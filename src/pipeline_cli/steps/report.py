"""The report step: one report's page and CSV files, from what the pipeline's tests have passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_cli.document import ReportResult, StepResult, utc_now
from pipeline_cli.plan import Step
from pipeline_cli.steps.context import RunContext
from pipeline_cli.steps.mail_prints import prints_for_mail
from pipeline_cli.steps.transform import guard

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse
    from pipeline_cli.ledger import Ledger
    from pipeline_cli.project import Project
    from pipeline_cli.reports.editions import Edition
    from pipeline_cli.reports.writing import Print, ReportRequest


def do_report(context: RunContext, step: Step, tries: int) -> StepResult:
    """Write a new edition of the step's report, unless it would be the one before.

    Never raises, save KeyboardInterrupt: what goes wrong is in the result's errors.
    """
    return guard(step, "report", tries, lambda result: _report(context, step, result))


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """Where a report reads and what is known of its data: an open warehouse, and the ledger."""

    project: Project
    warehouse: Warehouse
    ledger: Ledger


def make_request(place: ReportPlace, name: str, edition_id: str, run_id: str | None = None) -> ReportRequest:
    """What to write: the report as the manifest has it, and what is known of the data it reads.

    edition_id: the new edition's folder. run_id: the run that writes it; without one, the page names the run
    that built the models last.
    """
    from pipeline_cli.reports.writing import ReportRequest

    manifest, environment = place.project.manifest, place.project.environment_name
    pipelines = {key: one for key, one in manifest.pipelines.items() if name in one.reports}
    sources = sorted({source for one in pipelines.values() for source in one.sources})
    built = [
        (pipeline, transform, state.run_id)
        for pipeline, one in pipelines.items()
        for transform in one.transforms
        if (state := place.ledger.transform_state(environment, pipeline, transform)) is not None
    ]
    return ReportRequest(
        project=place.project,
        warehouse=place.warehouse,
        name=name,
        edition_id=edition_id,
        run_id=run_id or max((run for _, _, run in built if run), default=None),
        made_at=utc_now(),
        loaded_at=place.ledger.last_load(environment, sources),
        pipelines=tuple(pipelines),
        built=tuple(built),
    )


def write_anew(place: ReportPlace, name: str, prints: Sequence[Print] = ()) -> ReportResult:
    """Write a report outside a run, and what is to be printed of it. Raises ReportError.

    The run on its page is the one that built the models last.
    """
    from pipeline_cli.ledger import new_run_id
    from pipeline_cli.reports.writing import write_report

    request = make_request(place, name, new_run_id())
    return describe_edition(place.project, write_report(request, anew=True, prints=prints))


def describe_edition(project: Project, edition: Edition) -> ReportResult:
    """The edition as the run document has it: paths below the project's root."""

    def shown(name: str, folder: str) -> str:
        return (edition.home / folder / name).relative_to(project.root).as_posix()

    files = [shown(name, edition.id) for name in edition.files]
    return ReportResult(edition.report, shown(edition.files[0], "latest"), files)


def _report(context: RunContext, step: Step, result: StepResult) -> None:
    from pipeline_cli.reports.writing import write_report

    place = ReportPlace(context.project, context.warehouse, context.ledger)
    request = make_request(place, step.target, context.run_id, context.run_id)
    prints = prints_for_mail(context.project, step.target)
    edition = write_report(request, anew=context.full_refresh, prints=prints)
    result.status = "succeeded" if edition.is_new else "unchanged"
    result.reports = [describe_edition(context.project, edition)]
