"""Recordings: an API's answers in a file of the project, so that a pipeline runs with no network at all.

The files are vcrpy cassettes (https://vcrpy.readthedocs.io), one a source, at `sources/<source>/recording.yaml`.
What is written is scrubbed: of headers only those in `_KEPT_HEADERS` stay, secrets are masked, credentials in the
query are dropped, and the source's own address is written as RECORDED_BASE.

Replay reads a cassette through a requests adapter and not through vcrpy's patch of http.client: that patch is
global to the process, and two sources that run side by side would take each other's answers.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.answers import check_origin, check_response
from pipeline_cli.sources.http_errors import describe
from pipeline_cli.sources.http_limits import HttpLimits

RECORDED_BASE = "http://recorded.invalid"
_KEPT_HEADERS = ("content-type", "link", "location", "retry-after")
_PATCH_LOCK = threading.Lock()
_MOMENTS = threading.RLock()  # in which vcrpy has the real classes in their place
# Next-links of some APIs bear the token that they were asked with, which need not be one that we know.
_TOKEN_IN_LINK = re.compile(r"((?:[?&]|\\u0026)access_token=)[^&\"'\s\\]+")


def recording_path(root: Path, source: str) -> Path:
    """Where the recording of a source stands: `sources/<source>/recording.yaml`."""
    return root / "sources" / source / "recording.yaml"


class ReplayAdapter(HTTPAdapter):
    """Answers requests from a cassette, by method, path, query and body; the network is never touched.

    varying: parameters that carry the incremental cursor. They differ from run to run, so they do not take part
    in the match: the recording is the API as it was, whatever is asked from when on.
    """

    def __init__(
        self, file: Path, source: str, base_url: str, limits: HttpLimits, varying: frozenset[str]
    ) -> None:
        super().__init__()
        self._source = source
        self._base_url = base_url.rstrip("/")
        self._limits = limits
        self._varying = varying
        self._answers = self._read(file)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Raises SourceError when the recording has no answer to this request."""
        check_origin(request, self._limits)
        url = _with_recorded_base(request.url or "", self._base_url)
        answer = self._answers.get(request_key(request.method or "GET", url, request.body, self._varying))
        if answer is None:
            raise SourceError(
                f"The recording of source {self._source} has no answer to {describe(request)}.",
                code="E319",
                hint=f"Run: pipeline-cli record {self._source}",
            )
        return check_response(self._respond(request, answer), self._limits)

    def _respond(self, request: requests.PreparedRequest, answer: Mapping[str, Any]) -> requests.Response:
        response = requests.Response()
        response.status_code = answer["status"]["code"]
        response.reason = answer["status"]["message"]
        for name, values in answer["headers"].items():
            value = values[0] if isinstance(values, list) else values
            response.headers[name] = value.replace(RECORDED_BASE, self._base_url)
        body = answer["body"]["string"]
        body = body if isinstance(body, bytes) else body.encode()
        response._content = body.replace(RECORDED_BASE.encode(), self._base_url.encode())
        response._content_consumed = True  # type: ignore[attr-defined]
        response.url = request.url or ""
        response.request = request
        response.encoding = "utf-8"
        return response

    def _read(self, file: Path) -> dict[str, Any]:
        if not file.is_file():
            raise SourceError(
                f"Source {self._source} has no recording to replay ({file.name} is missing beside its contracts).",
                code="E319",
                hint=f"Run: pipeline-cli record {self._source}, or use an environment without replay: true.",
            )
        asked, answers = _load(file, self._source)
        pairs = zip(asked, answers, strict=True)
        return {request_key(r.method, r.uri, r.body, self._varying): answer for r, answer in pairs}


