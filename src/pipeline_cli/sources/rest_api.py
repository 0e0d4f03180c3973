"""`type: rest_api`: our entry becomes dlt's declarative REST source, with every request checked."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline_cli.manifest.auth import Auth
from pipeline_cli.manifest.paginators import Paginator
from pipeline_cli.manifest.sources import Endpoint, Incremental, RestApiSource, RestResource

if TYPE_CHECKING:
    import requests
    from dlt.extract import DltResource, DltSource

    from pipeline_cli.sources.decoding import Decoding
    from pipeline_cli.sources.http import CheckedSession
    from pipeline_cli.sources.landing.landing import Landing
    from pipeline_cli.sources.read_ahead import ReadAhead

_INCREMENTAL = re.compile(r"\{incremental\.")
_DATE_ONLY = re.compile(r"\d{4}-?\d{2}-?\d{2}")


def build_rest_source(
    name: str,
    entry: RestApiSource,
    session: CheckedSession,
    landing: Landing | None = None,
    decoding: Mapping[str, Decoding] | None = None,
) -> DltSource:
    """The dlt source of a rest_api entry.

    session: from `open_session`, so that tokens, pages and redirects are all checked; what it reads ahead is told
    by the resources. landing: keeps each page. decoding: of each resource.
    """
    from dlt.sources.rest_api import rest_api_source

    from pipeline_cli.sources.jsonpaths import remember_paths

    remember_paths()
    client: dict[str, Any] = {
        "base_url": entry.client.base_url,
        "headers": dict(entry.client.headers),
        "session": session,
    }
    if entry.client.auth:
        client["auth"] = client_auth(entry.client.auth, session)
    resources = [
        _resource(key, resource, entry, landing, session.ahead, (decoding or {}).get(key))
        for key, resource in entry.resources.items()
    ]
    config: dict[str, Any] = {"client": client, "resources": resources}
    source = rest_api_source(config, name=name)  # type: ignore[arg-type]
    for resource in source.resources.values():
        if resource._pipe.parent is not None:
            _expect_dependents(resource, session.ahead)
        elif entry.parallel:  # not dependents: dlt would mix their records
            resource.parallelize()
    return source


def _expect_dependents(resource: DltResource, ahead: ReadAhead | None) -> None:
    from pipeline_cli.sources.dependents_ahead import ExpectDependents

    if ahead is not None:
        resource.add_step(ExpectDependents(resource.explicit_args, ahead), insert_at=0)


def incremental_names(entry: RestApiSource) -> frozenset[str]:
    """Names of parameters and body fields that carry the cursor: they differ from run to run."""
    names: set[str] = set()
    for resource in entry.resources.values():
        endpoint = endpoint_of("", resource)
        for values in (endpoint.params, endpoint.json):
            names.update(key for key, value in values.items() if _INCREMENTAL.search(str(value)))
        if resource.incremental:
            names.update(filter(None, (resource.incremental.start_param, resource.incremental.end_param)))
    return frozenset(names)


def endpoint_of(name: str, resource: RestResource) -> Endpoint:
    """A resource's endpoint in its long form; without one, the path is the resource's name."""
    if isinstance(resource.endpoint, Endpoint):
        return resource.endpoint
    return Endpoint(path=resource.endpoint or name)


def _resource(
    name: str,
    resource: RestResource,
    entry: RestApiSource,
    landing: Landing | None,
    ahead: ReadAhead | None,
    decoding: Decoding | None,
) -> dict[str, Any]:
    from dlt.sources.rest_api.config_setup import create_paginator

    from pipeline_cli.sources.answer_hooks import answer_hooks
    from pipeline_cli.sources.decoding import reads_records
    from pipeline_cli.sources.pagination import Reading, WatchedPaginator

    endpoint = endpoint_of(name, resource)
    paginator = endpoint.paginator or entry.client.paginator
    hooks = [*answer_hooks(name, endpoint.data_selector, landing)]
    if decoding is not None and not reads_records(paginator, endpoint.data_selector):
        decoding.is_sent, decoding.selector = True, endpoint.data_selector
        hooks.append(decoding)
    settings: Any = _plain(paginator) if paginator else None
    inner = create_paginator(settings) if settings else None
    reading = Reading(
        resource=name,
        timeout_s=entry.client.resource_timeout.total_seconds(),
        selector=endpoint.data_selector,
        hooks=hooks,
        ahead=ahead,
    )
    config: dict[str, Any] = {
        "path": endpoint.path,
        "method": endpoint.method,
        "params": _thaw(endpoint.params),
        "paginator": WatchedPaginator(inner, reading),
    }
    if endpoint.json:
        config["json"] = _thaw(endpoint.json)
    if endpoint.headers:
        config["headers"] = dict(endpoint.headers)
    if endpoint.data_selector:
        config["data_selector"] = endpoint.data_selector
    if resource.incremental:
        config["incremental"] = incremental_config(resource.incremental, resource.write_disposition)
    built: dict[str, Any] = {"name": name, "endpoint": config}
    if resource.include_from_parent:
        built["include_from_parent"] = list(resource.include_from_parent)
    return built


def incremental_config(incremental: Incremental, disposition: str) -> dict[str, Any]:
    """dlt's incremental arguments. Records without a cursor value pass: the gate has judged them before."""
    config: dict[str, Any] = {"cursor_path": incremental.cursor_path, "on_cursor_value_missing": "include"}
    if disposition in ("merge", "scd2"):
        # dlt drops a record with the last run's cursor and key, though it may have changed; we compare contents.
        config["primary_key"] = []
    for key in ("initial_value", "end_value", "start_param", "end_param"):
        if (value := getattr(incremental, key)) is not None:
            config[key] = value
    if incremental.lag is not None:
        config["lag"] = _lag(incremental.lag, incremental.initial_value)
    return config


def _lag(lag: timedelta | int | float, initial_value: Any) -> float:
    """dlt's unit: days where the cursor is a date, seconds where it is a time, else the cursor's own."""
    if not isinstance(lag, timedelta):
        return lag
    if isinstance(initial_value, str) and _DATE_ONLY.fullmatch(initial_value):
        return math.ceil(lag / timedelta(days=1))
    return lag.total_seconds()


def client_auth(auth: Auth, session: requests.Session) -> Any:
    """dlt's authentication for an auth entry; tokens are fetched through the same checked session."""
    from pipeline_cli.sources.authentication import build_auth

    return build_auth(_plain(auth), session)


def _plain(entry: Auth | Paginator) -> dict[str, Any]:
    settings = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    return {key: _thaw(value) for key, value in settings.items() if value is not None or key == "total_path"}


def _thaw(value: Any) -> Any:
    """Plain dicts and lists: dlt copies and changes what it is given."""
    if isinstance(value, Mapping):
        return {key: _thaw(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_thaw(each) for each in value]
    return value
