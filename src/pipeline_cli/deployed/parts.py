"""The parts of a project that are planned: sources, transforms, reports and pipelines, each with its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipeline_cli.deployed.plain import to_plain
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask_tree
from pipeline_cli.steps.fingerprint import hash_code

Kind = Literal["source", "transform", "report", "pipeline"]
# Who is told and when it is run changes no row.
_NOT_PLANNED = ("alerts", "monitor", "description", "retries")


class Key(NamedTuple):
    """What a part is called."""

    kind: Kind
    name: str


class Part(NamedTuple):
    """A part as the manifest and the code have it. content: plain JSON, without secrets."""

    key: Key
    content: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()


Parts = Mapping[Key, Part]


def describe_parts(project: Project, pipelines: Collection[str] | None = None) -> dict[Key, Part]:
    """The parts of these pipelines, or of all, in the manifest's order; reads the contracts and the code's files.

    A source, transform or report that no pipeline names is none of them.
    """
    manifest = project.manifest
    found: dict[Key, Part] = {}
    for name, pipeline in manifest.pipelines.items():
        if pipelines is not None and name not in pipelines:
            continue
        for source in () if project.is_copy else pipeline.sources:  # a copy loads nothing
            _add(found, project, Key("source", source), _describe_source(project, source))
        for transform in pipeline.transforms:
            _add(found, project, Key("transform", transform), _describe_transform(project, transform))
        for report in pipeline.reports:
            _add(found, project, Key("report", report), to_plain(manifest.reports[report]))
        content = {key: value for key, value in to_plain(pipeline).items() if key not in _NOT_PLANNED}
        _add(found, project, Key("pipeline", name), content)
    return found


def keys_of(manifest: Manifest, pipelines: Collection[str]) -> set[Key]:
    """What these pipelines are made of, themselves included."""
    found: set[Key] = set()
    for name in pipelines:
        pipeline = manifest.pipelines[name]
        found |= {Key("source", each) for each in pipeline.sources}
        found |= {Key("transform", each) for each in pipeline.transforms}
        found |= {Key("report", each) for each in pipeline.reports}
        found.add(Key("pipeline", name))
    return found


def _add(found: dict[Key, Part], project: Project, key: Key, content: Mapping[str, Any]) -> None:
    if key not in found:
        found[key] = Part(key, mask_tree(content, project.secrets))


def _describe_source(project: Project, name: str) -> dict[str, Any]:
    entry = project.manifest.sources[name]
    content: dict[str, Any] = {"type": entry.type, **to_plain(entry)}
    content.pop("retries", None)
    resources = content.setdefault("resources", {})
    for resource, hints in entry.resources.items():
        told = resources.setdefault(resource, {})
        told["write_disposition"] = hints.write_disposition
        if hints.contract:
            told["contract_schema"] = _read_json(project.resolve(hints.contract))
    if getattr(entry, "path", None):  # a Python source
        content["code"] = _hash_file(project.resolve(entry.path))
    return content


def _describe_transform(project: Project, name: str) -> dict[str, Any]:
    entry = project.manifest.transforms[name]
    content: dict[str, Any] = to_plain(entry)
    content.pop("retries", None)
    return {**content, "code": hash_code(project.resolve(entry.path))}


def _read_json(path: Path) -> Any:
    """The contract; what is wrong with it is for others to say, so its bytes' hash stands for it then."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _hash_file(path)


def _hash_file(path: Path) -> str:
    """Nothing for a file that cannot be read: the step that wants it says so."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
