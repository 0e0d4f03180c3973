"""What is a secret, and how it is masked at every sink."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from pipeline_cli.secrets import looks_secret, mask, plain_secrets, secret_paths, url_passwords

SECRET = 'p@ss wörd/"\\+x'


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "DB_PASSWORD",
            "api_key",
            "apiKey",
            "X-Api-Key",
            "apikey",
            "token",
            "SLACK_TOKEN",
            "webhook",
        ),
        *(
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "client_secret",
            "dsn",
            "AWS_SECRET_ACCESS_KEY",
        ),
        *("private_key", "routing_key", "credentials", "passphrase", "SLACK_WEBHOOK", "x.auth-token"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "name",
            "key",
            "primary_key",
            "token_url",
            "api_key_name",
            "page_token",
            "next_page_token",
            "tokens",
        ),
        *(
            "secretary",
            "cookies_path",
            "max_tokens",
            "",
            "---",
            "password_field",
            "webhook_url_param",
            "keyword",
        ),
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        ("postgres://shop:hunter2@db/shop", ["hunter2"]),
        ("smtp://me@x.org:p@ss@mail:25", []),
        ("https://:token@host", ["token"]),
        ("redis://:a:b@host and amqp://u:p@h", ["a:b", "p"]),
        ("postgres://u:a/b@host", ["a/b"]),
        ("https://host:8080/path@x", []),
        ("https://host/path:x@y", []),
        ("no url:at@all", []),
    ],
)
def test_passwords_of_urls(text: str, passwords: list[str]) -> None:
    assert url_passwords(text) == passwords


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps({"a": SECRET}),
        json.dumps([SECRET], ensure_ascii=False),
        repr(["x", SECRET]),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        *(base64.b64encode(b"u" * n + b":" + SECRET.encode() + b"z" * n).decode() for n in range(7)),
    ],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    masked = mask(f"before {written} after", {SECRET})
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    left = masked.removeprefix("before ").removesuffix(" after")
    assert SECRET not in masked
    assert quote(SECRET, safe="") not in masked
    assert len(left) <= len(written) - len(SECRET) + 8


def test_a_secret_that_begins_like_another_is_masked_whole() -> None:
    assert mask("abcdef abcd", {"abcd", "abcdef"}) == "*** ***"


def test_an_encoded_secret_is_masked_decoded_too() -> None:
    assert mask("p@ss p%40ss", {"p%40ss"}) == "*** ***"


@pytest.mark.parametrize("secrets", [set(), {""}, {"abc"}])
def test_short_values_are_left_alone(secrets: set[str]) -> None:
    assert mask("abc and an empty one", secrets) == "abc and an empty one"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("token: abc", "abc"),
        ("{type: bearer, token: 'a b', x: 1}", "'a b'"),
        ('  "api_key": "abc', '"abc'),
        ("url: postgres://u:abc@h/x", "abc"),
        ("PASSWORD=abc def", "abc def"),
        ("password: a,b}c#d ${env:X} # e", "a,b}c#d ${env:X}"),
        ('{password: "a\\"b", x: 1}', '"a\\"b"'),
        ("credentials: {user: a, password: abc}", "abc"),
        ("headers: {Authorization: Bearer abc}", "Bearer abc"),
    ],
)
def test_secrets_are_found_in_lines_that_are_no_yaml(line: str, secret: str) -> None:
    assert [line[start:end] for start, end in plain_secrets(line)] == [secret]


@pytest.mark.parametrize(
    "line",
    [
        *(
            'token: "${env:TOKEN}"',
            "token: ${env:TOKEN}",
            "token: ${env:TOKEN:-}",
            "token:",
            "credentials: {",
        ),
        *(
            "password: |",
            "name: x",
            "x: https://a:${env:P}@h",
            "Authorization: 'Bearer ${env:T}'",
            "token: # none",
        ),
    ],
)
def test_variables_and_empty_values_are_shown(line: str) -> None:
    assert list(plain_secrets(line)) == []


def test_a_secret_address_has_a_path_that_servers_say_back() -> None:
    paths = secret_paths("https://hooks.slack.com/services/T0/B0/Xq7?k=1")
    assert paths == ["services/T0/B0/Xq7", "services/T0/B0/Xq7?k=1"]
    assert mask("who is /services/T0/B0/Xq7?", paths) == "who is /***?"


@pytest.mark.parametrize(
    "text", ["https://a.b/in", "https://a.b", "plain/of+the/api==", "smtp://host/long-path", ""]
)
def test_what_is_no_secret_path(text: str) -> None:
    assert secret_paths(text) == []
