"""The project's lineage, put together: the manifest, the contracts, the engines' models, the warehouse's columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.lineage.blocks import trace_report
from pipeline_cli.lineage.fields import RAW, TECHNICAL, guess_field, read_fields, title_of
from pipeline_cli.lineage.graph import ROWS, Column, ColumnFacts, Lineage, Relation
from pipeline_cli.lineage.tracing import ColumnName, TableName, Traced, trace_query
from pipeline_cli.manifest.names import table_name
from pipeline_cli.project import Project
from pipeline_cli.transforms.described import DescribedModel

WarehouseColumns = Mapping[TableName, Mapping[str, str]]  # (schema, table) -> column -> type


@dataclass(slots=True)
class Parts:
    """What lineage is made from. models: of each transform; columns: of what is in the warehouse, where known.

    reports: the names of those to trace; None for all.
    """

    project: Project
    models: Mapping[str, Sequence[DescribedModel]]
    columns: WarehouseColumns = field(default_factory=dict)
    dialect: str = "duckdb"
    reports: Collection[str] | None = None


def assemble(parts: Parts) -> Lineage:
    """Every source field, table and block of a report, and what each is made of."""
    builder = _Builder(parts)
    builder.add_models()
    builder.add_bronze()
    builder.add_reports()
    return builder.finish()


def table_id(table: TableName) -> str:
    return ".".join(table)


class _Builder:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._described = {
            model.table: (transform, model)
            for transform, models in parts.models.items()
            for model in models
            if model.kind != "source"
        }
        self._read_only = {
            model.table: model
            for models in parts.models.values()
            for model in models
            if model.kind == "source" and model.table not in self._described
        }
        self._known: dict[TableName, dict[str, str | None]] = {
            table: dict(columns) for table, columns in parts.columns.items()
        }
        self._relations: dict[str, Relation] = {}
        self._made_of: dict[Column, frozenset[Column]] = {}

    # -- models ----------------------------------------------------------------------------------------------

    def add_models(self) -> None:
        for table, model in self._read_only.items():
            self._known.setdefault(table, {name: one.type for name, one in model.columns.items()})
        for table in self._in_build_order():
            transform, model = self._described[table]
            self._add_model(transform, model)

    def _in_build_order(self) -> list[TableName]:
        done: dict[TableName, None] = {}

        def visit(table: TableName, on_the_way: frozenset[TableName]) -> None:
            if table in done or table in on_the_way or table not in self._described:
                return
            for parent in sorted(self._described[table][1].parents):
                visit(parent, on_the_way | {table})
            done[table] = None

        for table in self._described:
            visit(table, frozenset())
        return list(done)

    def _add_model(self, transform: str, model: DescribedModel) -> None:
        traced = trace_query(model.sql, model.dialect, self._known) if model.sql else None
        columns = self._columns_of(model, traced)
        self._known[model.table] = columns
        one = Relation(
            id=table_id(model.table),
            kind="model",
            schema=model.schema,
            name=model.name,
            owner=transform,
            description=model.description,
            file=model.file,
            made_by=model.kind,
        )
        for name, kind in columns.items():
            words = next((text.description for key, text in model.columns.items() if _same(key, name)), "")
            one.columns[name] = ColumnFacts(kind, words)
            self._connect(Column(one.id, name), _origins(model, traced, name))
        read = (traced.tables if traced else model.parents) or model.parents
        one.parents = {table_id(table) for table in read if table != model.table}
        self._relations[one.id] = one

    def _columns_of(self, model: DescribedModel, traced: Traced | None) -> dict[str, str | None]:
        """The model's columns in its own order: as built, as the engine has them, or as the query names them."""
        if model.table in self._parts.columns:
            return dict(self._parts.columns[model.table])
        declared = {name: one.type for name, one in model.columns.items()}
        if traced is None:
            return declared
        return {**{name: declared.get(name) for name in traced.columns}, **declared}

    def _connect(self, column: Column, origins: Iterable[ColumnName]) -> None:
        found = frozenset(
            origin for schema, table, name in origins if (origin := self._find(schema, table, name)) != column
        )
        if found:
            self._made_of[column] = found

    def _find(self, schema: str, table: str, name: str) -> Column:
        """A column as its table spells it: engines take capitals away."""
        columns = self._known.setdefault((schema, table), {})
        spelled = name if name in columns else next((one for one in columns if _same(one, name)), name)
        if spelled != "*":
            columns.setdefault(spelled, None)
        return Column(table_id((schema, table)), spelled)

    # -- bronze and what it comes from -----------------------------------------------------------------------

    def add_bronze(self) -> None:
        manifest = self._parts.project.manifest
        ingested = {source for pipeline in manifest.pipelines.values() for source in pipeline.sources}
        for source, entry in manifest.sources.items():
            dataset = f"bronze_{source}"
            tables = {name for schema, name in self._known if schema == dataset and not name.startswith("_")}
            if source in ingested:
                tables |= {table_name(resource) for resource in entry.resources}
            for table in sorted(tables):
                resource = _resource_of(table, list(entry.resources))
                self._add_bronze_table(source, resource, (dataset, table))

    def _add_bronze_table(self, source: str, resource: str, table: TableName) -> None:
        entry = self._parts.project.manifest.sources[source]
        hints = entry.resources.get(resource)
        contract = self._parts.project.resolve(hints.contract) if hints and hints.contract else None
        fields = read_fields(contract, resource) if contract else {}
        names = self._known.get(table, {}) or {name: None for place, name in fields if place == table[1]}
        described = self._read_only.get(table)
        origin = self._origin(source, resource, title_of(contract) if contract else "")
        bronze = Relation(
            id=table_id(table),
            kind="bronze",
            schema=table[0],
            name=table[1],
            owner=source,
            description=described.description if described else "",
            file=origin.file,
            made_by=entry.type,
            parents={origin.id},
        )
        for name, kind in names.items():
            told = described.columns[name].description if described and name in described.columns else ""
            if name in TECHNICAL:
                bronze.columns[name] = ColumnFacts(kind, told or TECHNICAL[name])
                if name == RAW:
                    self._made_of[Column(bronze.id, name)] = frozenset({Column(origin.id, ROWS)})
                continue
            one = fields.get((table[1], name)) or guess_field(name, table[1], resource)
            bronze.columns[name] = ColumnFacts(kind, told or one.description)
            origin.columns[one.path] = ColumnFacts(one.type, one.description)
            self._made_of[Column(bronze.id, name)] = frozenset({Column(origin.id, one.path)})
        self._relations[bronze.id] = bronze

    def _origin(self, source: str, resource: str, words: str) -> Relation:
        entry = self._parts.project.manifest.sources[source]
        identity = f"source:{source}.{resource}"
        if identity not in self._relations:
            file = f"sources/{source}.yaml"
            self._relations[identity] = Relation(
                id=identity,
                kind="source",
                schema=source,
                name=resource,
                owner=source,
                description=words,
                file=file if (self._parts.project.root / file).is_file() else "pipelines.yaml",
                made_by=entry.type,
            )
        return self._relations[identity]

    # -- reports -----------------------------------------------------------------------------------------------

    def add_reports(self) -> None:
        for name, report in self._parts.project.manifest.reports.items():
            if self._parts.reports is not None and name not in self._parts.reports:
                continue
            shown, tables = trace_report(report, self._parts.dialect, self._known)
            file = f"reports/{name}.yaml"
            one = Relation(
                id=f"report:{name}",
                kind="report",
                schema="",
                name=name,
                owner=name,
                description=report.description or report.title,
                file=file if (self._parts.project.root / file).is_file() else "pipelines.yaml",
                made_by="report",
                columns={label: ColumnFacts() for label in shown},
                parents={table_id(table) for table in tables},
            )
            for label, origins in shown.items():
                self._connect(Column(one.id, label), origins)
            self._relations[one.id] = one

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self) -> Lineage:
        """The relations in order, with tables that are read and that nobody makes."""
        for parent in sorted({parent for one in self._relations.values() for parent in one.parents}):
            if parent not in self._relations:
                self._relations[parent] = self._foreign(parent)
        ranks = {"source": 0, "bronze": 1, "table": 1, "model": 2, "report": 3}
        transforms = list(self._parts.models)
        depths = Lineage(self._relations).depths()

        def place(one: Relation) -> tuple[int, int, int, str]:
            owner = transforms.index(one.owner) if one.kind == "model" else 0
            return ranks[one.kind], owner, depths[one.id] if one.kind == "model" else 0, one.id

        relations = {one.id: one for one in sorted(self._relations.values(), key=place)}
        for one in relations.values():
            one.parents &= relations.keys()
        made_of = {
            column: kept
            for column, origins in self._made_of.items()
            if (kept := frozenset(origin for origin in origins if origin.relation in relations))
        }
        return Lineage(relations, made_of)

    def _foreign(self, identity: str) -> Relation:
        schema, _, name = identity.rpartition(".")
        described: Any = self._read_only.get((schema, name))
        words = described.columns if described else {}
        columns = {
            column: ColumnFacts(kind, words[column].description if column in words else "")
            for column, kind in self._known.get((schema, name), {}).items()
        }
        return Relation(
            identity, "table", schema, name, "", described.description if described else "", columns=columns
        )


def _origins(model: DescribedModel, traced: Traced | None, name: str) -> set[ColumnName]:
    """The engine's own lineage, and what the query says that it leaves out (counted rows)."""
    found: set[ColumnName] = set()
    for told in (model.made_of or {}, traced.columns if traced else {}):
        found |= next((origins for key, origins in told.items() if _same(key, name)), frozenset())
    return found


def _same(one: str, other: str) -> bool:
    return one == other or one.lower() == other.lower()


def _resource_of(table: str, resources: Sequence[str]) -> str:
    """The resource whose table, or child table, this is; of a Python source its name may be known nowhere."""
    fits = [
        name for name in resources if table == table_name(name) or table.startswith(f"{table_name(name)}__")
    ]
    return max(fits, key=len, default=table.partition("__")[0])
