"""A hash of everything that a transform's models are made of, apart from the data."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_cli.manifest.models import Transform

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse

# What engines write themselves. Names beginning with a dot (.cache, .user.yml) are left out too.
GENERATED = frozenset(
    {"target", "logs", "dbt_packages", "__pycache__", "external_models.yaml", "profiles.yml"}
)
PACKAGES = {
    "sqlmesh": ("pipeline-cli", "sqlmesh", "sqlglot"),
    "dbt": ("pipeline-cli", "dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-postgres", "dbt-bigquery"),
}
# Variables of the environment that models read: their values are part of what the models are.
_ENV_VAR = re.compile(rb"""(?:env_var\(|getenv\(|environ\[|environ\.get\()\s*['"](\w+)['"]""")


def take_fingerprint(folder: Path, transform: Transform, warehouse: Warehouse) -> str:
    """SHA-256 over the transform's files, variables, engine versions, and the warehouse it is built in."""
    digest = hashlib.sha256()
    _add_code(digest, folder)
    _add(digest, transform.engine, json.dumps(dict(transform.variables), sort_keys=True, default=str))
    _add(digest, warehouse.type, warehouse.location)
    for package in PACKAGES[transform.engine]:
        _add(digest, package, _version(package))
    return digest.hexdigest()


def hash_code(folder: Path) -> str:
    """SHA-256 over a transform's files, and the variables of the environment that they read."""
    digest = hashlib.sha256()
    _add_code(digest, folder)
    return digest.hexdigest()


def _add_code(digest: hashlib._Hash, folder: Path) -> None:
    names: set[str] = set()
    for path in _files(folder):
        content = path.read_bytes()
        names.update(match.decode() for match in _ENV_VAR.findall(content))
        _add(digest, str(path.relative_to(folder)), hashlib.sha256(content).hexdigest())
    for name in sorted(names):
        _add(digest, name, os.environ.get(name))


def _files(folder: Path) -> Iterator[Path]:
    """Every file that is the user's, in a fixed order."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_users(name))
        yield from (Path(parent, name) for name in sorted(files) if _is_users(name))


def _is_users(name: str) -> bool:
    return name not in GENERATED and not name.startswith(".")


def _add(digest: hashlib._Hash, *parts: str | None) -> None:
    # JSON keeps the parts apart: ("ab", "c") is not ("a", "bc").
    digest.update(json.dumps(parts).encode())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
