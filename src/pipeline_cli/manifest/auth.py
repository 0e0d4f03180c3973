"""How a rest_api client proves who it is: dlt's types and keys."""

from collections.abc import Mapping
from typing import Any, Literal

from pipeline_cli.manifest.models import entry, key


@entry
class BearerAuth:
    type: Literal["bearer"]
    token: str = key("The token of the Authorization header.", secret=True)


@entry
class ApiKeyAuth:
    type: Literal["api_key"]
    api_key: str = key("The key.", secret=True)
    name: str = key("The header's, parameter's or cookie's name.", default="Authorization")
    location: Literal["header", "query", "param", "cookie"] = key("Where the key goes.", default="header")


@entry
class BasicAuth:
    type: Literal["http_basic"]
    username: str = key("The user.")
    password: str = key("The password.", secret=True)


@entry
class OAuth2Auth:
    type: Literal["oauth2_client_credentials"]
    access_token_url: str = key("Where tokens are given out.", url=True)
    client_id: str = key("The client.")
    client_secret: str = key("The client's secret.", secret=True)
    access_token_request_data: Mapping[str, Any] = key("More form fields of the token request.", default={})
    default_token_expiration: int = key("Seconds a token lasts where the server does not say.", default=3600)


Auth = BearerAuth | ApiKeyAuth | BasicAuth | OAuth2Auth
