"""The JSON Schema that editors use, kept fresh in .pipeline/."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from pipeline_cli.manifest.schema import manifest_schema

SCHEMA_FILE = Path(".pipeline") / "manifest.schema.json"


def refresh_schema_file(root: Path) -> None:
    """Write .pipeline/manifest.schema.json below `root` where it is missing or old.

    A project that cannot be written says so elsewhere, with a better message.
    """
    path = root / SCHEMA_FILE
    text = json.dumps(manifest_schema(), indent=2) + "\n"
    with suppress(OSError):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
