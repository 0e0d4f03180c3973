"""One POST of JSON, to the address that the manifest names and to no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline_cli.plugins.channels.answers import Answer, NotDelivered

_AGAIN = (408, 425, 429)
_LONGEST_ANSWER = 2_000  # bytes that are read of an answer
_SHOWN = 200
_MOST_RETRY_AFTER_S = 86_400.0


def post_json(url: str, body: Any, timeout_s: float, headers: Mapping[str, str] | None = None) -> Answer:
    """Post `body` as JSON. Redirects are not followed, certificates are checked, .netrc is not read.

    Raises NotDelivered for everything but a 2xx; it names the host alone, for the address may be a secret.
    """
    host = urlsplit(url).hostname or "the address"
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "pipeline-cli",
        **(headers or {}),
    }
    try:
        with requests.post(
            url,
            data=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers=sent,
            timeout=max(timeout_s, 0.05),
            allow_redirects=False,
            stream=True,
            auth=_leave_alone,
        ) as response:
            text = next(response.iter_content(_LONGEST_ANSWER), b"").decode("utf-8", "replace")
            return _judge(response, text, host)
    except requests.exceptions.SSLError as error:
        raise NotDelivered(f"{host}: its certificate is refused: {_innermost(error)}", again=False) from None
    except requests.Timeout:
        raise NotDelivered(f"{host} did not answer within {timeout_s:.3g} s", again=True) from None
    except requests.ConnectionError as error:
        raise NotDelivered(f"{host} cannot be reached: {_innermost(error)}", again=True) from None
    except (requests.RequestException, ValueError) as error:
        raise NotDelivered(f"{host}: {type(error).__name__}", again=False) from None


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _judge(response: requests.Response, text: str, host: str) -> Answer:
    shown = " ".join(text.split())[:_SHOWN]
    said = f"{response.status_code} {shown}".strip()
    if 200 <= response.status_code < 300:
        return Answer(said)
    again = response.status_code in _AGAIN or response.status_code >= 500
    wait_s = _retry_after(response.headers.get("Retry-After"))
    raise NotDelivered(f"{host} answered {said}", again=again, retry_after_s=wait_s)


def _retry_after(value: str | None) -> float | None:
    """Seconds, at most a day, of the header's number or date."""
    if not value:
        return None
    try:
        seconds = (
            float(value)
            if value.strip().isdigit()
            else (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER_S)


def _innermost(error: BaseException) -> str:
    """The reason at the bottom of urllib3's chain, without the address."""
    found: BaseException = error
    for _ in range(8):
        inner = getattr(found, "reason", None) or found.__cause__ or found.__context__
        if not isinstance(inner, BaseException):
            break
        found = inner
    text = getattr(found, "strerror", None) or str(found)
    return str(text).rpartition(": ")[2][:_SHOWN] or type(found).__name__
