"""From a manifest entry to a dlt source, on the network or on its recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.auth import ApiKeyAuth, OAuth2Auth
from pipeline_cli.manifest.sources import PythonSource, RestApiSource
from pipeline_cli.project import Project
from pipeline_cli.sources.api_session import Scope, opened, uses_api_session

if TYPE_CHECKING:
    from dlt.extract import DltSource
    from dlt.sources.helpers.rest_client.client import RESTClient
    from requests.adapters import HTTPAdapter

    from pipeline_cli.sources.decoding import Decoding
    from pipeline_cli.sources.http import CheckedSession
    from pipeline_cli.sources.http_limits import HttpLimits
    from pipeline_cli.sources.landing.landing import Landing
    from pipeline_cli.sources.scan import ColumnSource

# Sources whose records are read as columns: the function that opens one.
_COLUMN_SOURCES = {
    "filesystem": "pipeline_cli.sources.files:open_files",
    "faker": "pipeline_cli.sources.faker:open_faker",
    "sql_database": "pipeline_cli.sources.sql_database:open_database",
}


def is_column_source(entry: Any) -> bool:
    """Whether an entry's records are read as columns (sources/scan.py) rather than one by one."""
    return entry.type in _COLUMN_SOURCES


def may_go_by_column(entry: Any, destination_type: str) -> bool:
    """Whether pages of records are loaded by column (nested/) where the records allow it."""
    return isinstance(entry, RestApiSource) and destination_type in ("duckdb", "postgres")


def open_columns(project: Project, name: str) -> ColumnSource:
    """The source of an entry that is read as columns; nothing is read yet."""
    module, _, attribute = _COLUMN_SOURCES[project.manifest.sources[name].type].partition(":")
    opener: Callable[[Project, str], ColumnSource] = getattr(import_module(module), attribute)
    return opener(project, name)


@contextmanager
def open_source(
    project: Project,
    name: str,
    *,
    network: bool = False,
    base_urls: list[str] | None = None,
    cancelled: Event | None = None,
    landing: Landing | None = None,
    decoding: Mapping[str, Decoding] | None = None,
) -> Iterator[DltSource]:
    """The dlt source of an entry; inside, its HTTP requests are checked, and replayed where the environment says so.

    network: go to the network even in an environment with `replay: true` (for `record`).
    base_urls: gets the addresses of a Python source's API, when it opens its session.
    cancelled: ends the waits between two tries.
    landing: of a rest_api source: keeps its answers, and gives again those that landed before.
    decoding: of a rest_api source's resources: how their answers are decoded.
    """
    from pipeline_cli.sources.http_limits import sleep_unless
    from pipeline_cli.sources.read_ahead import ReadAhead
    from pipeline_cli.sources.recordings import recording_path

    entry = project.manifest.sources[name]
    replay = project.environment.replay and not network
    closed = Event()
    sleep = sleep_unless(cancelled or Event(), closed)
    if isinstance(entry, RestApiSource):
        from pipeline_cli.sources.rest_api import build_rest_source

        session = _open_session(project, name, entry, replay, sleep, landing)
        if landing is not None:  # records are wanted to the last
            session.ahead = ReadAhead(session, read_ahead_width(entry), sleep)
        try:
            yield build_rest_source(name, entry, session, landing, decoding)
        finally:
            closed.set()  # for what was read ahead and is not wanted any more
        return
    assert isinstance(entry, PythonSource)
    recording = recording_path(project.root, name) if replay else None
    scope = Scope(name, recording, sleep, [] if base_urls is None else base_urls)
    with _open_python(project, entry, scope) as source:
        yield source


@contextmanager
def _open_python(project: Project, entry: PythonSource, scope: Scope) -> Iterator[DltSource]:
    from pipeline_cli.sources.python_source import build_python_source, load_module
    from pipeline_cli.sources.recordings import replayed_globally

    with opened(scope):
        module = load_module(project.root / entry.path, entry.path)
        patch: AbstractContextManager[None] = nullcontext()
        if scope.recording is not None and not uses_api_session(module):
            patch = replayed_globally(scope.recording, scope.source)
        with patch:
            yield build_python_source(scope.source, entry, module)


