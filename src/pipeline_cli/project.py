"""The project on disk: its root, its manifest, and where an environment keeps its state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline_cli.manifest.environments import schema_suffix
from pipeline_cli.manifest.models import Environment, Manifest

MANIFEST_NAME = "pipelines.yaml"
# Commands that do something else in another environment. Not `record`, which is the same in all of them.
_COMMAND = re.compile(
    r"pipeline-cli (?:quarantine (?:list|show|replay)|state (?:list|show|set)|backfill|rollback|reconcile"
    r"|runs show|contract infer|run|plan|diff|apply|restore|retry|report|lineage|site|preview"
    r"|logs|show|doctor|schedule|monitor|alerts)\b(?!.* --env)"
)


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest, bound to a folder and one of its environments."""

    root: Path
    manifest: Manifest
    environment_name: str
    # The values of secret keys, for masking; never shown by repr.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    # Variables that are not set and not needed here, by entry: {"plugins.email": ("SMTP_URL",)}.
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        return self.manifest.environments[self.environment_name]

    @property
    def is_copy(self) -> bool:
        """Whether this environment reads what another one loads, and builds only models that are different."""
        return self.environment.copy_of is not None

    @property
    def loads_environment(self) -> str:
        """The environment whose loads this one reads: itself, or what it is a copy of."""
        return self.environment.copy_of or self.environment_name

    @property
    def copies(self) -> list[str]:
        """The environments that are copies of the one whose loads this one reads, itself included where it is one."""
        environments = self.manifest.environments
        return [name for name, each in environments.items() if each.copy_of == self.loads_environment]

    def bound_to(self, environment_name: str) -> Project:
        """The same in another environment, with the variables and schedules of this one."""
        return replace(self, environment_name=environment_name)

    def model_schema(self, schema: str) -> str:
        """Where the tables of a schema stand in this environment: in a copy, models' have its name behind theirs."""
        is_own = self.is_copy and not schema.startswith("bronze_")
        return schema + schema_suffix(self.environment_name) if is_own else schema

    def plain_schema(self, schema: str) -> str:
        """The schema as models name it; what `model_schema` made of it."""
        return schema.removesuffix(schema_suffix(self.environment_name)) if self.is_copy else schema

    @property
    def command_option(self) -> str:
        """' --env prod', which the next command needs unless this is the default environment."""
        is_default = self.environment_name == self.manifest.default_environment
        return "" if is_default else f" --env {self.environment_name}"

    @property
    def pipeline_dir(self) -> Path:
        """Everything that we write: `.pipeline/`."""
        return self.root / ".pipeline"

    @property
    def state_dir(self) -> Path:
        """What belongs to one environment: dlt's working folders, SQLMesh's and dbt's files, DuckDB files."""
        return self.pipeline_dir / self.environment_name

    @property
    def loads_dir(self) -> Path:
        """Where loading keeps what it knows, and a DuckDB file stands: the original's `state_dir` for a copy."""
        return self.pipeline_dir / self.loads_environment

    def resolve(self, path: str) -> Path:
        """A path of the manifest: relative ones start at the project's root."""
        return self.root / path


def in_environment(text: str, option: str) -> str:
    """A hint whose commands carry `option` (Project.command_option); those that say --env are left alone."""
    return _COMMAND.sub(lambda match: match[0] + option, text) if option else text
