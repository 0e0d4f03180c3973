"""A dbt project's models and tests from a manifest.json, in plain JSON: what a plan compares. Imports no dbt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline_cli.project import Project
from pipeline_cli.transforms.described import dbt_folder

_MODELS = ("model", "seed", "snapshot")
# What of a node's configuration decides its rows; descriptions, tags and meta do not.
_TELLING = ("docs", "meta", "tags", "group", "persist_docs", "access", "contract", "enabled", "severity")


def read_built_nodes(project: Project, transform: str) -> dict[str, Any]:
    """The nodes as the environment's last good build had them; nothing where none is known here."""
    nodes = read_nodes(dbt_folder(project, transform) / "state" / "manifest.json")
    for model in nodes.get("models", {}).values():
        model["schema"] = project.plain_schema(model["schema"])
    return nodes


def read_nodes(path: Path) -> dict[str, Any]:
    """`models` and `tests` by dbt's unique ids; nothing for a file that is not there or is none of dbt's.

    A model: schema, name, kind, file, sql (its Jinja as written), telling (hash of descriptions and tags), macros
    (hash of those it calls), config (hash), parents (unique ids), unique (columns of its unique_key).
    A test: name, model (unique id), severity, hash; unique: the columns that it finds unique, over all rows.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        nodes, macros = manifest["nodes"], manifest.get("macros", {})
        return {
            "models": {
                name: _model(node, macros) for name, node in nodes.items() if node["resource_type"] in _MODELS
            },
            "tests": {
                name: _test(node, macros) for name, node in nodes.items() if node["resource_type"] == "test"
            },
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _model(node: Mapping[str, Any], macros: Mapping[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in node["config"].items() if key not in _TELLING}
    told = [node.get("description"), node.get("tags"), node.get("meta"), node.get("columns")]
    is_seed = node["resource_type"] == "seed"
    return {
        "schema": node["schema"],
        "name": node["alias"],
        "kind": node["config"]["materialized"],
        "file": node["original_file_path"],
        "sql": node["checksum"]["checksum"] if is_seed else node["raw_code"],
        "told": _hash(told),
        "config": _hash(config),
        "macros": _hash(_called(node, macros)),
        "parents": sorted(node.get("depends_on", {}).get("nodes", [])),
        "unique": [] if node["resource_type"] == "snapshot" else _listed(node["config"].get("unique_key")),
    }


def _test(node: Mapping[str, Any], macros: Mapping[str, Any]) -> dict[str, Any]:
    attached = list(node.get("depends_on", {}).get("nodes", []))
    what = [
        node.get("raw_code"),
        node.get("test_metadata"),
        node["config"].get("severity"),
        node["config"].get("where"),
    ]
    return {
        "name": node["name"],
        "model": node.get("attached_node") or (attached[0] if attached else None),
        "models": attached,
        "severity": str(node["config"].get("severity") or "ERROR").lower(),
        "hash": _hash([what, _called(node, macros)]),
        "unique": _unique(node),
    }


def _unique(node: Mapping[str, Any]) -> list[str]:
    """The columns that the test finds unique together; nothing where it is another test, or one of some rows only."""
    metadata = node.get("test_metadata") or {}
    if node["config"].get("where"):
        return []
    arguments = metadata.get("kwargs", {})
    argument = {"unique": "column_name", "unique_combination_of_columns": "combination_of_columns"}
    return _listed(arguments.get(argument.get(str(metadata.get("name")), "")))


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else [str(each) for each in names or ()]


def _called(node: Mapping[str, Any], macros: Mapping[str, Any]) -> list[str]:
    """The text of every macro of the project's own that the node calls, in any depth."""
    waiting = list(node.get("depends_on", {}).get("macros", []))
    seen: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        macro = macros.get(name)
        if macro is None or name in seen or macro.get("package_name", "").startswith("dbt"):
            continue
        seen[name] = str(macro.get("macro_sql"))
        waiting += macro.get("depends_on", {}).get("macros", [])
    return [f"{name}\n{text}" for name, text in sorted(seen.items())]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
