"""What every verb takes: --env, --project, --json and --quiet, before the verb or after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline_cli.errors import UsageError

if TYPE_CHECKING:
    from pipeline_cli.manifest.reader import Reading
    from pipeline_cli.project import Project

MANIFEST_NAME = "pipelines.yaml"

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


@dataclass(slots=True)
class Settings:
    """The common options of one call, and what was read on their account."""

    environment: str | None = None
    project_dir: Path | None = None
    json: bool = False
    quiet: bool = False
    command: str = "pipeline-cli"
    root: Path | None = None  # known once the project was looked for; a bug's log goes there
    secrets: frozenset[str] = field(default_factory=frozenset)
    command_option: str = ""  # " --env prod" once another environment than the default one is read

    def find_root(self) -> Path:
        """The folder of pipelines.yaml: --project, or the nearest from here upwards. Raises UsageError."""
        self.root = find_root(self.project_dir)
        return self.root

    def read_manifest(
        self,
        *,
        pipelines: Collection[str] | None = None,
        sources: Collection[str] | None = None,
        destinations: Collection[str] = (),
        network: bool = False,
        lenient: bool = False,
    ) -> Reading:
        """Read and check the manifest for the wanted environment. Raises ManifestError, UsageError.

        pipelines, sources: what will be used; variables that only others need may be missing. By default all.
        destinations, network, lenient: as of the reader.
        """
        from pipeline_cli.manifest.reader import read_manifest

        reading = read_manifest(
            self.find_root(),
            os.environ,
            self.environment,
            pipelines=pipelines,
            sources=sources,
            destinations=destinations,
            network=network,
            lenient=lenient,
        )
        self.secrets = frozenset(reading.secrets)
        return reading

    def open_project(
        self,
        *,
        pipelines: Collection[str] | None = None,
        sources: Collection[str] | None = None,
        destinations: Collection[str] = (),
        network: bool = False,
    ) -> Project:
        """The project, bound to the wanted environment; arguments and errors as of `read_manifest`."""
        from pipeline_cli.logs import mask_warnings
        from pipeline_cli.project import Project

        reading = self.read_manifest(
            pipelines=pipelines, sources=sources, destinations=destinations, network=network
        )
        project = Project(
            self.find_root(), reading.manifest, reading.environment, self.secrets, reading.missing
        )
        self.command_option = project.command_option
        mask_warnings(self.secrets)
        return project


def find_root(start: Path | None) -> Path:
    """The folder that holds pipelines.yaml: `start` itself, or the nearest above the working directory.

    Raises UsageError when there is none.
    """
    if start is not None:
        if (start / MANIFEST_NAME).is_file():
            return start.resolve()
        raise UsageError(
            f"There is no {MANIFEST_NAME} in {start}.",
            hint="--project takes the folder that holds pipelines.yaml.",
        )
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MANIFEST_NAME).is_file():
            return folder
    raise UsageError(
        f"There is no {MANIFEST_NAME} in {here} or above it.",
        hint="Go to a project's folder, or make one: pipeline-cli init shop && cd shop",
    )


def _remember(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A callback that keeps an option in Settings; an option that was not given changes nothing."""

    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.ensure_object(Settings), attribute, value)

    return callback


def _start_json(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """From here on nothing but the document may reach stdout."""
    if wanted and not context.resilient_parsing:
        from pipeline_cli.cli.output import keep_stdout_for_the_document

        context.ensure_object(Settings).json = True
        keep_stdout_for_the_document()


_COMMON = (
    click.option(
        "--env",
        metavar="NAME",
        expose_value=False,
        callback=_remember("environment"),
        help="The environment; by default the manifest's default_environment.",
    ),
    click.option(
        "--project",
        metavar="DIR",
        expose_value=False,
        type=click.Path(file_okay=False, path_type=Path),
        callback=_remember("project_dir"),
        help="The project's folder; by default the nearest upwards with pipelines.yaml.",
    ),
    click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_start_json,
        help="Print one JSON document on stdout; everything else goes to stderr.",
    ),
    click.option(
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_remember("quiet"),
        help="Print results and errors only.",
    ),
)


def common_options(function: AnyFunction) -> AnyFunction:
    """Add the common options to a verb; their values are in the Settings that `click.pass_obj` gives."""
    for option in reversed(_COMMON):
        function = option(function)
    return function
