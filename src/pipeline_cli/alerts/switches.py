"""Which channels and alerts are on: those whose variables are set in this environment. Imported by every run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline_cli.manifest.models import Alert, Manifest
from pipeline_cli.project import Project


def channels_on(project: Project) -> Mapping[str, Any]:
    """The channels of the manifest whose variables are all set."""
    channels = project.manifest.channels
    return {name: each for name, each in channels.items() if not project.missing.get(f"plugins.{name}")}


def rules_of(manifest: Manifest, pipeline: str, environment: str) -> tuple[Alert, ...]:
    """The pipeline's rules that hold in this environment; none where it is not in the manifest (any more)."""
    entry = manifest.pipelines.get(pipeline)
    rules = entry.alerts if entry is not None else ()
    return tuple(rule for rule in rules if not rule.environments or environment in rule.environments)


def is_anyone_told(project: Project) -> bool:
    """Whether an alert of any pipeline can be sent here."""
    pipelines = project.manifest.pipelines
    if not any(pipeline.alerts for pipeline in pipelines.values()):
        return False
    on = {*channels_on(project), *project.manifest.own_plugins}
    rules = (
        rule for name in pipelines for rule in rules_of(project.manifest, name, project.environment_name)
    )
    return any(not on.isdisjoint(rule.to) for rule in rules)


def find_unheard(project: Project, pipelines: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The variables that channels lack, for alerts of these pipelines that nobody hears. One channel on is heard."""
    on = {*channels_on(project), *project.manifest.own_plugins}
    return {
        channel: project.missing.get(f"plugins.{channel}", ())
        for name in pipelines
        for rule in rules_of(project.manifest, name, project.environment_name)
        if on.isdisjoint(rule.to)
        for channel in rule.to
    }


def with_channels_on(project: Project) -> Manifest:
    """The manifest with those alerts alone that can be sent here."""
    on = {*channels_on(project), *project.manifest.own_plugins}
    pipelines = {
        name: _changed(
            pipeline,
            alerts=tuple(
                _changed(rule, to=tuple(channel for channel in rule.to if channel in on))
                for rule in pipeline.alerts
            ),
        )
        for name, pipeline in project.manifest.pipelines.items()
    }
    changed: Manifest = _changed(project.manifest, pipelines=pipelines)
    return changed


def _changed(entry: Any, **values: Any) -> Any:
    """A manifest entry with other values; dataclasses.replace does not know how these classes are made."""
    kept = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    return type(entry)(**{**kept, **values})
