"""The manifest as it holds in one of its environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, did_you_mean, quoted
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.nodes import Entry, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode


def bind_environment(manifest: Manifest, name: str) -> Manifest:
    """The manifest with the environment's variables and schedules in the place of those that hold elsewhere."""
    environment = manifest.environments[name]
    if not environment.variables and not environment.schedules:
        return manifest
    transforms = {
        each: replace(transform, variables={**transform.variables, **environment.variables})
        for each, transform in manifest.transforms.items()
    }
    pipelines = {
        each: replace(pipeline, schedule=environment.schedules.get(each, pipeline.schedule))
        for each, pipeline in manifest.pipelines.items()
    }
    return replace(manifest, transforms=transforms, pipelines=pipelines)


def check_schedule_names(
    environments: Mapping[str, Entry], pipelines: Mapping[str, Entry], findings: Findings
) -> None:
    """Record the schedules of environments that are no pipeline's."""
    for environment in environments.values():
        schedules = child(environment.value, "schedules")
        for name, entry in schedules.entries.items() if isinstance(schedules, MappingNode) else ():
            if name not in pipelines:
                hint = did_you_mean(name, list(pipelines), what="The pipelines are")
                findings.add(codes.UNKNOWN_NAME, entry.key, f"there is no pipeline {quoted(name)}.", hint)
