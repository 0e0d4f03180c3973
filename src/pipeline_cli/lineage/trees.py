"""Lineage as text: what something is made of as a tree, and the same as plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipeline_cli.lineage.graph import ROWS, Column, Lineage, Relation


def show_relation(relation: Relation) -> str:
    """`gold_shop.sales`, `source fakestore.carts`, `report sales`."""
    if relation.kind == "source":
        return f"source {relation.schema}.{relation.name}"
    return f"report {relation.name}" if relation.kind == "report" else relation.id


def show_column(lineage: Lineage, column: Column) -> str:
    """`gold_shop.sales.revenue`, `source fakestore.carts: products[].quantity`, `rows of gold_shop.sales`."""
    relation = lineage.relations[column.relation]
    where = show_relation(relation)
    if column.name == ROWS:
        return f"the {'records' if relation.kind == 'source' else 'rows'} of {where}"
    return f"{where}{'.' if relation.kind in ('bronze', 'model', 'table') else ': '}{column.name}"


def draw(lineage: Lineage, found: Column | str, width: int = 80) -> list[str]:
    """Lines for a terminal: the name, what is known of it, and a tree upwards and one downwards.

    Names stand as `find` takes them; those are not broken where they are longer than the width.
    """
    if isinstance(found, str):
        return _draw_relation(lineage, lineage.relations[found], width)
    relation = lineage.relations[found.relation]
    facts = relation.columns.get(found.name)

    def name(column: Column) -> str:
        if column.name != ROWS:
            return f"{column.relation}.{column.name}"
        is_source = lineage.relations[column.relation].kind == "source"
        return f"the {'records' if is_source else 'rows'} of {column.relation}"

    lines = [name(found) + (f"  {facts.type}" if facts and facts.type else "")]
    lines += _words(facts.description if facts else "", width)
    lines += _section(
        "Made of", _trees(found, lineage.origins, name), "no column: a constant, a clock or a number"
    )
    return lines + _section("Used by", _trees(found, lineage.uses, name), "nothing")


def describe(lineage: Lineage, found: Column | str) -> dict[str, Any]:
    """The same as plain data: `upstream` and `downstream` as lists of edges, nearest first."""
    if isinstance(found, str):
        return {
            "table": found,
            "column": None,
            "upstream": _edges(found, lambda one: sorted(lineage.relations[one].parents), _relation_end),
            "downstream": _edges(found, lambda one: lineage.readers().get(one, []), _relation_end),
        }
    return {
        "table": found.relation,
        "column": found.name,
        "upstream": _edges(found, lineage.origins, _column_end),
        "downstream": _edges(found, lineage.uses, _column_end),
    }


def list_tables(relations: Iterable[Relation]) -> dict[str, Any]:
    """The relations as plain data."""
    return {
        "tables": [
            {
                "id": one.id,
                "kind": one.kind,
                "made_by": one.made_by,
                "description": one.description,
                "file": one.file,
                "reads": sorted(one.parents),
                "columns": [
                    {"name": name, "type": facts.type, "description": facts.description}
                    for name, facts in one.columns.items()
                ],
            }
            for one in relations
        ]
    }


def _draw_relation(lineage: Lineage, relation: Relation, width: int) -> list[str]:
    lines = [relation.id + (f"  {relation.made_by}, {relation.file}" if relation.file else "")]
    lines += _words(relation.description, width)
    readers = lineage.readers()
    up = _trees(relation.id, lambda one: sorted(lineage.relations[one].parents), str)
    return [
        *lines,
        *_section("Reads", up, "nothing"),
        *_section("Read by", _trees(relation.id, lambda one: readers.get(one, []), str), "nothing"),
    ]


def _words(description: str, width: int) -> list[str]:
    return textwrap.wrap(description, width, initial_indent="  ", subsequent_indent="  ")


def _section(title: str, tree: list[str], nothing: str) -> list[str]:
    return ["", title, *(f"  {line}" for line in tree or [nothing])]


def _trees(root: Any, step: Callable[[Any], list[Any]], name: Callable[[Any], str]) -> list[str]:
    """What steps lead to, as lines; what was drawn in full before is not drawn again."""
    drawn: set[Any] = {root}

    def branches(node: Any, indent: str) -> Iterator[str]:
        children = step(node)
        for place, child in enumerate(children):
            last = place == len(children) - 1
            again = child in drawn and bool(step(child))
            yield f"{indent}{'└─' if last else '├─'} {name(child)}{' (see above)' if again else ''}"
            if child not in drawn:
                drawn.add(child)
                yield from branches(child, indent + ("   " if last else "│  "))

    return list(branches(root, ""))


def _edges(
    root: Any, step: Callable[[Any], list[Any]], end: Callable[[Any], dict[str, str]]
) -> list[dict[str, Any]]:
    found, waiting, seen = [], [root], {root}
    while waiting:
        node = waiting.pop(0)
        for child in step(node):
            found.append({"of": end(node), "from": end(child)})
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return found


def _column_end(column: Column) -> dict[str, str]:
    return {"table": column.relation, "column": column.name}


def _relation_end(one: str) -> dict[str, str]:
    return {"table": one}
