"""The profiles.yml beside a project's dbt_project.yml, so that the plain `dbt` finds the same database.

It holds no secret and no path of this machine: passwords are variables, a DuckDB file stands relative to the
project. Outputs of other environments stay, so that `dbt build --target prod` works once prod has run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline_cli.errors import TransformError
from pipeline_cli.transforms.base import TransformRequest

_HEADER = "# Written by pipeline-cli from pipelines.yaml; changes are overwritten.\n"


def write_profile(folder: Path, request: TransformRequest) -> None:
    """Bring the project's profiles.yml up to date; it is touched only when its text changes (dbt parses anew).

    Raises TransformError when there is one that we did not write, or dbt_project.yml names no profile.
    """
    path = folder / "profiles.yml"
    name = _profile_name(folder, request)
    outputs = _other_outputs(path, name, request)
    output = {**request.warehouse.dbt_output(folder), "schema": f"gold_{request.pipeline}"}
    outputs[request.project.loads_environment] = output
    default = request.project.manifest.default_environment
    profile = {
        "target": f"{{{{ env_var('PIPELINE_CLI_ENV', '{default}') }}}}",
        "outputs": dict(sorted(outputs.items())),
    }
    text = _HEADER + yaml.safe_dump({name: profile}, sort_keys=False, width=120)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _profile_name(folder: Path, request: TransformRequest) -> str:
    place = f"{request.transform.path}/dbt_project.yml"
    try:
        project = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TransformError(
            f"{place} is no YAML: {' '.join(str(error).split())[:200]}", code="E332"
        ) from error
    name = project.get("profile") if isinstance(project, dict) else None
    if not isinstance(name, str) or not name:
        raise TransformError(
            f"{place} names no profile", code="E332", hint=f"Add to it: profile: {request.name}"
        )
    return name


def _other_outputs(path: Path, name: str, request: TransformRequest) -> dict[str, Any]:
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    if not text.startswith(_HEADER):
        raise TransformError(
            f"{request.transform.path}/profiles.yml was not written by pipeline-cli",
            code="E333",
            hint="Move it away: the destinations of pipelines.yaml make this file.",
        )
    profile = (yaml.safe_load(text) or {}).get(name) or {}
    known = request.project.manifest.environments
    return {target: output for target, output in profile.get("outputs", {}).items() if target in known}
