"""A dbt project in a copy of an environment: what is different is built, what is not is a view of the original's.

dbt itself is told the original's target, so that everything compiles as it does there; the schemas of the models that
differ are changed in its parsed manifest. So no macro of the project has to know of copies, and the plain `dbt` cannot
write to the original's schemas by mistake: there is no target of the copy's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from pipeline_cli.destinations.base import Connection, literal, quote
from pipeline_cli.project import Project
from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.described import TableName

_MODELS = ("model", "seed", "snapshot")
_DATA = ("sql", "config", "macros", "schema", "name")  # of a node (dbt_nodes.py): what its rows depend on


def own_nodes(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """The models that are not as the original has built them, and what follows from them, by dbt's unique ids.

    Both: nodes (dbt_nodes.py). Pure.
    """
    old, new = before.get("models", {}), now.get("models", {})
    own = {
        name for name, model in new.items() if any(old.get(name, {}).get(key) != model[key] for key in _DATA)
    }
    while more := {name for name in new.keys() - own if own & set(new[name]["parents"])}:
        own |= more
    return own


def place_nodes(manifest: Any, own: Collection[str], project: Project) -> None:
    """Let these nodes of dbt's manifest be built in the copy's schemas; others stay where the original has them."""
    for name in own:
        node = manifest.nodes[name]
        plain, node.schema = node.schema, project.model_schema(node.schema)
        if node.relation_name:
            node.relation_name = node.relation_name.replace(f'"{plain}"', f'"{node.schema}"')


def publish_views(
    request: TransformRequest, manifest: Any, own: Collection[str], gone: Sequence[TableName]
) -> None:
    """Make the copy whole, in one transaction: views of the original's tables beside what it has built itself.

    gone: models that the copy had and that are no more.
    """
    project, warehouse = request.project, request.warehouse
    shared = [
        (node.schema, str(node.alias))
        for name, node in manifest.nodes.items()
        if node.resource_type in _MODELS and name not in own and node.config.materialized != "ephemeral"
    ]
    places = {(project.model_schema(schema), name): (schema, name) for schema, name in shared}
    dropped = [(project.model_schema(schema), name) for schema, name in gone]
    schemas = {schema for schema, _ in (*places, *dropped)}
    there = set(warehouse.relations(sorted(schemas | {schema for schema, _ in shared})))
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        for schema in sorted(schemas):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        for place in (*places, *dropped):
            if place in there:
                _drop(connection, place)
        for place, table in places.items():
            if table in there:
                connection.execute(f"CREATE VIEW {quote(*place)} AS SELECT * FROM {quote(*table)}")


def _drop(connection: Connection, table: TableName) -> None:
    [(kind,)] = connection.query(
        "SELECT table_type FROM information_schema.tables"
        f" WHERE table_schema = {literal(table[0])} AND table_name = {literal(table[1])}"
    )
    what = "VIEW" if kind == "VIEW" else "TABLE"
    # What else is built on it in the copy is built again: it follows from it.
    connection.execute(f"DROP {what} {quote(*table)} CASCADE")


def select_nodes(manifest: Any, own: Collection[str]) -> list[str]:
    """dbt's selectors of these nodes."""
    return [f"fqn:{'.'.join(manifest.nodes[name].fqn)}" for name in sorted(own)]


def tests_of(manifest: Any, own: Collection[str]) -> Iterator[str]:
    """The unique ids of the tests that look at one of these nodes."""
    for test in (*manifest.nodes.values(), *manifest.unit_tests.values()):
        if test.resource_type in ("test", "unit_test") and not set(test.depends_on.nodes).isdisjoint(own):
            yield test.unique_id
