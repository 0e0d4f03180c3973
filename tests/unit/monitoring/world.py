"""A ledger that is filled by hand, at moments that the test chooses, and looks at it at a moment of the test's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_cli.document import ModelResult, ResourceResult, RunResult, StepResult
from pipeline_cli.ledger import Ledger, LoadEntry, RunEntry, new_run_id
from pipeline_cli.ledger.observations import Observations
from pipeline_cli.manifest.models import Environment, Manifest, Pipeline, Transform
from pipeline_cli.manifest.sources import PythonSource
from pipeline_cli.monitoring.findings import Health
from pipeline_cli.monitoring.judging import judge
from pipeline_cli.monitoring.looking import look_at
from pipeline_cli.project import Project

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)  # a Saturday
STEPS = ("ingest:api", "transform:marts", "test:marts")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def shop(**keys: Any) -> Pipeline:
    return Pipeline(sources=("api",), transforms=("marts",), **keys)


class World:
    """A project with the pipeline `shop` (source api, transform marts), and its ledger."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self.ledger = ledger
        self.now = NOON
        self.environment = "dev"
        self.source: Any = PythonSource(type="python", path="sources/api.py")
        self.plugins: dict[str, Any] = {}

    def project(self, pipelines: dict[str, Pipeline] | None = None, **keys: Any) -> Project:
        manifest = Manifest(
            version=1,
            name="shop",
            default_environment="dev",
            environments={"dev": Environment(destination="db"), "prod": Environment(destination="db")},
            destinations={"db": None},
            pipelines=pipelines or {"shop": shop(**keys)},
            sources={"api": self.source},
            transforms={"marts": Transform(engine="dbt", path="transforms/marts")},
            plugins=self.plugins,
        )
        return Project(self.root, manifest, self.environment)

    def look(self, pipelines: dict[str, Pipeline] | None = None, **keys: Any) -> Health:
        """What is found of the first pipeline now. keys: of the pipeline `shop`."""
        project = self.project(pipelines, **keys)
        seen = Observations(self.ledger.database, self.environment)
        name = next(iter(project.manifest.pipelines))
        return judge(look_at(project.manifest, seen, name, self.now, option=project.command_option))

    def run(
        self,
        ago: timedelta,
        took: timedelta = timedelta(minutes=10),
        *,
        failed: str | None = None,
        status: str | None = None,
        steps: Sequence[str] = STEPS,
        rows: int = 100,
        new: int | None = None,
        rejected: int = 0,
        model_rows: int | None = None,
        pipeline: str = "shop",
        tries: int = 1,
        full_refresh: bool = False,
    ) -> str:
        """A run that began `ago` before NOON, as a real one is written; its id.

        failed: the step that failed, with what comes after skipped. status: "running" leaves it open at its last
        step, "interrupted" stops it there, "unchanged" finds nothing new.
        """
        began = NOON - ago
        entry = RunEntry(
            new_run_id(began), self.environment, "run", {pipeline: list(steps)}, began, full_refresh
        )
        self.ledger.start_run(entry)
        each, at, stop = took / len(steps), began, False
        for number, name in enumerate(steps, 1):
            is_last = number == len(steps)
            outcome = "skipped" if stop else "unchanged" if status == "unchanged" else "succeeded"
            if name == failed:
                outcome, stop = "failed", True
            if is_last and status in ("running", "interrupted"):
                outcome = status
            step = StepResult(name, name.partition(":")[0], outcome, tries, at, each.total_seconds())  # type: ignore[arg-type]
            if name.startswith("transform:") and model_rows is not None:
                step.models = [ModelResult("gold_shop.sales", "succeeded", model_rows)]
            if outcome == "running":
                self.ledger.start_step(entry.run_id, pipeline, step)
                return entry.run_id
            message = "the API answered 500\nand more" if outcome == "failed" else None
            self.ledger.finish_step(entry.run_id, pipeline, step, message)
            if name.startswith("ingest:"):
                self._load(entry.run_id, pipeline, outcome, at + each, (rows, new, rejected))
            at += each
        final: Any = "failed" if failed else status or "succeeded"
        self.ledger.finish_run(RunResult(entry.run_id, self.environment, final, began), began + took)
        return entry.run_id

    def runs(self, count: int, every: timedelta = DAY, **keys: Any) -> None:
        """`count` runs, the newest one `every` before NOON."""
        for number in range(count, 0, -1):
            self.run(number * every, **keys)

    def _load(
        self, run_id: str, pipeline: str, outcome: Any, at: datetime, counts: tuple[int, int | None, int]
    ) -> None:
        rows, new, rejected = counts
        loaded = rows - rejected if new is None else new
        result = ResourceResult("items", "bronze_api", "items", "/items", rows, loaded, rejected)
        result.deduplicated = rows - loaded - rejected
        failed = outcome == "failed"
        entry = LoadEntry(pipeline, "api", outcome, at, at, [] if failed else [result])
        self.ledger.record_load(run_id, self.environment, entry)


@contextmanager
def opened(root: Path) -> Iterator[World]:
    ledger = Ledger.open(root / ".pipeline" / "runs.db")
    try:
        yield World(root, ledger)
    finally:
        ledger.close()


def found(health: Health) -> list[str]:
    return [finding.check for finding in health.findings]
