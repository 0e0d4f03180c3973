"""What the templates ask of the facts: words, counts, links and pictures, ready to be laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from pipeline_cli.document import CheckResult, ErrorDocument, StepResult
from pipeline_cli.lineage.graph import Column, Lineage, Relation
from pipeline_cli.lineage.trees import show_column, show_relation
from pipeline_cli.manifest.names import table_name
from pipeline_cli.reports.run_summary import describe_step
from pipeline_cli.site.columns import ColumnView, view_columns
from pipeline_cli.site.diagrams import Diagram, layer_of, of_relation, of_tables
from pipeline_cli.site.drawing import Href, draw_narrow, draw_wide
from pipeline_cli.site.facts import PipelineFacts, ReportFacts, SiteFacts

# A status is told by a sign and a word; colour only repeats it.
WORDS = {
    "succeeded": ("✓", "succeeded"),
    "unchanged": ("✓", "nothing new"),
    "failed": ("✕", "failed"),
    "interrupted": ("!", "interrupted"),
    "skipped": ("–", "skipped"),
    "running": ("…", "running"),
    "never": ("–", "never run"),
    "passed": ("✓", "passed"),
    "warned": ("!", "warned"),
    "errored": ("✕", "could not run"),
}
_LAYERS = ("Bronze", "Silver", "Gold")


@dataclass(frozen=True, slots=True)
class Pictures:
    wide: Markup
    narrow: Markup
    has_rows: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a table has. text: for people; note: since when, or why it is a guess."""

    text: str
    note: str = ""


