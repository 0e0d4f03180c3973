"""After a run: what it did is what its environment runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_cli.deployed.parts import Key, Parts, keys_of
from pipeline_cli.deployed.store import Deployed, Writing, read_deployed, write_deployed
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import PipelineResult, RunResult
from pipeline_cli.errors import Unplanned
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.project import Project
from pipeline_cli.transforms.dbt_nodes import read_built_nodes

_MOST_NAMED = 5
_DONE = ("succeeded", "unchanged")
# A transform is deployed when its tests have passed, too.
_KINDS = {"ingest": "source", "test": "transform", "report": "report"}


def record_run(project: Project, warehouse: Warehouse, parts: Parts, result: RunResult) -> None:
    """Keep the parts whose steps the run has done. parts: of its pipelines, as it found them at its beginning.

    After the first run of an environment, what else the manifest has may run, too; a run of everything that succeeds
    forgets what the manifest has no more. Raises what the warehouse raises.
    """
    stored = read_deployed(warehouse, project.environment_name)
    writing = Writing(project.environment_name, result.run_id)
    done = {key for pipeline in result.pipelines for key in _done(pipeline)}
    for key, part in parts.items():
        known = stored.parts.get(key)
        if key in done and (known is None or known.fingerprint != part.fingerprint):
            writing.deployed.append((part, _detail(project, key)))
        elif key in done and key in stored.approved:
            writing.settled.append(key)
    everything = keys_of(project.manifest, project.manifest.pipelines)
    if not stored.is_known and writing.deployed:
        writing.awaited += sorted(everything - done)
    if _is_whole(project, result):
        writing.gone |= (stored.parts.keys() | stored.approved.keys()) - everything
    write_deployed(warehouse, writing)


def unapproved(parts: Parts, stored: Deployed) -> list[Key]:
    """Of the parts, those that no applied plan holds; none in an environment that has no record yet."""
    if not stored.is_known:
        return []
    return [key for key, part in parts.items() if not stored.allows(part)]


def require_approved(project: Project, warehouse: Warehouse, parts: Parts) -> None:
    """Raise Unplanned where a protected environment would run what no applied plan holds."""
    if not project.environment.protected:
        return
    found = unapproved(parts, read_deployed(warehouse, project.environment_name))
    if found:
        named = ", ".join(f"{key.kind} {key.name}" for key in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise Unplanned(
            f"environment {project.environment_name!r} is protected, and no applied plan holds what has changed:"
            f" {named}{more}. Nothing was run.",
            hint="pipeline-cli plan --out changes.plan, then: pipeline-cli apply changes.plan",
        )


def _done(pipeline: PipelineResult) -> Iterator[Key]:
    for step in pipeline.steps:
        kind: Any = _KINDS.get(step.kind)
        if kind and step.status in _DONE:
            yield Key(kind, step.name.partition(":")[2])
    if pipeline.status in _DONE:
        yield Key("pipeline", pipeline.name)


def _detail(project: Project, key: Key) -> Mapping[str, Any]:
    if key.kind == "transform" and project.manifest.transforms[key.name].engine == "dbt":
        return read_built_nodes(project, key.name)
    return {}


def _is_whole(project: Project, result: RunResult) -> bool:
    """Whether the run did everything there is, all of it well."""
    pipelines = project.manifest.pipelines
    return (
        result.status in _DONE
        and {pipeline.name for pipeline in result.pipelines} == set(pipelines)
        and all(
            len(each.steps) == _step_count(pipelines[each.name], project.is_copy) for each in result.pipelines
        )
    )


def _step_count(pipeline: Pipeline, is_copy: bool) -> int:
    return (0 if is_copy else len(pipeline.sources)) + 2 * len(pipeline.transforms) + len(pipeline.reports)
