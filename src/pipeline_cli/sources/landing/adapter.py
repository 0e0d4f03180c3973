"""Requests whose answers have landed are answered from there; the others go on to the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from pipeline_cli.sources.answers import check_origin, check_response
from pipeline_cli.sources.http_limits import HttpLimits
from pipeline_cli.sources.landing.answers import Answer
from pipeline_cli.sources.landing.landing import Landing


class LandingAdapter(HTTPAdapter):
    """In front of the adapter that asks the API."""

    def __init__(self, landing: Landing, network: HTTPAdapter, limits: HttpLimits) -> None:
        super().__init__()
        self._landing = landing
        self._network = network
        self._limits = limits

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises SourceError when the answer is not data, wherever it comes from."""
        check_origin(request, self._limits)
        landed = self._landing.find(request)
        if landed is None:
            return self._network.send(request, stream, timeout, verify, cert, proxies)
        return check_response(_respond(request, landed), self._limits)

    def close(self) -> None:
        self._network.close()


def is_landed(response: requests.Response) -> bool:
    """Whether a response came from a landing, and not over the network."""
    return response.reason == _REASON


_REASON = "Landed"


def _respond(request: requests.PreparedRequest, landed: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.reason = _REASON
    response.headers.update(landed.headers)
    response._content = landed.body
    response._content_consumed = True  # type: ignore[attr-defined]
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