class Views:
    """The templates' only helper: pure questions about the facts."""

    def __init__(self, facts: SiteFacts) -> None:
        self.facts = facts
        self.lineage: Lineage = facts.collected.lineage

    # -- runs ------------------------------------------------------------------------------------------------

    @staticmethod
    def sign(status: str) -> str:
        return WORDS.get(status, ("", status))[0]

    @staticmethod
    def word(status: str) -> str:
        return WORDS.get(status, ("", status))[1]

    @staticmethod
    def did(step: StepResult) -> str:
        return describe_step(step)

    def errors(self, pipeline: PipelineFacts) -> list[ErrorDocument]:
        """What went wrong in the pipeline's newest run, that of the run itself included."""
        if pipeline.run is None or pipeline.result is None:
            return []
        steps = {step.name for step in pipeline.result.steps}
        return [error for error in pipeline.run.errors if error.step is None or error.step in steps]

    @staticmethod
    def checks(pipeline: PipelineFacts) -> list[CheckResult]:
        """Every check of the newest run once, what did not pass first."""
        steps = pipeline.result.steps if pipeline.result else ()
        found = {check.name: check for step in steps for check in step.checks}
        order = ("errored", "failed", "warned", "skipped", "passed")
        return sorted(found.values(), key=lambda check: (order.index(check.status), check.name))

    def checks_of(self, relation: Relation) -> list[CheckResult]:
        """The checks of one table."""
        found: dict[str, CheckResult] = {}
        for pipeline in self.facts.pipelines:
            for check in self.checks(pipeline):
                if check.name.startswith(f"{relation.id}:"):
                    found[check.name.partition(":")[2]] = check
        return [
            CheckResult(name, one.status, one.severity, one.failures, one.message)
            for name, one in found.items()
        ]

    # -- tables ------------------------------------------------------------------------------------------------

    def schemas(self) -> list[tuple[str, str, list[Relation]]]:
        """(schema, layer, its tables): bronze, silver, gold, and what else there is."""
        found: dict[str, list[Relation]] = {}
        for relation in self.lineage.relations.values():
            if relation.kind not in ("source", "report"):
                found.setdefault(relation.schema, []).append(relation)
        listed = [(schema, layer_of(tables[0]), tables) for schema, tables in found.items()]

        def place(entry: tuple[str, str, list[Relation]]) -> tuple[int, str]:
            return _LAYERS.index(entry[1]) if entry[1] in _LAYERS else len(_LAYERS), entry[0]

        return sorted(listed, key=place)

    def sources(self) -> list[Relation]:
        return [one for one in self.lineage.relations.values() if one.kind == "source"]

    def relation(self, name: str) -> Relation | None:
        """The relation with this id; of a name that differs in capitals, too."""
        found = self.lineage.relations.get(name)
        return found or next(
            (one for one in self.lineage.relations.values() if one.id.lower() == name.lower()), None
        )

    def bronze(self, dataset: str, table: str) -> Relation | None:
        return self.relation(f"{dataset}.{table}")

    def rows(self, relation: Relation) -> Rows | None:
        """The number of rows: counted in the warehouse, else as the last build had it; None where nobody knows."""
        catalog = self.facts.collected.catalog
        table = catalog.tables.get((relation.schema, relation.name)) if catalog else None
        build = self.facts.builds.get(relation.id)
        if table is not None and table.rows is not None and catalog is not None:
            if table.is_estimate:
                return Rows(f"about {table.rows:,}", "the database's estimate")
            return Rows(f"{table.rows:,}", "as last seen" if self.facts.collected.is_stale else "")
        if build is not None and build.rows is not None:
            return Rows(f"{build.rows:,}", "when it was built")
        return None

    def is_there(self, relation: Relation) -> bool:
        """Whether the table is in the warehouse, as far as that is known."""
        catalog = self.facts.collected.catalog
        if relation.kind in ("source", "report"):
            return True
        return catalog is None or (relation.schema, relation.name) in catalog.tables

    def made_by(self, relation: Relation) -> str:
        """'SQLMesh model, kind FULL', 'loaded from a rest_api source'."""
        if relation.kind == "model":
            engine = self.facts.project.manifest.transforms[relation.owner].engine
            return f"{'SQLMesh' if engine == 'sqlmesh' else 'dbt'} model, {relation.made_by.lower().replace('_', ' ')}"
        words = {
            "source": f"{relation.made_by} source",
            "bronze": f"loaded from the {relation.made_by} source {relation.owner}",
            "report": "report",
            "table": "not made by this project",
        }
        return words[relation.kind]

    def pipelines_of(self, relation: Relation) -> list[str]:
        """The pipelines that load, make or write it."""
        found = []
        for pipeline in self.facts.pipelines:
            entry = pipeline.entry
            owners = {"model": entry.transforms, "report": entry.reports}.get(relation.kind, entry.sources)
            if relation.owner in owners:
                found.append(pipeline.name)
        return found

    def built(self, relation: Relation) -> tuple[datetime, str] | None:
        """When a model was last built, and the run that did it."""
        build = self.facts.builds.get(relation.id)
        return (build.started_at, build.run_id) if build else None

    # -- lineage -----------------------------------------------------------------------------------------------

    def columns(self, relation: Relation) -> list[ColumnView]:
        return view_columns(self.lineage, relation)

    def column_name(self, column: Column) -> str:
        """The whole name, schema and all."""
        return show_column(self.lineage, column)

    @staticmethod
    def relation_name(relation: Relation) -> str:
        return show_relation(relation)

    def parents(self, relation: Relation) -> list[Relation]:
        return [one for one in self.lineage.relations.values() if one.id in relation.parents]

    def picture_of(self, relation: Relation, href: Href) -> Pictures | None:
        """A table's lineage drawn; None where it stands alone."""
        diagram = of_relation(self.lineage, relation.id)
        if len(diagram.boxes) < 2:
            return None
        others = len(diagram.boxes) - 1
        more = f"{others} other{'s' if others > 1 else ''}"
        label = f"Lineage of {show_relation(relation)} with {more}; the list below says the same."
        return self._draw(diagram, label, href)

    def relations_of(self, pipeline: PipelineFacts) -> list[Relation]:
        """What a pipeline loads, makes and writes."""
        return [one for one in self.lineage.relations.values() if pipeline.name in self.pipelines_of(one)]

    def relations_of_none(self) -> list[Relation]:
        """Models and reports that no pipeline makes or writes."""
        relations = self.lineage.relations.values()
        return [one for one in relations if one.kind in ("model", "report") and not self.pipelines_of(one)]

    def picture_of_pipeline(self, pipeline: PipelineFacts, href: Href) -> Pictures | None:
        return self._picture_of_tables(self.relations_of(pipeline), f"the pipeline {pipeline.name}", href)

    def picture_of_none(self, href: Href) -> Pictures | None:
        return self._picture_of_tables(self.relations_of_none(), "no pipeline", href)

    def _picture_of_tables(self, relations: Sequence[Relation], owner: str, href: Href) -> Pictures | None:
        own = [one.id for one in relations]
        read = {parent for one in own for parent in self.lineage.relations[one].parents}
        diagram = of_tables(self.lineage, {*own, *read})
        if len(diagram.boxes) < 2:
            return None
        label = f"Tables of {owner} and which reads which; the list below says the same."
        return self._draw(diagram, label, href)

    @staticmethod
    def _draw(diagram: Diagram, label: str, href: Href) -> Pictures:
        return Pictures(draw_wide(diagram, label, href), draw_narrow(diagram, label, href), diagram.has_rows)

    # -- reports and quarantine ----------------------------------------------------------------------------------

    def report(self, relation: Relation) -> ReportFacts:
        return next(one for one in self.facts.reports if one.name == relation.name)

    def report_relation(self, report: ReportFacts) -> Relation:
        return self.lineage.relations[f"report:{report.name}"]

    @property
    def rejected(self) -> int | None:
        """How many records are in quarantine; None where nobody looked."""
        if self.facts.rejects is None:
            return None
        return sum(one.count for one in self.facts.rejects)

    def rejected_table(self, source: str, resource: str) -> Relation | None:
        return self.relation(f"bronze_{source}.{table_name(resource)}")
