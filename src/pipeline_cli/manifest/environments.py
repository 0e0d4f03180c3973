"""The manifest as it holds in one of its environments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, did_you_mean, nearest, quoted
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.nodes import Entry, Node, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode

SQLMESH_DEFAULT = "prod"  # what every environment that is no copy is to SQLMesh
_TAKEN = ("destination", "state", "replay")  # of a copy: these are its original's
_LONGEST = 63  # Postgres cuts longer names


def bind_environment(manifest: Manifest, name: str) -> Manifest:
    """The manifest with the environment's variables and schedules in the place of those that hold elsewhere."""
    manifest = _complete_copies(manifest)
    environment = manifest.environments[name]
    if not environment.variables and not environment.schedules and environment.copy_of is None:
        return manifest
    transforms = {
        each: replace(transform, variables={**transform.variables, **environment.variables})
        for each, transform in manifest.transforms.items()
    }
    is_copy = environment.copy_of is not None  # it is built when somebody wants it
    pipelines = {
        each: replace(
            pipeline, schedule=environment.schedules.get(each, None if is_copy else pipeline.schedule)
        )
        for each, pipeline in manifest.pipelines.items()
    }
    return replace(manifest, transforms=transforms, pipelines=pipelines)


def _complete_copies(manifest: Manifest) -> Manifest:
    """Copies have their original's destination, ledger, recordings and variables."""
    environments = dict(manifest.environments)
    for name, each in environments.items():
        if each.copy_of is not None:
            original = manifest.environments[each.copy_of]
            environments[name] = replace(
                each,
                destination=original.destination,
                replay=original.replay,
                state=original.state,
                variables={**original.variables, **each.variables},
            )
    return replace(manifest, environments=environments)


def schema_suffix(name: str) -> str:
    """What a copy's schemas have behind their names, as SQLMesh's environments have it: `__pr`."""
    return f"__{name}"


def check_copies(
    environments: Mapping[str, Entry],
    pipelines: Collection[str],
    text: Callable[[Node | None], str | None],
    findings: Findings,
) -> None:
    """Record environments without a destination, and copies that cannot be.

    text: gives a scalar's text with its variables filled in.
    """
    for name, each in environments.items():
        original = child(each.value, "copy_of")
        if original is None:
            if isinstance(each.value, MappingNode) and child(each.value, "destination") is None:
                said = any(nearest(given, ["destination", "copy_of"]) for given in each.value.entries)
                if not said:
                    message = f"{name} needs the key destination."
                    findings.add(codes.MISSING_KEY, each.key, message, "Or copy_of: the environment to copy.")
            continue
        _check_original(name, original, environments, text, findings)
        for taken in _TAKEN:
            if (given := child(each.value, taken)) is not None:
                message = f"{name} is a copy: its {taken} is that of {text(original)}."
                findings.add(codes.UNKNOWN_KEY, given.owner or given, message, f"Leave {taken} out.")
        if name == SQLMESH_DEFAULT:
            message = f"a copy cannot be called {name}: that is what SQLMesh calls the originals."
            findings.add(codes.BAD_NAME, each.key, message, "Give it another name.")
        schemas = [f"silver_{pipeline}{schema_suffix(name)}" for pipeline in pipelines]
        too_long = [schema for schema in schemas if len(schema) > _LONGEST]
        if too_long:
            message = f"{too_long[0]} is longer than the {_LONGEST} letters that a schema's name may have."
            findings.add(codes.BAD_NAME, each.key, message, "Give the copy a shorter name.")


def _check_original(
    name: str,
    node: Node,
    environments: Mapping[str, Entry],
    text: Callable[[Node | None], str | None],
    findings: Findings,
) -> None:
    original = text(node) or ""
    if original == name:
        findings.add(
            codes.WRONG_KIND, node, f"{name} cannot be a copy of itself.", "Name another environment."
        )
    elif original in environments and (of := child(environments[original].value, "copy_of")) is not None:
        message = f"{quoted(original)} is a copy itself."
        findings.add(codes.WRONG_KIND, node, message, f"Copy {text(of)}.")


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
