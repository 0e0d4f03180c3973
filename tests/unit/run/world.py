"""A small project on a real DuckDB file, whose loader and engine do the least that a run can see."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.document import CheckResult, ModelResult, ResourceResult, RunResult, StepResult
from pipeline_cli.load import IngestRequest, IngestResult
from pipeline_cli.manifest.models import Environment, Manifest, Pipeline, Plugin, Transform
from pipeline_cli.manifest.sources import PythonSource
from pipeline_cli.progress import Progress
from pipeline_cli.project import Project
from pipeline_cli.run import RunOptions, run_pipelines
from pipeline_cli.steps.backends import Backends
from pipeline_cli.transforms.base import BronzeTable, TransformRequest, TransformResult


class Loader:
    """Loads `news[source]` records: a row in dlt's own table of loads, as dlt leaves it."""

    def __init__(self) -> None:
        self.news: dict[str, int] = {}
        self.during: dict[str, Callable[[IngestRequest], None]] = {}
        self.quarantined = 0
        self.unaccounted = 0
        self.requests: list[IngestRequest] = []
        self._numbers = itertools.count(1)

    def __call__(self, request: IngestRequest) -> IngestResult:
        self.requests.append(request)
        self.during.get(request.source, lambda _: None)(request)
        count = self.news.pop(request.source, 0)
        dataset = f"bronze_{request.source}"
        resource = ResourceResult(
            "items", dataset, "items", "/items", count, count - self.quarantined - self.unaccounted
        )
        resource.quarantined = self.quarantined
        if not count:
            return IngestResult("unchanged", [resource])
        load_id = f"{1_790_000_000 + next(self._numbers)}.5"
        self.commit(request, dataset, load_id)
        tables = frozenset({(dataset, "items"), (dataset, "items__tags")})
        return IngestResult("succeeded", [resource], [], tables, [load_id])

    @staticmethod
    def commit(request: IngestRequest, dataset: str, load_id: str) -> None:
        with request.warehouse.writing(), closing(request.warehouse.connect()) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {dataset}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {dataset}._dlt_loads "
                "(load_id text, schema_name text, status bigint, inserted_at timestamptz)"
            )
            connection.execute(f"INSERT INTO {dataset}._dlt_loads VALUES (?, 's', 0, now())", [load_id])


class Engine:
    """Makes one table for each transform, gold_<pipeline>.<transform>."""

    def __init__(self) -> None:
        self.built: list[TransformRequest] = []
        self.tested: list[TransformRequest] = []
        self.during: dict[str, Callable[[TransformRequest], None]] = {}
        self.checks: list[CheckResult] = [CheckResult("unique", "passed")]
        self.result: TransformResult | None = None

    def build(self, request: TransformRequest) -> TransformResult:
        self.built.append(request)
        self.during.get(f"transform:{request.name}", lambda _: None)(request)
        with closing(request.warehouse.connect()) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS gold_{request.pipeline}")
            connection.execute(
                f"CREATE OR REPLACE TABLE gold_{request.pipeline}.{request.name} AS SELECT 1 AS x"
            )
        model = ModelResult(f"gold_{request.pipeline}.{request.name}", "succeeded", 1)
        return self.result or TransformResult("succeeded", [model])

    def test(self, request: TransformRequest) -> TransformResult:
        self.tested.append(request)
        self.during.get(f"test:{request.name}", lambda _: None)(request)
        return TransformResult("succeeded", checks=list(self.checks))


@dataclass
class Watcher:
    """A listener that remembers."""

    heard: list[tuple[str, ...]] = field(default_factory=list)

    def run_started(self, run: RunResult, plans: Any) -> None:
        self.heard.append(("run_started", run.status))

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self.heard.append(("step_started", pipeline, step.name))

    def progress(self, step: str, progress: Progress) -> None:
        self.heard.append(("progress", step, progress.resource, str(progress.records)))

    def warned(self, message: str) -> None:
        self.heard.append(("warned", message))

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        self.heard.append(("step_finished", pipeline, step.name, step.status))

    def run_finished(self, result: RunResult) -> None:
        self.heard.append(("run_finished", result.status))


@dataclass
class World:
    """A project with its fakes; `run` does a run on it."""

    project: Project
    loader: Loader = field(default_factory=Loader)
    engine: Engine = field(default_factory=Engine)
    watcher: Watcher = field(default_factory=Watcher)

    @property
    def backends(self) -> Backends:
        def bronze(_project: Project, _warehouse: Any, source: str) -> list[BronzeTable]:
            return [BronzeTable(f"bronze_{source}", "items", {"id": "bigint"})]

        return Backends(ingest_source=self.loader, bronze_tables=bronze, get_engine=lambda _name: self.engine)

    def run(self, *pipelines: str, **options: Any) -> RunResult:
        asked = RunOptions(pipelines=pipelines, **options)
        return run_pipelines(self.project, asked, self.watcher, self.backends)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        warehouse = self.backends.open_warehouse(self.project)
        try:
            with closing(warehouse.connect()) as connection:
                return connection.query(sql)
        finally:
            warehouse.release()

    def plugin(self, name: str, text: str) -> Path:
        path = self.project.root / "plugins" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("from pipeline_cli import hookimpl\n" + text, encoding="utf-8")
        return path


def make_world(
    root: Path,
    pipelines: Mapping[str, Pipeline] | None = None,
    *,
    protected: bool = False,
    plugins: Mapping[str, Plugin] | None = None,
    secrets: frozenset[str] = frozenset(),
) -> World:
    """A project on disk. By default one pipeline `shop`: source api, transform marts, its tests."""
    pipelines = pipelines or {"shop": Pipeline(sources=("api",), transforms=("marts",))}
    transforms = {name: f"transforms/{name}" for each in pipelines.values() for name in each.transforms}
    for folder in transforms.values():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "model.sql").write_text("SELECT 1", encoding="utf-8")
    manifest = Manifest(
        version=1,
        name="shop",
        default_environment="dev",
        environments={"dev": Environment(destination="duckdb", protected=protected)},
        destinations={"duckdb": DuckDBDestination(type="duckdb")},
        sources={
            name: PythonSource(type="python", path=f"{name}.py")
            for each in pipelines.values()
            for name in each.sources
        },
        transforms={name: Transform(engine="sqlmesh", path=path) for name, path in transforms.items()},
        plugins=plugins or {},
        pipelines=pipelines,
    )
    return World(Project(root, manifest, "dev", secrets))


def statuses(result: RunResult) -> dict[str, str]:
    """Step -> status, of all pipelines; the pipeline's name leads where there are several."""
    several = len(result.pipelines) > 1
    return {
        f"{pipeline.name}/{step.name}" if several else step.name: step.status
        for pipeline in result.pipelines
        for step in pipeline.steps
    }
