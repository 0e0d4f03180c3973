"""A dbt project's models, from the artifacts of its last build: no dbt is imported, no warehouse opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline_cli.project import Project
from pipeline_cli.transforms.described import DescribedColumn, DescribedModel, dbt_folder

_MODELS = ("model", "seed", "snapshot")


def describe_dbt(project: Project, transform: str) -> list[DescribedModel]:
    """The models and sources; nothing where the project was never built here, or by a dbt whose words differ."""
    target = dbt_folder(project, transform) / "target"
    manifest = _read(target / "manifest.json")
    for node in manifest.get("nodes", {}).values():
        node["schema"] = project.plain_schema(node["schema"])
    path = project.manifest.transforms[transform].path
    try:
        reader = _Reader(manifest, target, path)
        return [*reader.sources(), *reader.models()]
    except (KeyError, TypeError, AttributeError):
        return []


class _Reader:
    def __init__(self, manifest: Mapping[str, Any], target: Path, path: str) -> None:
        self._path = path
        self._target = target
        self._dialect = str(manifest.get("metadata", {}).get("adapter_type") or "duckdb")
        self._nodes: dict[str, Any] = {
            name: node
            for name, node in manifest.get("nodes", {}).items()
            if node["resource_type"] in _MODELS and node["config"]["materialized"] != "ephemeral"
        }
        self._sources: dict[str, Any] = manifest.get("sources", {})
        self._ephemeral: dict[str, Any] = {
            name: node
            for name, node in manifest.get("nodes", {}).items()
            if node["resource_type"] in _MODELS and name not in self._nodes
        }

    def sources(self) -> list[DescribedModel]:
        return [
            DescribedModel(
                schema=node["schema"],
                name=node["identifier"],
                kind="source",
                file=f"{self._path}/{node['original_file_path']}",
                description=_words(node.get("description")),
                columns=_columns(node),
                dialect=self._dialect,
            )
            for node in self._sources.values()
        ]

    def models(self) -> list[DescribedModel]:
        return [
            DescribedModel(
                schema=node["schema"],
                name=node["alias"],
                kind=node["config"]["materialized"],
                file=f"{self._path}/{node['original_file_path']}",
                description=_words(node.get("description")),
                columns=_columns(node),
                parents=frozenset(self._parents(node)),
                sql=self._sql(node),
                dialect=self._dialect,
            )
            for node in self._nodes.values()
        ]

    def _parents(self, node: Mapping[str, Any]) -> set[tuple[str, str]]:
        """What the model reads; an ephemeral one stands for what it reads itself."""
        found: set[tuple[str, str]] = set()
        for name in node.get("depends_on", {}).get("nodes", ()):
            if name in self._nodes:
                found.add((self._nodes[name]["schema"], self._nodes[name]["alias"]))
            elif name in self._sources:
                found.add((self._sources[name]["schema"], self._sources[name]["identifier"]))
            elif name in self._ephemeral:
                found |= self._parents(self._ephemeral[name])
        return found

    def _sql(self, node: Mapping[str, Any]) -> str | None:
        """The compiled SQL: a build of some models leaves that of the others in files of builds before."""
        if node["resource_type"] == "seed":
            return None
        if node.get("compiled_code"):
            return str(node["compiled_code"])
        path = self._target / "compiled" / node["package_name"] / node["original_file_path"]
        try:
            return str(path.read_text(encoding="utf-8"))
        except OSError:
            return None


def _columns(node: Mapping[str, Any]) -> dict[str, DescribedColumn]:
    return {
        str(column["name"]): DescribedColumn(column.get("data_type"), _words(column.get("description")))
        for column in node.get("columns", {}).values()
    }


def _words(text: str | None) -> str:
    return (text or "").strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
