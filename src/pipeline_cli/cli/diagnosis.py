"""What `doctor` looks at: each check gives findings, and none of them raises."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline_cli.cli.settings import Settings
from pipeline_cli.cli.warehouses import describe_location, opened_warehouse
from pipeline_cli.errors import Mistake, PipelineCliError
from pipeline_cli.manifest.codes import MISSING_VARIABLE

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from pipeline_cli.manifest.reader import Reading
    from pipeline_cli.project import Project

DISTRIBUTION = "pipeline-cli"
OLDEST_PYTHON, FIRST_UNTRIED_PYTHON = (3, 11), (3, 14)
LITTLE_SPACE, TOO_LITTLE_SPACE = 2 * 1024**3, 200 * 1024**2  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. Only `fail` changes the exit code."""

    check: str
    status: Literal["ok", "warn", "fail"]
    message: str
    hint: str | None = None
    code: str = "E020"


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which to mend them; heavy imports come last."""
    yield check_python(sys.version_info[:2])
    yield from check_packages(installed_requirements())
    yield check_sqlglotc(_installed_version("sqlglotc"))
    mistakes: tuple[Mistake, ...] = ()
    try:
        reading = settings.read_manifest()
    except PipelineCliError as error:
        mistakes = error.mistakes
        yield from _failures("manifest", mistakes)
        if any(mistake.code != MISSING_VARIABLE for mistake in mistakes):
            return
        # Everything else can be looked at without the variables.
        reading = settings.read_manifest(lenient=True)
    from pipeline_cli.plugins.loading import check_plugins
    from pipeline_cli.project import Project

    project = Project(settings.find_root(), reading.manifest, reading.environment, settings.secrets)
    if not mistakes:
        yield Finding("manifest", "ok", f"pipelines.yaml is valid; environment '{reading.environment}'")
        yield from check_variables(reading)
    yield from _failures("plugins", check_plugins(project.root, reading.manifest.own_plugins))
    yield check_writable(project.pipeline_dir)
    yield check_disk_space(shutil.disk_usage(project.root).free)
    yield from check_extras(project)
    lacking = reading.missing.get(f"destinations.{project.environment.destination}")
    if lacking:
        yield Finding("destination", "warn", f"not looked at: {', '.join(lacking)} not set")
    else:
        yield check_destination(project)


def _failures(check: str, mistakes: Iterable[Mistake]) -> Iterator[Finding]:
    for mistake in mistakes:
        place = ":".join(str(part) for part in (mistake.file, mistake.line) if part is not None)
        told = f"{place}: {mistake.message}" if place else mistake.message
        yield Finding(check, "fail", told, mistake.hint, mistake.code)


def check_python(version: tuple[int, int]) -> Finding:
    """Whether this Python is one that the package is tested with."""
    name = ".".join(map(str, version))
    if OLDEST_PYTHON <= version < FIRST_UNTRIED_PYTHON:
        return Finding("python", "ok", f"Python {name}")
    return Finding(
        "python", "fail", f"Python {name} is not supported", "Install with Python 3.11, 3.12 or 3.13."
    )


def installed_requirements() -> list[Requirement]:
    """What our own metadata asks for without extras, for this Python."""
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    return [found for found in requirements if not found.marker or found.marker.evaluate({"extra": ""})]


def check_packages(requirements: list[Requirement]) -> Iterator[Finding]:
    """One line for all packages that are as pinned, and one for each that is not."""
    good = 0
    for requirement in requirements:
        version = _installed_version(requirement.name)
        if version and requirement.specifier.contains(version, prereleases=True):
            good += 1
            continue
        hint = f"pip install '{requirement.name}{requirement.specifier}'"
        wanted = f"{requirement.name}{requirement.specifier} is wanted"
        yield Finding("packages", "fail", f"{wanted}, {version or 'nothing'} is installed", hint)
    yield Finding("packages", "ok", f"{good} of {len(requirements)} packages as pinned")


def check_sqlglotc(version: str | None) -> Finding:
    """sqlglotc (brought by sqlglot[rs], which dagster-dbt wants) breaks `import sqlmesh`."""
    if version is None:
        return Finding("sqlglotc", "ok", "sqlglotc, which breaks SQLMesh, is not installed")
    return Finding("sqlglotc", "fail", f"sqlglotc {version} breaks SQLMesh", "pip uninstall sqlglotc")


def check_variables(reading: Reading) -> Iterator[Finding]:
    """Variables that the manifest names and the environment lacks; those needed now are mistakes already."""
    if not reading.missing:
        yield Finding("variables", "ok", "every variable that the manifest names is set or has a default")
    for entry, names in reading.missing.items():
        hint = f"export {names[0]}=…, or a line {names[0]}=… in .env"
        yield Finding("variables", "warn", f"{', '.join(names)} not set, which {entry} needs", hint)


def check_writable(folder: Path) -> Finding:
    """Whether all state can be written below .pipeline/."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(
            "state",
            "fail",
            f"{folder} cannot be written: {reason}",
            "Give this user the right to write there.",
        )
    return Finding("state", "ok", f"{folder} can be written")


def check_disk_space(free_bytes: int) -> Finding:
    """Whether there is room for load packages and a DuckDB file."""
    message = f"{free_bytes / 1024**3:.1f} GB free on the project's disk"
    if free_bytes >= LITTLE_SPACE:
        return Finding("disk", "ok", message)
    status: Literal["warn", "fail"] = "fail" if free_bytes < TOO_LITTLE_SPACE else "warn"
    return Finding(
        "disk", status, message, "Make room: loads are written to disk before they reach the warehouse."
    )


def check_extras(project: Project) -> Iterator[Finding]:
    """The optional packages, and whether this environment needs them."""
    destination = project.manifest.destinations[project.environment.destination]
    for extra, package in (
        ("postgres", "dbt-postgres"),
        ("bigquery", "dbt-bigquery"),
        ("dashboard", "marimo"),
    ):
        version, hint = _installed_version(package), f"pip install 'pipeline-cli[{extra}]'"
        if version:
            yield Finding("extras", "ok", f"[{extra}] is installed ({package} {version})")
        elif destination.type == extra:
            yield Finding("extras", "fail", f"[{extra}] is needed in '{project.environment_name}'", hint)
        else:
            yield Finding("extras", "ok", f"[{extra}] is not installed, and not needed here", hint)


def check_destination(project: Project) -> Finding:
    """Whether the environment's destination answers and can be written."""
    try:
        with opened_warehouse(project) as warehouse:
            warehouse.check()
    except PipelineCliError as error:
        return Finding("destination", "fail", error.message, error.hint)
    except ImportError as error:
        return Finding(
            "destination", "fail", f"{error.name} is not installed", "pip install 'pipeline-cli[postgres]'"
        )
    # Whether BigQuery lets us make datasets shows only when one is made.
    can = "answers" if warehouse.type == "bigquery" else "can be written"
    return Finding("destination", "ok", f"{warehouse.type} at {describe_location(project)} {can}")


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
