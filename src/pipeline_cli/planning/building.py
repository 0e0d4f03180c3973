"""From the manifest, the code, the warehouse and the sources to a plan. Nothing is written to any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline_cli.deployed.original import original_nodes
from pipeline_cli.deployed.parts import Key, Part, describe_parts, keys_of
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.errors import SourceError, UsageError
from pipeline_cli.lineage.collecting import collect
from pipeline_cli.lineage.graph import Column, Lineage
from pipeline_cli.lineage.tracing import TableName
from pipeline_cli.plan import plan_run
from pipeline_cli.planning.before import source_before
from pipeline_cli.planning.changes import Change, Plan, in_order
from pipeline_cli.planning.drift import ProbedResource, drift_lines
from pipeline_cli.planning.facts import Asking, Facts, read_facts
from pipeline_cli.planning.models import hit_models, model_lines
from pipeline_cli.planning.paths import field_paths, table_reports
from pipeline_cli.planning.probe import probe_source
from pipeline_cli.planning.reports import affected_report, compare_pipeline, compare_report, removed_report
from pipeline_cli.planning.sources import SourceView, compare_source, removed_source
from pipeline_cli.project import MANIFEST_NAME, Project
from pipeline_cli.secrets import mask
from pipeline_cli.sources.build import may_go_by_column

PROBED_RECORDS = 100


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """pipelines: by default all. records: how many are read of each resource; 0 reads none.

    tell: called with what is being done, for people who wait.
    """

    pipelines: tuple[str, ...] = ()
    records: int = PROBED_RECORDS
    tell: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class Made:
    """A plan, and what it was made of: the parts as they are, and the warehouse's facts."""

    plan: Plan
    parts: Mapping[Key, Part]
    facts: Facts


def make_plan(project: Project, options: PlanOptions) -> Made:
    """Compare the project with its environment, and with what the sources give.

    Raises UsageError for a pipeline that is not there, TransformError for a project that its engine cannot load,
    LoadError where the warehouse cannot be read, Busy where a run holds it. A source that gives no data is a note.
    """
    names = [each.name for each in plan_run(project.manifest, pipelines=options.pipelines)]
    if not names:
        raise UsageError("the manifest has no pipelines", hint="Add one below `pipelines:`.")
    parts = describe_parts(project, names)
    warehouse = open_warehouse(project)
    with warehouse.exclusive("plan"):
        try:
            facts = read_facts(project, warehouse, [])
            plan = Plan(project.environment_name, names, facts.describe())
            builder = _Builder(project, warehouse, facts, parts, plan)
            builder.add_sources()
            builder.add_transforms()
            builder.add_reports()
            builder.add_pipelines()
            if not options.pipelines:
                builder.add_removed()
            if options.records:
                builder.add_drift(options)
            builder.finish()
        finally:
            warehouse.release()
    return Made(plan, parts, facts)


def changed_pipelines(project: Project, made: Made) -> list[str]:
    """The pipelines that have to be run so that the plan is done."""
    stored = made.facts.deployed.parts
    different = {
        key
        for key, part in made.parts.items()
        if key not in stored or stored[key].fingerprint != part.fingerprint
    }
    return [name for name in made.plan.pipelines if keys_of(project.manifest, [name]) & different]


