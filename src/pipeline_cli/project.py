"""The project on disk: its root, its manifest, and where an environment keeps its state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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

    def resolve(self, path: str) -> Path:
        """A path of the manifest: relative ones start at the project's root."""
        return self.root / path


def in_environment(text: str, option: str) -> str:
    """A hint whose commands carry `option` (Project.command_option); those that say --env are left alone."""
    return _COMMAND.sub(lambda match: match[0] + option, text) if option else text
