"""A plan in a file: what it says, and what it was made of, so that `apply` can tell whether it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.deployed.parts import Key, Part, describe_parts
from pipeline_cli.deployed.store import Deployed
from pipeline_cli.document import format_time, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.planning.building import Made, changed_pipelines
from pipeline_cli.planning.document import to_fields
from pipeline_cli.planning.facts import Facts
from pipeline_cli.project import Project

FORMAT = 1
_HINT = "Make it anew: pipeline-cli plan --out {file}"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan that was read. place: its project's and environment's names.

    pipelines: that were planned; to_run: those that have to be run so that it is done.

    parts, deployed, tables: what it was made of, as fingerprints.
    """

    id: str
    path: Path
    place: tuple[str, str]
    pipelines: tuple[str, ...]
    to_run: tuple[str, ...]
    destructive: tuple[Mapping[str, Any], ...]
    parts: Mapping[str, str]
    deployed: Mapping[str, str]
    tables: str


def write_plan(project: Project, made: Made, path: Path) -> str:
    """Write the plan, whole or not at all. Returns its id."""
    body = {
        "format": FORMAT,
        "project": project.manifest.name,
        "environment": project.environment_name,
        "made_at": format_time(utc_now()),
        "plan": to_fields(made.plan),
        "to_run": changed_pipelines(project, made),
        "parts": _fingerprints(made.parts),
        "deployed": _deployed(made.facts.deployed),
        "tables": hash_tables(made.facts),
    }
    identity = _identify(body)
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        unfinished.write_text(
            json.dumps({"id": identity, **body}, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", code="E022") from error
    return identity


def read_plan(path: Path) -> PlanFile:
    """Raises UsageError for a file that is no plan, or was changed since it was written."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        body = {key: value for key, value in document.items() if key != "id"}
        is_ours = body["format"] == FORMAT and document["id"] == _identify(body)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", code="E022") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        raise UsageError(
            f"{path} is no plan that this version made, or it was changed since.",
            code="E022",
            hint=_HINT.format(file=path),
        )
    plan = body["plan"]
    return PlanFile(
        id=document["id"],
        path=path,
        place=(body["project"], body["environment"]),
        pipelines=tuple(plan["pipelines"]),
        to_run=tuple(body["to_run"]),
        destructive=tuple(each for each in plan["changes"] if each["destructive"]),
        parts=body["parts"],
        deployed=body["deployed"],
        tables=body["tables"],
    )


def require_place(project: Project, plan: PlanFile) -> None:
    """Raise UsageError for a plan of another project or environment."""
    name, environment = plan.place
    if plan.place != (project.manifest.name, project.environment_name):
        raise UsageError(
            f"{plan.path} is a plan for {environment!r} of {name}, and this is {project.environment_name!r} of"
            f" {project.manifest.name}.",
            code="E022",
            hint=f"pipeline-cli apply {plan.path} --env {environment}",
        )


def why_stale(project: Project, plan: PlanFile, facts: Facts) -> list[str]:
    """What is not as it was when the plan was made, a few words each; nothing where it holds."""
    unknown = [name for name in plan.pipelines if name not in project.manifest.pipelines]
    if unknown:
        return [f"pipeline {name} is gone" for name in unknown]
    now = _fingerprints(describe_parts(project, plan.pipelines))
    found = [
        f"{name} is another" for name in sorted({*now, *plan.parts}) if now.get(name) != plan.parts.get(name)
    ]
    deployed = _deployed(facts.deployed)
    found += [
        f"{name} was deployed since"
        for name in sorted({*deployed, *plan.deployed})
        if deployed.get(name) != plan.deployed.get(name)
    ]
    return found or (
        ["the tables in the warehouse have other columns"] if hash_tables(facts) != plan.tables else []
    )


def hash_tables(facts: Facts) -> str:
    """Of the bronze tables' names, columns and types: rows may come and go while a plan waits."""
    tables = [[*name, sorted(table.columns.items())] for name, table in sorted(facts.catalog.tables.items())]
    return hashlib.sha256(json.dumps(tables).encode()).hexdigest()


def _fingerprints(parts: Mapping[Key, Part]) -> dict[str, str]:
    return {f"{key.kind} {key.name}": part.fingerprint for key, part in parts.items()}


def _deployed(deployed: Deployed) -> dict[str, str]:
    return {f"{key.kind} {key.name}": part.fingerprint for key, part in deployed.parts.items()}


def _identify(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
