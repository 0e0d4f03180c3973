"""What is known at the end of a run: its troubles and notices, and what the ledger says of before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from pipeline_cli.alerts.message import Message
from pipeline_cli.alerts.notices import find_notices
from pipeline_cli.alerts.planning import Seen
from pipeline_cli.alerts.troubles import (
    CONTRACT,
    DONE,
    FAILURE,
    Findings,
    Trouble,
    describe_death,
    find_troubles,
)
from pipeline_cli.alerts.wording import describe_duration, write_moment
from pipeline_cli.document import PipelineResult, RunResult, format_time, utc_now
from pipeline_cli.ledger import Incident, Ledger, RunEntry
from pipeline_cli.logs import log_path
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.plan import plan_run
from pipeline_cli.project import Project
from pipeline_cli.reports import editions


def judge_run(
    project: Project, ledger: Ledger, entry: RunEntry, result: RunResult, findings: Findings
) -> Seen:
    """All that is known at the end of a run, for plan_alerts."""
    troubles = find_troubles(result, findings)
    about = _about(project, result.run_id, format_time(utc_now()) or "")
    about = replace(about, facts=[*about.facts, ("Took", describe_duration(result.duration_s))])
    failed = any(trouble.kind == FAILURE for trouble in troubles)
    about = replace(
        about, next=f"pipeline-cli retry {result.run_id}{project.command_option}" if failed else None
    )
    seen = _seen(project, ledger, about, troubles)
    return replace(
        seen,
        notices=find_notices(project, ledger, entry, result, findings, about),
        is_over=partial(is_over, project.manifest, result, findings),
        affected={
            each.pipeline: _affected(project, each, result) for each in troubles if each.kind == FAILURE
        },
    )


def judge_deaths(project: Project, ledger: Ledger, died: Sequence[Any]) -> Seen:
    """As judge_run, of runs whose process ended without closing them; the newest of each pipeline counts."""
    troubles: dict[str, Trouble] = {}
    for run in died:
        document = ledger.document(run.run_id)
        for pipeline in document["pipelines"]:
            steps = {step["name"]: step["status"] for step in pipeline["steps"]}
            cut_off = next((name for name, status in steps.items() if status == "interrupted"), None)
            unfinished = [name for name, status in steps.items() if status not in DONE and name != cut_off]
            name = pipeline["name"]
            good = ledger.last_success(project.environment_name, name)
            is_old_news = good is not None and good > run.started_at
            if (cut_off or unfinished) and not is_old_news:
                troubles[name] = describe_death(name, run.error or "", cut_off, unfinished)
    newest = died[-1]
    about = _about(project, newest.run_id, format_time(utc_now()) or "")
    about = replace(about, next=f"pipeline-cli retry {newest.run_id}{project.command_option}")
    seen = _seen(project, ledger, about, list(troubles.values()))
    return replace(seen, judged=[run.run_id for run in died])


def is_over(manifest: Manifest, result: RunResult, findings: Findings, incident: Incident) -> bool:
    """Whether an open incident ended with this run: each step that failed has succeeded, or is no more.

    A contract's is over when records came and none of them broke it. Other kinds are not judged here.
    """
    found = next((each for each in result.pipelines if each.name == incident.pipeline), None)
    if found is None:
        return False
    if incident.kind == CONTRACT:
        return _keeps_contract(found, incident, findings)
    if incident.kind != FAILURE or found.status not in DONE:
        return False
    done = {step.name for step in found.steps if step.status in DONE}
    planned = {step.name for plan in plan_run(manifest, pipelines=[incident.pipeline]) for step in plan.steps}
    return all(step in done or step not in planned for step in incident.steps)


def incident_document(incident: Incident) -> dict[str, Any]:
    """An incident as plugins and --json have it."""
    document = asdict(incident)
    for name in ("opened_at", "seen_at", "closed_at"):
        document[name] = format_time(document[name])
    del document["fingerprint"], document["told"]
    return document


def _keeps_contract(found: PipelineResult, incident: Incident, findings: Findings) -> bool:
    source, _, resource = incident.subject.partition(".")
    step = next((each for each in found.steps if each.name == f"ingest:{source}"), None)
    if step is None or step.status not in DONE:
        return False
    broken = any(each.resource == resource for each in findings.of_source(source))
    came = any(each.name == resource and each.extracted for each in step.resources)
    return came and not broken


def _about(project: Project, run_id: str, made_at: str) -> Message:
    return Message(
        kind="",
        project=project.manifest.name,
        environment=project.environment_name,
        title="",
        sentence="",
        made_at=made_at,
        run_id=run_id,
        facts=[("Run", run_id), ("At", write_moment(made_at))],
        log=f"pipeline-cli logs {run_id}{project.command_option}",
        log_file=log_path(project, run_id).relative_to(project.root).as_posix(),
    )


def _seen(project: Project, ledger: Ledger, about: Message, troubles: Sequence[Trouble]) -> Seen:
    environment = project.environment_name
    open_ = ledger.alerts.open_incidents(environment)
    concerned = {*(trouble.pipeline for trouble in troubles), *(incident.pipeline for incident in open_)}
    last_good: dict[str, datetime | None] = {
        pipeline: ledger.last_success(environment, pipeline) for pipeline in concerned
    }
    last_told = ledger.alerts.last_told([incident.incident_id for incident in open_]) if open_ else {}
    return Seen(utc_now(), about, troubles, open=open_, last_told=last_told, last_good=last_good)


def _affected(project: Project, trouble: Trouble, result: RunResult) -> list[str]:
    """What stays as old as it is: models, reports, and pipelines that read a source which failed."""
    undone = (*trouble.steps, *trouble.stopped, *([trouble.step] if trouble.step else []))
    told = []
    for step in dict.fromkeys(undone):
        kind, _, target = step.partition(":")
        if kind == "transform":
            told.append(f"the models of {target} are not brought up to date")
        elif kind == "report":
            told.append(_stale_report(project, target))
    sources = {step.partition(":")[2] for step in trouble.steps if step.startswith("ingest:")}
    ran = {pipeline.name for pipeline in result.pipelines}
    for name, pipeline in project.manifest.pipelines.items():
        shared = sources & set(pipeline.sources)
        if shared and name not in ran:
            told.append(f"pipeline {name} reads {', '.join(sorted(shared))}, too")
    return told


def _stale_report(project: Project, name: str) -> str:
    edition = editions.latest(editions.home_of(project.state_dir, name), name)
    if edition is None:
        return f"report {name} has no page yet"
    made_at = editions.made_at(edition)
    return f"report {name} stays as it was{f' made on {write_moment(made_at)}' if made_at else ''}"
