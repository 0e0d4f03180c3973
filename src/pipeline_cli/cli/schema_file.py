"""The JSON Schema that editors use, kept fresh in .pipeline/."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from pipeline_cli import manifest

SCHEMA_FILE = Path(".pipeline") / "manifest.schema.json"


def refresh_schema_file(root: Path) -> None:
    """Write .pipeline/manifest.schema.json below `root` where it is missing or old.

    A project that cannot be written says so elsewhere, with a better message.
    """
    path = root / SCHEMA_FILE
    with suppress(OSError):
        if not _is_younger(path):
            from pipeline_cli.manifest.schema import manifest_schema

            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(manifest_schema(), indent=2) + "\n", encoding="utf-8")


def _is_younger(path: Path) -> bool:
    """Whether the file was written after the code that it follows from was installed: making it costs 50 ms."""
    code = Path(manifest.__file__ or "").parent
    return path.is_file() and path.stat().st_mtime > max(file.stat().st_mtime for file in code.glob("*.py"))
