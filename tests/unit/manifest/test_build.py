"""Nodes to dataclasses: each type that a key may have, and what is told when it has another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.auth import BearerAuth
from pipeline_cli.manifest.models import Limit, Plugin
from pipeline_cli.manifest.paginators import Offset
from pipeline_cli.manifest.sources import Column, Endpoint, RestResource
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, resource, write


def item(root: Path, keys: str, **variables: str) -> RestResource:
    found: RestResource = read(root, resource(keys), **variables).manifest.sources["api"].resources["items"]
    return found


def test_every_type_of_key_is_read(tmp_path: Path) -> None:
    keys = """{primary_key: [id, day], write_disposition: merge, max_rejected: 1%, keep_raw: true,
        max_table_nesting: 0, columns: {price: {data_type: decimal, precision: 10}}, on_violation: warn,
        endpoint: {path: items, params: {limit: 5, deep: [1, {a: null}], on: yes}, method: POST},
        incremental: {cursor_path: at, initial_value: 2019-01-01, lag: 1d12h}, include_from_parent: []}"""
    found = item(tmp_path, keys)
    assert found.primary_key == ("id", "day")
    assert found.max_rejected == Limit(share=0.01)
    assert found.columns == {"price": Column(data_type="decimal", precision=10)}
    assert found.endpoint == Endpoint(
        path="items", method="POST", params={"limit": 5, "deep": [1, {"a": None}], "on": "yes"}
    )
    assert found.incremental is not None
    assert found.incremental.initial_value == "2019-01-01"
    assert found.incremental.lag == timedelta(days=1.5)


def test_a_single_text_stands_for_a_list_of_one(tmp_path: Path) -> None:
    assert item(tmp_path, "{primary_key: id}").primary_key == ("id",)


def test_an_endpoint_may_be_its_path_alone(tmp_path: Path) -> None:
    assert item(tmp_path, "{endpoint: items/all}").endpoint == "items/all"


def test_an_empty_resource_has_the_defaults(tmp_path: Path) -> None:
    assert item(tmp_path, "") == item(tmp_path, "{}") == RestResource()


def test_the_type_of_an_auth_and_a_paginator_decides_their_keys(tmp_path: Path) -> None:
    client = 'auth: {type: bearer, token: "${env:TOKEN}"}, paginator: {type: offset, limit: 100}'
    found = read(tmp_path, resource("", client=client), TOKEN="abcd").manifest.sources["api"].client
    assert found.auth == BearerAuth(type="bearer", token="abcd")
    assert found.paginator == Offset(type="offset", limit=100)


def test_a_plugin_takes_any_key_and_a_timeout(tmp_path: Path) -> None:
    body = "plugins: {mailer: {to: [a@example.com], port: 25, timeout: 5s}, quiet: {}, bare: }\n"
    plugins = read(tmp_path, body).manifest.plugins
    assert plugins["mailer"] == Plugin(
        options={"to": ["a@example.com"], "port": 25}, timeout=timedelta(seconds=5)
    )
    assert plugins["quiet"] == plugins["bare"] == Plugin()


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        ("{primary_key: 5}", codes.QUOTE_IT, "primary_key must be text, and YAML reads '5' as a number."),
        ("{primary_key: {a: 1}}", codes.WRONG_SHAPE, "primary_key must be a list, and this is a map."),
        ("{primary_key: [a, a]}", codes.WRONG_VALUE, "'a' stands twice in primary_key."),
        ("{primary_key: }", codes.WRONG_VALUE, "primary_key has no value; it must be text."),
        ("{keep_raw: yes}", codes.WRONG_VALUE, "keep_raw must be true or false, not 'yes'."),
        ("{keep_raw: 1}", codes.WRONG_VALUE, "keep_raw must be true or false, not '1'."),
        ("{max_table_nesting: true}", codes.WRONG_VALUE, "max_table_nesting must be a whole number, not 'true'."),
        ("{max_table_nesting: 1.0}", codes.WRONG_VALUE, "max_table_nesting must be a whole number, not '1.0'."),
        ("{max_table_nesting: '1'}", codes.WRONG_VALUE, "max_table_nesting must be a whole number, not '1'."),
        ("{max_table_nesting: -1}", codes.WRONG_VALUE, "max_table_nesting must be at least 0, not '-1'."),
        ("{max_rejected: 0.01}", codes.WRONG_VALUE, 
         'max_rejected must be a count or a share such as "1%", not \'0.01\'.'),
        ("{on_violation: warm}", codes.NOT_A_CHOICE, "on_violation must be one of quarantine, fail, warn, not 'warm'."),
        ("{columns: [a]}", codes.WRONG_SHAPE, "columns must be a map, and this is a list."),
        ("{endpoint: [a]}", codes.WRONG_SHAPE, "endpoint must be a map or text, and this is a list."),
        ("[a]", codes.WRONG_SHAPE, "items must be a map, and this is a list."),
        ("{primry_key: id}", codes.UNKNOWN_KEY, "items does not know the key 'primry_key'."),
        ("{endpoint: {params: {}}}", codes.MISSING_KEY, "endpoint needs the key path."),
        ("{endpoint: {path: ''}}", codes.WRONG_VALUE, "path is empty."),
        ('{endpoint: {path: "a\\0b"}}', codes.WRONG_VALUE, "path holds a NUL character."),
        ("{endpoint: {path: a, params: {v: 1.10}}}", codes.QUOTE_IT,
         "v: 1.10 is ambiguous: its last zero would be lost."),
        ("{endpoint: {path: a, params: {zip: 01234}}}", codes.QUOTE_IT,
         "zip: 01234 is ambiguous: its leading zero would be lost, and older YAML reads it as octal."),
        ("{incremental: {cursor_path: at, lag: 30 minutes}}", codes.WRONG_VALUE,
         'lag must be a duration such as "30s", "5m" or "1h30m" or a number, not \'30 minutes\'.'),
        ("{incremental: {cursor_path: at, initial_value: true}}", codes.WRONG_VALUE,
         "initial_value must be text or a number, not 'true'."),
        ("{incremental: {cursor_path: at, initial_value: .inf}}", codes.QUOTE_IT,
         "initial_value: .inf is ambiguous: it is not a finite number."),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_told(tmp_path: Path, keys: str, code: str, message: str) -> None:
    mistake = only(mistakes(tmp_path, resource(keys)))
    assert (mistake.code, mistake.message) == (code, message)
    assert mistake.line == 16


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ("{primry_key: id}", "Did you mean primary_key?"),
        ("{Primary-Key: id}", "Did you mean primary_key?"),
        ("{on_violation: warm}", "Did you mean warn?"),
        ("{keep_raw: yes}", "In YAML 1.2 only true and false are booleans; this is text."),
        ("{keep_raw: 'true'}", "Remove the quotes."),
        ("{max_table_nesting: '1'}", "Remove the quotes."),
        ("{max_table_nesting: 1_000}", "Write 1000."),
        ("{primary_key: 1.10}", 'Put it in quotes: "1.10".'),
        ("{primary_key: true}", 'Put it in quotes: "true".'),
        (
            "{columns: {a: {data_type: integer}}}",
            "Allowed: text, double, bool, timestamp, bigint, binary, json,",
        ),
        ("{max_rejected: 150%}", 'A share is written with its sign: "0.5%" to "100%".'),
    ],
)
def test_hints_say_what_to_write(tmp_path: Path, keys: str, hint: str) -> None:
    assert (only(mistakes(tmp_path, resource(keys))).hint or "").startswith(hint)


def test_a_duration_without_a_unit_is_told_how_to_write_it(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, resource("", client="request_timeout: 30")))
    assert mistake.hint == 'Give it a unit: "30s" is seconds, "30m" minutes.'


@pytest.mark.parametrize(
    ("client", "message", "hint"),
    [
        ("auth: {type: baerer}", "'baerer' is not a type of auth.", "Did you mean bearer?"),
        ("auth: {token: x}", "auth needs the key type.", "Write type: and one of bearer, api_key,"),
        ("auth: {typ: bearer}", "auth needs the key type.", "Did you mean type instead of typ?"),
        ("auth: {type: http_basic, username: me}", "auth needs the key password.", "password: The password."),
        ("auth: bearer", "auth must be a map, and this is a single value.", ""),
        ("paginator: {type: offset}", "paginator needs the key limit.", "limit: Records a page."),
        ("paginator: {type: [offset]}", "type must be text, and this is a list.", ""),
    ],
)
def test_an_auth_or_paginator_that_is_wrong_is_told(
    tmp_path: Path, client: str, message: str, hint: str
) -> None:
    mistake = only(mistakes(tmp_path, resource("", client=client)))
    assert mistake.message == message
    assert (mistake.hint or "").startswith(hint)


def test_a_misspelt_key_is_not_missing_as_well(tmp_path: Path) -> None:
    assert only(mistakes(tmp_path, resource("{endpoint: {paht: x}}"))).code == codes.UNKNOWN_KEY


def test_a_missing_key_stands_at_the_key_of_the_map_that_lacks_it(tmp_path: Path) -> None:
    mistake = only(
        mistakes(tmp_path, "sources:\n  api:\n    type: rest_api\n    client: {base_url: http://x}\n")
    )
    assert (mistake.line, mistake.column, mistake.message) == (12, 3, "api needs the key resources.")


@pytest.mark.parametrize("version", ["2", "'1'", "1.0", "true"])
def test_the_version_is_the_number_1(tmp_path: Path, version: str) -> None:
    write(tmp_path, (HEAD + TAIL).replace("version: 1", f"version: {version}"))
    assert only(mistakes_of(tmp_path)).message.startswith("version must be 1, not")


@pytest.mark.parametrize("name", ["Api", "a-b", "1a", "a b", "_a", "a__b", "a_", "ä", "a" * 41, "a.b", "a/b"])
def test_names_of_entries_are_small_words(tmp_path: Path, name: str) -> None:
    body = resource("").replace("  api:", f"  '{name}':", 1)
    assert only(mistakes(tmp_path, body)).code == codes.BAD_NAME


@pytest.mark.parametrize("name", ["_dlt_loads", "_x", "a__b", "1a", "a-b", "ä", "a" * 61])
def test_names_of_resources_are_words_that_dlt_does_not_use(tmp_path: Path, name: str) -> None:
    body = resource("").replace("      items:", f"      '{name}':")
    assert only(mistakes(tmp_path, body)).code == codes.BAD_NAME


def test_names_may_have_40_and_resources_60_characters(tmp_path: Path) -> None:
    body = resource("").replace("  api:", f"  {'a' * 40}:", 1).replace("      items:", f"      {'R' * 60}:")
    assert list(read(tmp_path, body).manifest.sources["a" * 40].resources) == ["R" * 60]


def test_a_manifest_shows_itself_without_its_secrets(tmp_path: Path) -> None:
    client = 'auth: {type: bearer, token: "${env:TOKEN}"}'
    shown = repr(read(tmp_path, resource("", client=client), TOKEN="hunter2hunter2").manifest)
    assert "BearerAuth(type='bearer', token=***)" in shown
    assert "hunter2" not in shown
