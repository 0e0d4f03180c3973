"""What the site shows, gathered: from the ledger, the warehouse, the engines and the editions of reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import PipelineResult, RunResult, utc_now
from pipeline_cli.ledger import Ledger, RunSummary
from pipeline_cli.ledger.entries import ModelBuild
from pipeline_cli.lineage.catalog import Catalog
from pipeline_cli.lineage.collecting import Collected, collect
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.manifest.reports import Report
from pipeline_cli.project import Project
from pipeline_cli.reports import editions
from pipeline_cli.reports.editions import Edition
from pipeline_cli.reports.stored_run import read_result
from pipeline_cli.secrets import mask_tree
from pipeline_cli.site.rejects import ResourceRejects, keep_rejects, kept_rejects, read_rejects
from pipeline_cli.transforms.described import dbt_folder

RUNS_LOOKED_AT = 200
RUNS_SHOWN = 20


@dataclass(slots=True)
class PipelineFacts:
    """A pipeline and its runs, newest first. result: what became of it in the newest; run: that run's own."""

    name: str
    entry: Pipeline
    runs: Sequence[RunSummary]
    run: RunResult | None = None
    result: PipelineResult | None = None
    last_success: datetime | None = None

    @property
    def status(self) -> str:
        """The newest run's status of this pipeline; "never" before the first."""
        return self.result.status if self.result else "never"


@dataclass(slots=True)
class ReportFacts:
    """A report and its newest edition; None where it was never written."""

    name: str
    report: Report
    pipelines: Sequence[str]
    edition: Edition | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SiteFacts:
    """All of it. rejects: None where the quarantine was never read. docs: dbt's own page of a transform."""

    project: Project
    made_at: datetime
    collected: Collected
    pipelines: Sequence[PipelineFacts]
    runs: Sequence[RunSummary]
    reports: Sequence[ReportFacts]
    builds: Mapping[str, ModelBuild]
    rejects: Sequence[ResourceRejects] | None
    docs: Mapping[str, Path]


def gather(project: Project, ledger: Ledger) -> SiteFacts:
    """Read everything. Where a run holds the warehouse, what is in it is shown as it was last seen."""
    environment = project.environment_name
    kept_at = project.state_dir / "lineage" / "quarantine.json"
    rejects: list[ResourceRejects] | None = None

    def visit(warehouse: Warehouse, catalog: Catalog) -> None:
        nonlocal rejects
        rejects = read_rejects(project, warehouse, catalog)

    collected = collect(project, visit)
    if rejects is None:
        rejects = kept_rejects(kept_at)
    else:
        keep_rejects(kept_at, rejects)
    runs = ledger.recent(RUNS_LOOKED_AT, None, environment)
    return SiteFacts(
        project=project,
        made_at=utc_now(),
        collected=collected,
        pipelines=[_pipeline(project, ledger, name, runs) for name in project.manifest.pipelines],
        runs=runs[:RUNS_SHOWN],
        reports=[_report(project, name) for name in project.manifest.reports],
        builds=ledger.last_builds(environment),
        rejects=rejects,
        docs=_docs(project),
    )


def _pipeline(project: Project, ledger: Ledger, name: str, runs: Sequence[RunSummary]) -> PipelineFacts:
    entry = project.manifest.pipelines[name]
    own = [run for run in runs if name in run.pipelines] or ledger.recent(
        RUNS_SHOWN, name, project.environment_name
    )
    facts = PipelineFacts(name, entry, own[:RUNS_SHOWN])
    facts.last_success = ledger.last_success(project.environment_name, name)
    if own:
        facts.run = read_result(mask_tree(ledger.document(own[0].run_id), project.secrets))
        facts.result = next((one for one in facts.run.pipelines if one.name == name), None)
    return facts


def _report(project: Project, name: str) -> ReportFacts:
    manifest = project.manifest
    pipelines = [pipeline for pipeline, entry in manifest.pipelines.items() if name in entry.reports]
    facts = ReportFacts(name, manifest.reports[name], pipelines)
    facts.edition = editions.latest(editions.home_of(project.state_dir, name), name)
    if facts.edition is not None:
        about = facts.edition.home / facts.edition.id / editions.ABOUT
        facts.about = json.loads(about.read_text(encoding="utf-8"))
    return facts


def _docs(project: Project) -> dict[str, Path]:
    pages = {
        name: dbt_folder(project, name) / "docs.html"
        for name, entry in project.manifest.transforms.items()
        if entry.engine == "dbt"
    }
    return {name: page for name, page in pages.items() if page.is_file()}
