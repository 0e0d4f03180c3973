"""What a copy of an environment builds of a dbt project."""

from __future__ import annotations

from typing import Any

from pipeline_cli.transforms.dbt_copy import own_nodes


def node(sql: str, *parents: str, told: str = "") -> dict[str, Any]:
    return {
        "sql": sql,
        "config": "c",
        "macros": "m",
        "schema": "gold",
        "name": "n",
        "told": told,
        "parents": list(parents),
    }


def nodes(**models: dict[str, Any]) -> dict[str, Any]:
    return {"models": models}


BEFORE = nodes(a=node("1"), b=node("2", "a"), c=node("3", "b"), d=node("4"))


def test_what_differs_and_what_follows_from_it_is_built() -> None:
    assert own_nodes(BEFORE, BEFORE) == set()
    assert own_nodes(BEFORE, nodes(**{**BEFORE["models"], "a": node("9")})) == {"a", "b", "c"}
    assert own_nodes(BEFORE, nodes(**{**BEFORE["models"], "c": node("9", "b")})) == {"c"}
    assert own_nodes(BEFORE, nodes(**BEFORE["models"], e=node("5", "d"))) == {"e"}
    moved = {**BEFORE["models"]["b"], "schema": "silver"}
    assert own_nodes(BEFORE, nodes(**{**BEFORE["models"], "b": moved})) == {"b", "c"}


def test_words_about_a_model_are_no_difference() -> None:
    assert own_nodes(BEFORE, nodes(**{**BEFORE["models"], "a": node("1", told="other")})) == set()


def test_where_nothing_is_known_of_the_original_everything_is_built() -> None:
    assert own_nodes({}, BEFORE) == {"a", "b", "c", "d"}
