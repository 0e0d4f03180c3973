"""What OpenLineage calls jobs, runs and datasets: https://openlineage.io/docs/spec/naming."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.lineage.graph import Relation
from pipeline_cli.manifest.databases import SqlDatabaseSource
from pipeline_cli.manifest.files import FilesystemSource
from pipeline_cli.manifest.sources import RestApiSource
from pipeline_cli.project import Project

_RUNS = uuid.UUID("6f1f5d0e-6f3f-5b3e-9f0f-6d1c9c9f3a41")
_PORTS = {"postgres": 5432, "mysql": 3306}


def run_uuid(project: str, run_id: str, job: str) -> str:
    """The same for the same run of the same job, whenever it is told of."""
    return str(uuid.uuid5(_RUNS, f"{project}\n{run_id}\n{job}"))


def step_job(pipeline: str, step: str) -> str:
    return f"{pipeline}.{step}"


class DatasetNames:
    """(namespace, name) of tables, of what sources read, and of reports. jobs: the jobs' namespace."""

    def __init__(self, project: Project, warehouse: Warehouse, jobs: str) -> None:
        self._project = project
        self._jobs = jobs
        self._place = warehouse.lineage_place

    def find(self, relation: Relation) -> tuple[str, str]:
        if relation.kind == "source":
            return self._of_source(relation.owner, relation.name)
        if relation.kind == "report":
            page = self._project.state_dir / "reports" / relation.name / "latest" / f"{relation.name}.html"
            return "file", str(page.absolute())
        namespace, database = self._place
        return namespace, f"{database}.{relation.id}"

    def _of_source(self, source: str, resource: str) -> tuple[str, str]:
        entry = self._project.manifest.sources[source]
        found = None
        if isinstance(entry, RestApiSource):
            found = _of_api(entry, resource)
        elif isinstance(entry, FilesystemSource):
            found = self._of_files(entry, resource)
        elif isinstance(entry, SqlDatabaseSource):
            found = self._of_database(entry, resource)
        # Made by a Python file or by faker, or at an address that says nothing: ours is the only name it has.
        return found or (self._jobs, f"{source}.{resource}")

    def _of_files(self, entry: FilesystemSource, resource: str) -> tuple[str, str]:
        hints = entry.resources.get(resource)
        glob = (hints.file_glob if hints else None) or f"{resource}*"
        scheme, found, rest = entry.bucket_url.partition("://")
        if not found:
            return "file", str((self._project.resolve(entry.bucket_url) / glob).absolute())
        if scheme == "file":
            return "file", f"{rest.rstrip('/')}/{glob}"
        bucket, _, folder = rest.strip("/").partition("/")
        host = bucket.rpartition("@")[2]
        return f"{scheme}://{host}", f"{folder}/{glob}".lstrip("/")

    def _of_database(self, entry: SqlDatabaseSource, resource: str) -> tuple[str, str] | None:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import SQLAlchemyError

        try:
            url = make_url(entry.credentials.strip())
        except (SQLAlchemyError, ValueError):
            return None
        hints = entry.resources.get(resource)
        table = (hints.table if hints else None) or resource
        kind = url.get_backend_name().replace("postgresql", "postgres")
        if kind in ("sqlite", "duckdb"):
            path = self._project.resolve(url.database or "").absolute()
            return f"{kind}://{path}", ".".join(filter(None, (entry.schema, table)))
        port = url.port or _PORTS.get(kind)
        namespace = f"{kind}://{url.host or 'localhost'}{f':{port}' if port else ''}"
        schema = entry.schema or ("public" if kind == "postgres" else None)
        return namespace, ".".join(filter(None, (url.database, schema, table)))


def _of_api(entry: RestApiSource, resource: str) -> tuple[str, str] | None:
    """The API's address without user or password, and the path below it."""
    try:
        url = urlsplit(entry.client.base_url)
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return None
    if not url.hostname:
        return None
    endpoint: Any = entry.resources[resource].endpoint if resource in entry.resources else None
    path = endpoint if isinstance(endpoint, str) else endpoint.path if endpoint is not None else resource
    return f"{url.scheme}://{url.hostname}{port}", "/".join(
        part.strip("/") for part in (url.path, path) if part.strip("/")
    )
