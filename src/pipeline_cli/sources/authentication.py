"""Authentication of dlt's REST client, with what dlt leaves out: cookies, and a token answer without a token."""

from __future__ import annotations

from typing import Any

import requests
from dlt.common.configuration.specs import configspec
from dlt.sources.helpers.rest_client.auth import APIKeyAuth, OAuth2ClientCredentials
from requests import PreparedRequest

from pipeline_cli.errors import SourceError


@configspec
class CookieAuth(APIKeyAuth):
    """An API key in a cookie."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        others = request.headers.get("Cookie")
        own = f"{self.name}={self.api_key}"
        request.headers["Cookie"] = f"{others}; {own}" if others else own
        return request


@configspec
class CheckedOAuth(OAuth2ClientCredentials):
    """Client credentials; an answer without a token is an error, not the token "None"."""

    def parse_access_token(self, response_json: Any) -> str:
        token = response_json.get("access_token") if isinstance(response_json, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceError(
                f"POST {self.access_token_url.partition('?')[0]} answered without an access_token.",
                code="E312",
                hint="Check client.auth: access_token_url, client_id and client_secret.",
            )
        return token

    def parse_expiration_in_seconds(self, response_json: Any) -> int:
        try:
            return int(response_json.get("expires_in", self.default_token_expiration))
        except (TypeError, ValueError):
            return self.default_token_expiration


def build_auth(settings: dict[str, Any], session: requests.Session) -> Any:
    """What dlt's REST config takes as `auth`. settings: the entry's fields; session: tokens are fetched by it."""
    kind = settings["type"]
    options = {key: value for key, value in settings.items() if key != "type"}
    if kind == "oauth2_client_credentials":
        return CheckedOAuth(**options, session=session)
    if settings.get("location") == "cookie":
        return CookieAuth(**options)
    if settings.get("location") == "query":
        return {**settings, "location": "param"}  # dlt's word
    return settings