def _load(file: Path, source: str) -> tuple[list[_Asked], list[dict[str, Any]]]:
    import yaml

    # Not by vcrpy, whose import costs more than a run with nothing new: it patches every HTTP client that there is.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        taped = yaml.load(file.read_bytes(), loader)["interactions"]  # noqa: S506 - a safe one
        return [_Asked(**each["request"]) for each in taped], [each["response"] for each in taped]
    except (yaml.YAMLError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The recording of source {source} cannot be read ({file.name}): {type(error).__name__}.",
            code="E319",
            hint=f"Restore the file, or run: pipeline-cli record {source}",
        ) from error


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as a cassette has it."""

    method: str
    uri: str
    body: Any
    headers: Any


def request_key(method: str, url: str, body: Any, varying: frozenset[str]) -> str:
    """What makes two requests the same one: method, path, query and JSON body without the varying names."""
    parts = urlsplit(url)
    query = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in varying)
    text = body.decode(errors="replace") if isinstance(body, bytes) else (body or "")
    try:
        document = _without(json.loads(text), varying) if text else ""
    except ValueError:
        document = "form"  # token requests: their fields are secrets, and scrubbed
    return json.dumps([method.upper(), parts.netloc, parts.path.rstrip("/"), query, document], sort_keys=True)


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, names) for key, each in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(each, names) for each in value]
    return value


def _with_recorded_base(url: str, *base_urls: str) -> str:
    found = next((base for base in base_urls if url.startswith(base)), None)
    return url if found is None else RECORDED_BASE + url[len(found) :]


@contextmanager
def recorded(
    file: Path, base_urls: Sequence[str], secret_parameters: frozenset[str], secrets: frozenset[str]
) -> Iterator[None]:
    """Everything asked over HTTP inside goes to the network and, scrubbed, into `file`, which is replaced.

    base_urls: the source's own addresses, without a slash at the end; looked at with each request.
    """
    import vcr

    scrub = _Scrubber(base_urls, secret_parameters, secrets)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".yaml.new")
    fresh.unlink(missing_ok=True)
    recorder = vcr.VCR(
        record_mode="all",
        decode_compressed_response=True,
        before_record_request=scrub.request,
        before_record_response=scrub.response,
    )
    with _PATCH_LOCK:
        try:
            with _patched(recorder.use_cassette(str(fresh))):
                yield
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    if not fresh.is_file():
        raise SourceError(
            "The source asked for nothing over HTTP, so there is nothing to record.", code="E319"
        )
    fresh.replace(file)


@contextmanager
def replayed_globally(file: Path, source: str) -> Iterator[None]:
    """For Python sources, which choose their own HTTP client: vcrpy's patch, one source at a time."""
    import vcr
    from vcr.errors import CannotOverwriteExistingCassetteException

    if not file.is_file():  # a source that asks nothing over HTTP needs no recording
        yield
        return
    player = vcr.VCR(record_mode="none", match_on=["method", "path", "query"])
    with _PATCH_LOCK, _patched(player.use_cassette(str(file), allow_playback_repeats=True)):
        try:
            yield
        except CannotOverwriteExistingCassetteException as error:
            raise SourceError(
                f"The recording of source {source} lacks an answer.",
                code="E319",
                hint="Run: pipeline-cli record",
            ) from error


@contextmanager
def _patched(cassette: AbstractContextManager[Any]) -> Iterator[None]:
    """vcrpy's patch, which is gone at the end whatever other threads do.

    To make a real connection vcrpy puts the real classes back for a moment, and then its own again. Where that moment
    of another thread outlasted the patch, every later request of the process was answered from this cassette: so these
    moments come one at a time, and the patch neither begins nor ends in one.
    """
    _let_moments_wait()
    with _MOMENTS:
        cassette.__enter__()
    try:
        yield
    finally:
        with _MOMENTS:
            cassette.__exit__(*sys.exc_info())


@cache
def _let_moments_wait() -> None:
    from vcr import patch

    force_reset = patch.force_reset

    @contextmanager
    def one_at_a_time() -> Iterator[None]:
        with _MOMENTS, force_reset():
            yield

    patch.force_reset = one_at_a_time


class _Scrubber:
    """What of a request and its answer may be written down."""

    def __init__(
        self, base_urls: Sequence[str], secret_parameters: frozenset[str], secrets: frozenset[str]
    ) -> None:
        self._base_urls = base_urls
        self._secret_parameters = secret_parameters
        self._secrets = secrets

    def request(self, request: Any) -> Any:
        parts = urlsplit(_with_recorded_base(request.uri, *self._base_urls))
        query = [
            pair
            for pair in parse_qsl(parts.query, keep_blank_values=True)
            if pair[0] not in self._secret_parameters
        ]
        request.uri = self._masked(parts._replace(query=urlencode(query)).geturl())
        request.headers = {}
        if request.body:
            text = (
                request.body.decode(errors="replace")
                if isinstance(request.body, bytes)
                else str(request.body)
            )
            request.body = self._masked(text) if text.lstrip()[:1] in ("{", "[") else "form"
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        kept = {name: values for name, values in response["headers"].items() if name.lower() in _KEPT_HEADERS}
        response["headers"] = {
            name: [self._scrubbed(value) for value in values] for name, values in kept.items()
        }
        body = response["body"]["string"]
        text = body.decode("utf-8", errors="surrogateescape") if isinstance(body, bytes) else body
        response["body"]["string"] = self._without_tokens(self._scrubbed(text))
        return response

    def _scrubbed(self, text: str) -> str:
        for base_url in self._base_urls:
            text = text.replace(base_url, RECORDED_BASE)
        return self._masked(_TOKEN_IN_LINK.sub(r"\1recorded", text))

    def _masked(self, text: str) -> str:
        from pipeline_cli.secrets import mask

        return mask(text, self._secrets)

    def _without_tokens(self, text: str) -> str:
        """An OAuth answer's tokens, which no manifest knows beforehand."""
        try:
            document = json.loads(text)
        except ValueError:
            return text
        if not isinstance(document, dict) or "access_token" not in document:
            return text
        tokens = ("access_token", "refresh_token", "id_token")
        return json.dumps({key: "recorded" if key in tokens else value for key, value in document.items()})