def open_client(project: Project, name: str, *, network: bool = False) -> RESTClient:
    """dlt's REST client of a rest_api entry, for single requests beside its resources."""
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.rest_api.config_setup import create_auth

    from pipeline_cli.sources.rest_api import client_auth

    entry = project.manifest.sources[name]
    session = _open_session(project, name, entry, project.environment.replay and not network)
    auth = create_auth(client_auth(entry.client.auth, session)) if entry.client.auth else None
    return RESTClient(entry.client.base_url, dict(entry.client.headers), auth, session=session)


def _open_session(
    project: Project,
    name: str,
    entry: RestApiSource,
    replay: bool,
    sleep: Callable[[float], None] = time.sleep,
    landing: Landing | None = None,
) -> CheckedSession:
    from pipeline_cli.sources.http import CheckedAdapter, open_session
    from pipeline_cli.sources.landing.adapter import LandingAdapter
    from pipeline_cli.sources.recordings import ReplayAdapter, recording_path
    from pipeline_cli.sources.rest_api import incremental_names

    limits = replace(http_limits(entry), sleep=sleep)
    adapter: HTTPAdapter = CheckedAdapter(limits)
    if landing is not None:
        adapter = LandingAdapter(landing, adapter, limits)
    if replay:
        file = recording_path(project.root, name)
        varying = incremental_names(entry) | secret_parameters(entry)
        adapter = ReplayAdapter(file, name, entry.client.base_url, limits, varying)
    return open_session(limits, adapter)


def http_limits(entry: RestApiSource) -> HttpLimits:
    """The bounds of a rest_api entry's requests: its own origin, those it allows, and where it gets tokens."""
    from pipeline_cli.sources.http_limits import HttpLimits, origin_of
    from pipeline_cli.sources.pace import Pace

    client = entry.client
    origins = {origin_of(url) for url in (client.base_url, *client.allowed_origins)}
    if isinstance(client.auth, OAuth2Auth):
        origins.add(origin_of(client.auth.access_token_url))
    limit = client.rate_limit
    rate = (limit.requests, limit.per.total_seconds()) if limit else None
    return HttpLimits(
        origins=frozenset(origins),
        request_timeout_s=client.request_timeout.total_seconds(),
        retry_timeout_s=client.retry_timeout.total_seconds(),
        max_retries=client.max_retries,
        max_response_bytes=client.max_response_bytes,
        error_keys=client.error_keys,
        pace=Pace(_connections(entry), rate, client.retry_timeout.total_seconds()),
    )


def _connections(entry: RestApiSource) -> int:
    """How many requests may be under way: one, unless the source is read side by side."""
    return entry.max_parallel if entry.parallel else 1


def read_ahead_width(entry: RestApiSource) -> int:
    """How many pages are read ahead: as many as there are connections, and one that waits to be worked on."""
    return _connections(entry) + 1


def secret_parameters(entry: Any) -> frozenset[str]:
    """Query parameters that hold a key; they are neither recorded nor matched."""
    auth = entry.client.auth if isinstance(entry, RestApiSource) else None
    if isinstance(auth, ApiKeyAuth) and auth.location in ("query", "param"):
        return frozenset((auth.name,))
    return frozenset()


def record_source(project: Project, name: str) -> list[Path]:
    """Read a source from the network once, whole, and write its recording. Returns the files written.

    Nothing is loaded, and no cursor moves. Raises SourceError.
    """
    from pipeline_cli.sources.recordings import recorded, recording_path

    entry = project.manifest.sources[name]
    if is_column_source(entry):
        raise UsageError(
            f"{name} is a {entry.type} source; only what is asked over HTTP can be recorded.", code="E011"
        )
    base_urls = [entry.client.base_url.rstrip("/")] if isinstance(entry, RestApiSource) else []
    file = recording_path(project.root, name)
    with (
        recorded(file, base_urls, secret_parameters(entry), project.secrets),
        open_source(project, name, network=True, base_urls=base_urls) as source,
    ):
        for _ in source:
            pass
        if isinstance(entry, RestApiSource):
            client = open_client(project, name, network=True)
            for resource in entry.resources.values():
                if resource.expected_count:
                    client.get(resource.expected_count.path)
    return [file]
