"""Secrets come from the environment; one in plain text is a mistake that never shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.mistakes import render_mistakes
from pipeline_cli.secrets import mask
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, resource, write

SECRET = "hunter2-Zebra"


def shown(found: list) -> str:  # type: ignore[type-arg]
    return render_mistakes(found, color=False, width=200) + repr(found)


@pytest.mark.parametrize(
    "client",
    [
        f"auth: {{type: bearer, token: {SECRET}}}",
        f"auth: {{type: bearer, token: 'x${{env:X}}{SECRET}'}}",
        f"auth: {{type: bearer, token: '${{env:X:-{SECRET}}}'}}",
        f"auth: {{type: http_basic, username: me, password: '{SECRET}'}}",
        f"headers: {{Authorization: Bearer {SECRET}}}",
        f"headers: {{X-Api-Key: {SECRET}}}",
        f"headers: {{Cookie: 'session={SECRET}'}}",
        f"headers: {{X-Auth-Token: '${{env:X:-{SECRET}}}'}}",
        f"headers: {{X: 'https://me:{SECRET}@example.com/'}}",
        f"headers: {{X: '${{env:X:-https://me:{SECRET}@example.com/}}'}}",
    ],
)
def test_a_plain_secret_of_a_client_is_refused_and_not_shown(tmp_path: Path, client: str) -> None:
    found = mistakes(tmp_path, resource("", client=client), X="value")
    assert only(found).code == codes.PLAIN_SECRET
    assert SECRET not in shown(found)


@pytest.mark.parametrize(
    "options",
    [
        f"{{webhook: 'https://hooks.example.com/{SECRET}'}}",
        f"{{smtp: 'smtp://me:{SECRET}@mail.example.com'}}",
        f"{{nested: [{{routing_key: {SECRET}}}]}}",
        f"{{tokens: x, api_key: [{SECRET}]}}",
        f"{{password: |\n      {SECRET}\n  }}",
        f"{{db: {{dsn: {SECRET}}}}}",
        f"{{apiKey: {SECRET}}}",
    ],
)
def test_a_plain_secret_of_a_plugin_is_refused_and_not_shown(tmp_path: Path, options: str) -> None:
    found = mistakes(tmp_path, f"plugins:\n  any: {options}\n")
    assert SECRET not in shown(found)
    assert found[0].code in (codes.PLAIN_SECRET, codes.SYNTAX)


def test_a_number_in_a_secret_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "plugins: {any: {password: 31415926}}\n")
    assert only(found).code == codes.PLAIN_SECRET
    assert "31415926" not in shown(found)


def test_a_destination_s_plain_credentials_are_refused_and_not_shown(tmp_path: Path) -> None:
    write(tmp_path, HEAD.replace("${env:POSTGRES_URL}", f"postgres://shop:{SECRET}@db/shop") + TAIL)
    found = mistakes_of(tmp_path)
    assert only(found).message == "credentials is a secret and stands here in plain text."
    assert SECRET not in shown(found)


@pytest.mark.parametrize(
    "text",
    [
        "plugins: {any: {nonsense: [1, password: SECRET}}\n",
        "plugins: {any: {password: 'SECRET}}\n",
        "plugins: {any: {url: 'https://a:SECRET@x, x: @y}}\n",
        "environments: {dev: {password: SECRET, nonsense: 2}}\n",
        "destinations: {a: {type: duckdb, token: SECRET}}\n",
        "destinations: {a: {credentials: SECRET, type: x}}\n",
        "sources: {a: {type: rest_api, client: {auth: {token: SECRET}}}}\n",
        "a: 1\na: {token: SECRET}\n",
    ],
)
def test_a_secret_on_the_line_of_another_mistake_is_not_shown(tmp_path: Path, text: str) -> None:
    write(tmp_path, text.replace("SECRET", SECRET))
    assert SECRET not in shown(mistakes_of(tmp_path))


def test_the_caret_still_stands_under_its_column_behind_a_mask(tmp_path: Path) -> None:
    found = mistakes(tmp_path, f"plugins: {{any: {{password: {SECRET}, '${{env:X}}': 1}}}}\n")
    place = next(mistake for mistake in found if mistake.code == codes.BAD_PLACEHOLDER)
    assert place.source_line is not None
    assert place.source_line[(place.column or 0) - 1 :].startswith("'${env:X}'")


@pytest.mark.parametrize(
    "keys",
    [
        "params: {page_token: abc, next_token: x}",
        "params: {token_type: x, password_field: y, api_key_param: z}",
        "headers: {Accept: json, X-Request: '5'}",
        "headers: {Authorization: 'Bearer ${env:TOKEN}'}",
        "params: {api_key: '${env:TOKEN}', secret: , webhook: true}",
        "params: {url: 'https://example.com:8080/@scope'}",
    ],
)
def test_what_is_no_plain_secret_is_accepted(tmp_path: Path, keys: str) -> None:
    assert read(tmp_path, resource(f"{{endpoint: {{path: a, {keys}}}}}"), TOKEN="abcdef")


def test_the_values_to_mask_are_those_of_secrets_and_of_passwords_in_urls(tmp_path: Path) -> None:
    body = resource(
        '{endpoint: {path: "${env:WHERE}", headers: {Authorization: "Bearer ${env:HEADER}"}}}',
        client='auth: {type: bearer, token: "${env:MY_VALUE}"}',
    )
    body += 'plugins: {hooks: {smtp: "${env:SMTP}", webhook: "${env:HOOK}"}}\n'
    reading = read(
        tmp_path,
        body,
        "prod",
        MY_VALUE="token-value",
        WHERE="public-place",
        HEADER="header-value",
        HOOK="https://hooks/abc",
        SMTP="smtp://me:p%40ss-word@mail:25",
        POSTGRES_URL="postgres://shop:pg-word@db/shop",
    )
    assert reading.secrets == {
        "token-value",
        "header-value",
        "https://hooks/abc",
        "p%40ss-word",
        "p@ss-word",
        "pg-word",
        "postgres://shop:pg-word@db/shop",
    }
    assert mask("to public-place with p@ss-word", reading.secrets) == "to public-place with ***"


def test_a_variable_whose_name_looks_secret_is_masked_wherever_it_is_used(tmp_path: Path) -> None:
    reading = read(tmp_path, resource("{endpoint: 'x/${env:MY_TOKEN}'}"), MY_TOKEN="abcdef")
    assert reading.secrets == {"abcdef"}


@pytest.mark.parametrize("where", ["params", "json", "headers"])
def test_a_plain_secret_of_an_endpoint_is_refused_and_not_shown(tmp_path: Path, where: str) -> None:
    found = mistakes(tmp_path, resource(f"{{endpoint: {{path: a, {where}: {{api_key: {SECRET}}}}}}}"))
    assert only(found).code == codes.PLAIN_SECRET
    assert SECRET not in shown(found)
