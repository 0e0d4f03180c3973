"""What happened once and is no trouble: a run that succeeded, a schema that drifted, a report's new edition."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_cli.alerts.message import File, Item, Message
from pipeline_cli.alerts.planning import Notice
from pipeline_cli.alerts.switches import rules_of
from pipeline_cli.alerts.troubles import DONE, Findings
from pipeline_cli.alerts.wording import describe_duration, write_moment
from pipeline_cli.document import PipelineResult, ReportResult, RunResult
from pipeline_cli.drift import ChangeKind, SchemaChange
from pipeline_cli.ledger import Ledger, RunEntry
from pipeline_cli.project import Project
from pipeline_cli.reports.run_summary import describe_step
from pipeline_cli.secrets import mask

MOST_CHANGES = 20
MOST_PICTURES = 8
_WORDS = {"unchanged": "nothing new"}
_DRIFTS: Mapping[ChangeKind, str] = {
    "new": "new, and loaded",
    "renamed": "perhaps renamed",
    "missing": "missing",
    "retyped": "with values of another type",
}


def find_notices(
    project: Project, ledger: Ledger, entry: RunEntry, result: RunResult, findings: Findings, about: Message
) -> list[Notice]:
    """The notices that a rule of the manifest asks for."""
    notices: list[Notice] = []
    for pipeline in result.pipelines:
        rules = rules_of(project.manifest, pipeline.name, project.environment_name)
        wanted = {occasion for rule in rules for occasion in rule.when}
        if "success" in wanted and pipeline.status in DONE:
            notices.append(_success(pipeline, about))
        if "drift" in wanted:
            notices += _drifts(project, ledger, entry, pipeline.name, findings, about)
        if "report" in wanted:
            notices += _reports(project, pipeline, about)
    return notices


def _success(pipeline: PipelineResult, about: Message) -> Notice:
    seconds = sum(step.duration_s for step in pipeline.steps)
    is_new = pipeline.status == "succeeded"
    steps = [
        (step.name, _WORDS.get(step.status, step.status), describe_step(step)) for step in pipeline.steps
    ]
    message = replace(
        about,
        kind="success",
        title=f"{pipeline.name} succeeded",
        sentence=f"All {len(steps)} steps are done, in {describe_duration(seconds)}."
        if is_new
        else "Nothing was new: every source and every model is as the last run left it.",
        items=[Item(pipeline.name, "")],
        steps=steps,
    )
    return Notice(pipeline.name, "success", message)


def _drifts(
    project: Project, ledger: Ledger, entry: RunEntry, pipeline: str, findings: Findings, about: Message
) -> Iterator[Notice]:
    for drift in findings.drifts:
        # dlt's own columns and tables come and go with its versions; a source's first load is no drift.
        changes = [
            each for each in drift.changes if not each.table.startswith("_") and each.column[:1] != "_"
        ]
        if pipeline not in drift.pipelines or not changes:
            continue
        if not ledger.alerts.loaded_before(project.environment_name, drift.source, entry.run_id):
            continue
        counts = Counter(each.kind for each in changes)
        told = [f"{_columns(counts[kind])} {words}" for kind, words in _DRIFTS.items() if counts[kind]]
        item = Item(
            pipeline,
            f"Of {drift.source} {', '.join(told)}",
            step=f"ingest:{drift.source}",
            details=[
                (kind.capitalize(), _listed([each for each in changes if each.kind == kind], project.secrets))
                for kind in _DRIFTS
                if counts[kind]
            ],
        )
        title = f"{pipeline}: {drift.source} has {'new columns' if set(counts) == {'new'} else 'changed'}"
        message = replace(about, kind="drift", title=title, items=[item], next=None)
        yield Notice(pipeline, "drift", replace(message, sentence=f"{item.sentence}."))


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _listed(changes: Sequence[SchemaChange], secrets: frozenset[str]) -> str:
    shown = [mask(str(each), secrets) for each in changes[:MOST_CHANGES]]
    more = len(changes) - MOST_CHANGES
    return "\n".join([*shown, *([f"and {more} more"] if more > 0 else [])])


def _reports(project: Project, pipeline: PipelineResult, about: Message) -> Iterator[Notice]:
    for step in pipeline.steps:
        for report in step.reports if step.kind == "report" and step.status == "succeeded" else ():
            yield Notice(pipeline.name, "report", _report(project, pipeline.name, report, about))


def _report(project: Project, pipeline: str, written: ReportResult, about: Message) -> Message:
    report = project.manifest.reports[written.name]
    known = _read_about(project, written)
    as_of = known.get("data_as_of")
    until = f" Data as of {write_moment(as_of, is_day=True)}." if as_of else ""
    return replace(
        about,
        kind="report",
        title=report.title,
        sentence=(report.description or f"The report {written.name} is new.") + until,
        items=[Item(pipeline, "")],
        facts=[*about.facts, ("Page", written.page)],
        figures=known.get("figures", ()),
        files=_files(report.blocks, written),
        log=None,
        log_file=None,
        next=None,
    )


def _files(blocks: Any, written: ReportResult) -> list[File]:
    """The edition's page, CSV files and PDF to attach; the pictures of its charts to show."""
    files, pictures = [], []
    for path in written.files:
        name = path.rpartition("/")[2]
        if name.endswith(".png"):
            block = name.removeprefix(f"{written.name}.").removesuffix(".png")
            title = getattr(blocks.get(block), "title", None) or block.replace("_", " ").capitalize()
            pictures.append(File(path, title, is_picture=True))
        else:
            files.append(File(path))
    return [*files, *pictures[:MOST_PICTURES]]


def _read_about(project: Project, written: ReportResult) -> dict[str, Any]:
    folder = (project.root / written.files[0]).parent
    try:
        about: dict[str, Any] = json.loads((folder / "edition.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about
