"""Small manifests for the tests: a base that is right, and one change to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from pipeline_cli.errors import ManifestError, Mistake
from pipeline_cli.manifest.reader import Reading, read_manifest

HEAD = """\
version: 1
name: shop
default_environment: dev
environments:
  dev: {destination: duck}
  quiet: {destination: duck, replay: true}
  prod: {destination: pg}
destinations:
  duck: {type: duckdb}
  pg: {type: postgres, credentials: "${env:POSTGRES_URL}"}
"""
TAIL = "pipelines:\n  all: {}\n"


def write(root: Path, manifest: str, files: Mapping[str, str] | None = None) -> Path:
    """A project folder with this pipelines.yaml and these files (path to text)."""
    for name, text in {"pipelines.yaml": manifest, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text) if name != "pipelines.yaml" else text, encoding="utf-8")
    return root


def read(root: Path, body: str = "", environment: str | None = None, **variables: str) -> Reading:
    """Read HEAD + body + TAIL as the manifest; keyword arguments are the environment's variables."""
    write(root, HEAD + dedent(body) + TAIL)
    return read_manifest(root, variables, environment)


def mistakes(root: Path, body: str = "", environment: str | None = None, **variables: str) -> list[Mistake]:
    """The mistakes of HEAD + body + TAIL."""
    write(root, HEAD + dedent(body) + TAIL)
    return mistakes_of(root, environment, **variables)


def mistakes_of(root: Path, environment: str | None = None, **variables: str) -> list[Mistake]:
    with pytest.raises(ManifestError) as caught:
        read_manifest(root, variables, environment)
    return list(caught.value.mistakes)


def only(found: list[Mistake]) -> Mistake:
    assert len(found) == 1, [(mistake.code, mistake.line, mistake.message) for mistake in found]
    return found[0]


def resource(keys: str, *, client: str = "") -> str:
    """A rest_api source `api` with one resource `items` that has these keys (flow style)."""
    client_keys = f'{{base_url: "https://api.example.com"{", " + client if client else ""}}}'
    return f"sources:\n  api:\n    type: rest_api\n    client: {client_keys}\n    resources:\n      items: {keys}\n"