class _Builder:
    """Fills a plan, section by section."""

    def __init__(
        self, project: Project, warehouse: Warehouse, facts: Facts, parts: Mapping[Key, Part], plan: Plan
    ) -> None:
        self._project = project
        self._warehouse = warehouse
        self._facts = facts
        self._parts = parts
        self._plan = plan
        self._asking = Asking(warehouse)
        self._hit: list[TableName] = []

    def add_sources(self) -> None:
        for key, part in self._parts.items():
            if key.kind == "source" and not self._is_same(key, part):
                view = SourceView(key.name, part, self._file("sources", key.name), self._facts, self._asking)
                self._plan.changes += compare_source(view, source_before(self._facts, key.name))

    def add_transforms(self) -> None:
        for key, part in self._parts.items():
            if key.kind == "transform" and not self._is_same(key, part):
                self._plan.changes += self._transform(key, part)

    def add_reports(self) -> None:
        for key, part in self._parts.items():
            if key.kind == "report":
                stored = self._facts.deployed.parts.get(key)
                if self._facts.deployed.is_known or not self._facts.schemas:
                    line = compare_report(part, stored, self._file("reports", key.name))
                    self._plan.changes += [line] if line else []

    def add_pipelines(self) -> None:
        known = self._facts.deployed.is_known
        for key, part in self._parts.items():
            if key.kind == "pipeline":
                self._plan.changes += compare_pipeline(part, self._facts.deployed.parts.get(key), known)

    def add_removed(self) -> None:
        """Parts that run here and that the manifest has no more."""
        for key in self._facts.deployed.parts:
            if key in self._parts:
                continue
            if key.kind == "source":
                self._plan.changes.append(removed_source(self._facts, key.name, MANIFEST_NAME))
            elif key.kind == "report":
                self._plan.changes.append(removed_report(key.name, MANIFEST_NAME))
            elif key.kind == "transform":
                effect = "its tables and views stay; nothing builds them any more"
                self._plan.changes.append(_whole("models", key.name, "transform", "removed", effect))
            else:
                self._plan.changes.append(_whole("pipelines", key.name, "pipeline", "removed", ""))

    def add_drift(self, options: PlanOptions) -> None:
        """Read the first records of each source, and tell what is different in them."""
        for key, part in self._parts.items():
            if key.kind == "source":
                options.tell(f"Reading {options.records} records of each resource of {key.name}")
                try:
                    self._probe(key.name, part, options.records)
                except SourceError as error:
                    self._plan.notes.append(f"{key.name} was not read: {error.message}")

    def finish(self) -> None:
        """Paths and reports, which want lineage; then the order of the tree."""
        plan = self._plan
        wants_lineage = bool(self._hit) or any(change.name for change in plan.changes)
        if wants_lineage:
            lineage = collect(self._project).lineage
            plan.changes = [self._with_paths(change, lineage) for change in plan.changes]
            self._add_affected_reports(lineage)
        plan.changes = in_order(plan.changes)
        plan.notes = [mask(note, self._project.secrets) for note in plan.notes]
        if self._project.is_copy:
            original = self._project.loads_environment
            plan.notes.append(
                f"'{plan.environment}' is a copy of '{original}' and loads nothing: changes of sources show with"
                f" --env {original}."
            )
        if not self._facts.deployed.is_known and self._facts.schemas:
            plan.notes.append(
                "No run has left a record of what it took here yet: only keys, dispositions and models can be"
                " compared. The next run leaves one."
            )

    # -- parts of it -----------------------------------------------------------------------------------------

    def _is_same(self, key: Key, part: Part) -> bool:
        stored = self._facts.deployed.parts.get(key)
        return stored is not None and stored.fingerprint == part.fingerprint

    def _transform(self, key: Key, part: Part) -> Iterator[Change]:
        from pipeline_cli.transforms.dbt_nodes import read_built_nodes
        from pipeline_cli.transforms.planned import plan_transform

        stored = self._facts.deployed.parts.get(key)
        entry = self._project.manifest.transforms[key.name]
        before: Mapping[str, Any] = stored.detail if stored else {}
        if entry.engine == "dbt" and not before:
            before = read_built_nodes(self._project, key.name)
        is_built = bool(list(self._warehouse.relations([f"sqlmesh_{key.name}"])))
        request = self._request(key.name)
        planned = plan_transform(request, before, is_built=is_built)
        rows = self._asking.count_rows([model.table for model in planned.models])
        if entry.engine == "dbt" and not before and rows:
            self._plan.notes.append(
                f"{key.name}: its tables are there, and what they were built from is not known here;"
                " the next run leaves a record."
            )
            return
        self._hit += hit_models(planned)
        lines = list(model_lines(key.name, planned, rows))
        if self._project.is_copy:  # what is lost there can be made again from its original
            lines = [replace(line, destructive=False) for line in lines]
        if stored is not None:
            lines = [*_settings(key.name, stored.content, part.content), *lines]
        if not lines and stored is not None:
            effect = "no model and no test is another because of it"
            lines = [_whole("models", key.name, "code", "changed", effect, entry.path, "files")]
        yield from lines

    def _request(self, transform: str) -> Any:
        from pipeline_cli.steps.backends import Backends
        from pipeline_cli.transforms.base import TransformRequest

        manifest = self._project.manifest
        pipeline = next(
            name for name in self._plan.pipelines if transform in manifest.pipelines[name].transforms
        )
        bronze = [
            table
            for source in manifest.pipelines[pipeline].sources
            if source in self._facts.schemas
            for table in Backends().bronze_tables(self._project, self._warehouse, source)
        ]
        return TransformRequest(
            name=transform,
            pipeline=pipeline,
            transform=manifest.transforms[transform],
            project=self._project,
            warehouse=self._warehouse,
            bronze=bronze,
            original=original_nodes(self._project, self._warehouse, transform),
        )

    def _probe(self, source: str, part: Part, records: int) -> None:
        stored = self._facts.schemas.get(source)
        resources: Mapping[str, Any] = part.content.get("resources", {})
        by_column = may_go_by_column(self._project.manifest.sources[source], self._warehouse.type)
        for probe in probe_source(self._project, source, records, stored):
            self._plan.probed[f"{source}.{probe.resource}"] = probe.records
            if by_column and probe.by_row:
                self._plan.notes.append(f"{source}.{probe.resource} goes row by row: {probe.by_row}.")
            hints = resources.get(probe.resource, {})
            self._plan.changes += drift_lines(ProbedResource(source, probe, hints, self._facts, self._asking))

    def _with_paths(self, change: Change, lineage: Lineage) -> Change:
        if not change.name:
            return change
        table, _, column = change.name.rpartition(".")
        if not table:  # a hint names a field of the resource's own table
            from pipeline_cli.manifest.names import table_name

            table, column = table_name(change.item), table_name(change.name)
        start = Column(f"bronze_{change.owner}.{table}", column)
        if start.relation not in lineage.relations:
            return change
        return replace(change, paths=tuple(field_paths(lineage, start)))

    def _add_affected_reports(self, lineage: Lineage) -> None:
        told = {change.owner for change in self._plan.changes if change.section == "reports"}
        hit = [".".join(table) for table in self._hit]
        for name, tables in table_reports(lineage, hit).items():
            if name not in told and Key("report", name) in self._parts:
                self._plan.changes.append(affected_report(name, tables))

    def _file(self, section: str, name: str) -> str:
        file = Path(section, f"{name}.yaml")
        return file.as_posix() if (self._project.root / file).is_file() else MANIFEST_NAME


def _settings(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """What the manifest says of a transform and says differently now."""
    for key in sorted({*was, *now} - {"code"}):
        if was.get(key) != now.get(key):
            effect = "models that read it are built anew" if key == "variables" else ""
            summary = f"{key}: {was.get(key, 'none')} -> {now.get(key, 'none')}"
            yield _whole("models", name, key, "changed", effect, MANIFEST_NAME, summary)


def _whole(
    section: Any,
    owner: str,
    what: str,
    action: Any,
    effect: str,
    reason: str = MANIFEST_NAME,
    summary: str = "",
) -> Change:
    return Change(section, owner, "", what, action, summary or str(action), reason, effect=effect)
