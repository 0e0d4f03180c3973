"""The project on disk: its root, its manifest, and where an environment keeps its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline_cli.manifest.models import Environment, Manifest

MANIFEST_NAME = "pipelines.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest, bound to a folder and one of its environments."""

    root: Path
    manifest: Manifest
    environment_name: str
    # The values of secret keys, for masking; never shown by repr.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def environment(self) -> Environment:
        return self.manifest.environments[self.environment_name]

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
