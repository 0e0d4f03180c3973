"""What is a secret, and how none of them reaches a log, a page or a message.

Names are judged by their words, values by where they came from: the manifest's reader collects the values of
secret fields and of passwords inside URLs (`Reading.secrets`), and every sink passes its text through `mask`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

MASK = "***"
# Shorter values would blank out ordinary words all over a log ("x", "dev").
SHORTEST_SECRET = 4
SHORTEST_PATH = 8  # of a secret address: "in" and "hooks" are ordinary words

_SECRET_WORDS = frozenset(
    (
        *("apikey", "authorization", "bearer", "cookie", "credential", "credentials", "dsn", "passphrase"),
        *("passwd", "password", "pwd", "secret", "secrets", "signature", "token", "webhook"),
    )
)
_SECRET_PAIRS = frozenset(
    (
        *("access_key", "account_key", "api_key", "auth_key", "connection_string", "encryption_key"),
        *("integration_key", "private_key", "routing_key", "secret_key", "service_key", "set_cookie"),
        "signing_key",
    )
)
# `token_url` or `api_key_param` name a place, and `page_token` is a bookmark.
_PLACES = frozenset(
    (
        *("expiration", "field", "file", "header", "location", "name", "param", "parameter"),
        *("path", "type", "uri", "url"),
    )
)
_BOOKMARKS = frozenset(("continuation", "end", "next", "page", "start", "sync"))
_WORD_BREAK = re.compile(r"([a-z0-9])([A-Z])")
_WEB_PATH = re.compile(r"https?://[^/?#]+/(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?", re.IGNORECASE)
# A port and a path with an @ in it are no password.
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s:@/?#\"']*:(?!\d{1,5}/)(?P<password>[^\s\"']+)@")
_ASSIGNMENT = r"([A-Za-z0-9_.-]+)[\"']?\s*[:=]\s*"
_QUOTED = r"\"(?:\\.|[^\"\\])*\"?|'(?:''|[^'])*'?"
_VALUE_IN_BRACES = rf"{_QUOTED}|(?![{{\[|>#,}}\]])(?:\$\{{[^}}]*\}}|[^,}}\]])+"
_VALUE_ALONE = rf"{_QUOTED}|(?![{{\[|>#])\S.*?(?=\s#|$)"
_ONLY_VARIABLES = r"[\"']?((Bearer|Basic|Token)\s+)?(\$\{env:[A-Za-z0-9_]+(:-)?\}\s*)+[\"']?\s*"


def looks_secret(name: str) -> bool:
    """Whether a key, header or variable of this name is a secret: `api_key`, `X-Api-Key`, `SLACK_TOKEN`."""
    words = re.split(r"[^a-z0-9]+", _WORD_BREAK.sub(r"\1_\2", name).lower())
    words = [word for word in words if word]
    if not words or words[-1] in _PLACES:
        return False
    if words[-1] == "token" and len(words) > 1 and words[-2] in _BOOKMARKS:
        return False
    pairs = {f"{first}_{second}" for first, second in pairwise(words)}
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairs)


def url_passwords(text: str) -> list[str]:
    """The passwords of the URLs in `text`, as written: `hunter2` of `postgres://shop:hunter2@db/shop`."""
    if "://" not in text:
        return []
    return [match["password"] for match in _URL_PASSWORD.finditer(text)]


def secret_paths(secret: str) -> list[str]:
    """What of a secret address (a webhook's) a server may say back: its path with the query, without the host."""
    found = _WEB_PATH.fullmatch(secret)
    if found is None or len(found["path"]) < SHORTEST_PATH:
        return []
    path, query = found["path"], found["query"] or ""
    return [path, *([path + query] if query else [])]


def plain_secrets(line: str) -> Iterator[tuple[int, int]]:
    """Where a line of YAML shows a secret: (start, end), 0-based. `${env:…}` alone is none."""
    for match in _URL_PASSWORD.finditer(line):
        if not re.fullmatch(_ONLY_VARIABLES, match["password"]):
            yield match.span("password")
    assigned = re.compile(_ASSIGNMENT)
    assignment = assigned.search(line)
    while assignment is not None:
        end = assignment.end()
        if looks_secret(assignment[1]):
            before = line[: assignment.start()]
            pattern = _VALUE_IN_BRACES if "{" in before or "[" in before else _VALUE_ALONE
            value = re.compile(pattern).match(line, end)
            if value is not None:
                end = value.end()
                if not re.fullmatch(_ONLY_VARIABLES, value[0]):
                    yield value.span()
        assignment = assigned.search(line, end)


def mask(text: str, secrets: Collection[str]) -> str:
    """`text` with every secret replaced by ***, also where it is URL-encoded, escaped or in base64.

    Values shorter than four characters are left alone.
    """
    pattern = _pattern(frozenset(secrets))
    return text if pattern is None else pattern.sub(MASK, text)


def mask_tree(value: Any, secrets: frozenset[str]) -> Any:
    """A copy of plain JSON (strings, lists, mappings) with every string masked; other values as they are."""
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {name: mask_tree(entry, secrets) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_tree(entry, secrets) for entry in value]
    return value


@lru_cache(maxsize=16)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    written = written_forms(secrets)
    return re.compile("|".join(map(re.escape, written))) if written else None


def written_forms(secrets: Collection[str]) -> list[str]:
    """Every way in which these secrets may stand in a text: as they are, URL-encoded, escaped or in base64.

    The longest first, so that a secret that begins like another is found whole.
    """
    written = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
    return sorted(written, key=lambda form: (-len(form), form))


def _forms(secret: str) -> Iterator[str]:
    import json
    from urllib.parse import quote, quote_plus, unquote

    for form in {secret, unquote(secret)}:
        yield form
        yield from (
            quote(form, safe="", errors="replace"),
            quote_plus(form, errors="replace"),
            quote(form, errors="replace"),
        )
        yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], repr(form)[1:-1])
        yield from _base64_forms(form.encode("utf-8", "surrogateescape"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The base64 of the secret wherever it begins in the encoded bytes, as in `user:secret` of basic auth."""
    from base64 import b64encode, urlsafe_b64encode

    for encode in (b64encode, urlsafe_b64encode):
        for offset, shared in ((0, 0), (1, 2), (2, 3)):
            encoded = encode(b"\0" * offset + secret).decode().rstrip("=")
            whole = (offset + len(secret)) % 3 == 0
            form = encoded[shared:] if whole else encoded[shared:-1]
            if len(form) >= SHORTEST_SECRET:
                yield form
