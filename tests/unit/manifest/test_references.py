"""What one part of the manifest says about another."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, resource, write

CLIENT = 'client: {base_url: "https://api.example.com"}'


def source(**resources: str) -> str:
    """A rest_api source with these resources (flow style)."""
    lines = "".join(f"      {name}: {keys}\n" for name, keys in resources.items())
    return f"sources:\n  api:\n    type: rest_api\n    {CLIENT}\n    resources:\n{lines}"


def test_names_that_exist_are_accepted(tmp_path: Path) -> None:
    write(tmp_path, HEAD + resource("") + "pipelines: {all: {sources: [api]}}\n")
    assert read(tmp_path).environment == "dev"


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("dev: {destination: duck}", "dev: {destination: dock}", "'dock' is not one of the destinations.",
         "Did you mean duck?"),
        ("default_environment: dev", "default_environment: production",
         "'production' is not one of the environments.", "The environments are: dev, quiet, prod."),
        ("all: {}", "all: {sources: [ap]}", "'ap' is not one of the sources.", "Did you mean api?"),
        ("all: {}", "all: {transforms: crm}", "'crm' is not one of the transforms.", "The transforms are: none."),
    ],
)  # fmt: skip
def test_names_that_do_not_exist_are_told(
    tmp_path: Path, old: str, new: str, message: str, hint: str
) -> None:
    write(tmp_path, (HEAD + resource("") + TAIL).replace(old, new))
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.message, mistake.hint) == (codes.UNKNOWN_NAME, message, hint)


def test_a_broken_entry_is_still_an_entry_that_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "sources: {api: {type: rest}}\npipelines: {all: {sources: [api]}}\n")
    assert only(mistakes_of(tmp_path)).code == codes.NOT_A_CHOICE


@pytest.mark.parametrize("disposition", ["merge", "scd2"])
def test_merging_needs_a_primary_key(tmp_path: Path, disposition: str) -> None:
    mistake = only(mistakes(tmp_path, resource(f"{{write_disposition: {disposition}}}")))
    assert mistake.code == "E120"
    assert mistake.message.startswith(f"write_disposition '{disposition}' needs a primary_key; without one ")
    assert mistake.hint == "Add primary_key: [id], or use write_disposition: append."
    assert (mistake.line, mistake.column) == (16, 34)


def test_an_empty_primary_key_is_none(tmp_path: Path) -> None:
    assert only(mistakes(tmp_path, resource("{write_disposition: merge, primary_key: []}"))).code == "E120"


def test_a_misspelt_primary_key_is_told_once(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, resource("{write_disposition: merge, primary_kye: id}")))
    assert mistake.code == codes.UNKNOWN_KEY


def test_merging_without_a_key_is_told_beside_other_mistakes_of_the_resource(tmp_path: Path) -> None:
    found = mistakes(tmp_path, resource("{write_disposition: merge, keep_raw: maybe}"))
    assert [mistake.code for mistake in found] == [codes.NEEDS_PRIMARY_KEY, codes.WRONG_VALUE]


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("users/{resources.user.id}/orders", "{resources.user.id}: 'user' is not a resource of this source."),
        ("users/{resources.users}/orders", "{resources.users} names no field."),
        ("orders/{resources.orders.id}", "{resources.orders.id} refers to the resource itself."),
        (
            "orders?since={incremental.start_value}",
            "{incremental.start_value} needs the key incremental in 'orders'.",
        ),
        ("orders?since={incremental.start}", "{incremental.start} does not exist."),
    ],
)
def test_placeholders_must_have_something_to_refer_to(tmp_path: Path, endpoint: str, message: str) -> None:
    for keys in (f'"{endpoint}"', f'{{path: orders, params: {{q: "{endpoint}"}}}}'):
        mistake = only(mistakes(tmp_path, source(users="", orders=f"{{endpoint: {keys}}}")))
        assert (mistake.code, mistake.message) == (codes.BAD_RESOURCE_REFERENCE, message)


def test_placeholders_that_are_right_are_accepted(tmp_path: Path) -> None:
    endpoint = '{path: "users/{resources.users.id}/orders", params: {since: "{incremental.start_value}"}}'
    keys = f"{{endpoint: {endpoint}, incremental: {{cursor_path: at}}, include_from_parent: [name]}}"
    assert read(tmp_path, source(users="", orders=keys)).manifest.sources["api"].resources["orders"]


def test_include_from_parent_needs_a_parent(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, source(users="", orders="{include_from_parent: [id]}")))
    assert mistake.message == "include_from_parent needs a parent, and the endpoint names none."


def test_a_parent_by_dlt_s_resolve_is_a_parent(tmp_path: Path) -> None:
    resolve = "{type: resolve, resource: users, field: id}"
    keys = f"{{endpoint: {{path: 'u/{{id}}', params: {{id: {resolve}}}}}, include_from_parent: [id]}}"
    assert read(tmp_path, source(users="", orders=keys))


def test_a_circle_of_resources_is_told_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        source(
            a='{endpoint: "x/{resources.b.id}"}',
            b='{endpoint: "y/{resources.a.id}"}',
            c='{endpoint: "z/{resources.a.id}"}',
        ),
    )
    assert only(found).message == "'a' takes values from resources that take values from it."


def test_resources_that_become_one_table_are_told(tmp_path: Path) -> None:
    mistake = only(
        mistakes(tmp_path, source(userId="", user_id="", UserID="{}").replace("      UserID: {}\n", ""))
    )
    assert (mistake.code, mistake.message) == (
        codes.NAMES_COLLIDE,
        "'user_id' and 'userId' would both be the table user_id.",
    )


def test_a_source_cannot_take_the_staging_dataset_of_another(tmp_path: Path) -> None:
    body = resource("") + resource("").removeprefix("sources:\n").replace("api:", "api_staging:", 1)
    assert (
        only(mistakes(tmp_path, body)).message
        == "the dataset bronze_api_staging is where api is merged by dlt."
    )


@pytest.mark.parametrize(
    "path", ["bronze_api.duckdb", "x/silver_all.db", "gold_all", "MAIN.duckdb", "pipeline_runs.db"]
)
def test_a_duckdb_file_cannot_be_called_like_a_schema_in_it(tmp_path: Path, path: str) -> None:
    write(tmp_path, (HEAD + resource("") + TAIL).replace("type: duckdb", f"type: duckdb, path: {path}"))
    assert only(mistakes_of(tmp_path)).code == codes.NAMES_COLLIDE


@pytest.mark.parametrize("url", ["api.example.com", "ftp://x", "https://", "file:///etc/passwd", "http:// x"])
def test_addresses_are_http_or_https(tmp_path: Path, url: str) -> None:
    mistake = only(mistakes(tmp_path, resource("").replace("https://api.example.com", url)))
    assert mistake.code == codes.BAD_URL


def test_a_token_s_address_is_http_too(tmp_path: Path) -> None:
    keys = 'access_token_url: "/token", client_id: me, client_secret: "${env:S}"'
    client = f"auth: {{type: oauth2_client_credentials, {keys}}}"
    mistake = only(mistakes(tmp_path, resource("", client=client), S="12345"))
    assert mistake.message == "access_token_url: '/token' is not an http:// or https:// address."


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"type": "object",\n "properties": }', 2, "this contract is not JSON: expecting value."),
        ("[]", 1, "a contract must be a JSON object."),
        ("[" * 100_000, None, "this contract is nested too deep."),
    ],
)
def test_a_contract_is_a_json_object(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    write(tmp_path, "", {"sources/items.json": text})
    body = source(items="{contract: sources/items.json}", others="{contract: sources/items.json}")
    mistake = only(mistakes(tmp_path, body))
    assert (mistake.code, mistake.file) == (codes.BAD_CONTRACT, "sources/items.json")
    assert (mistake.line, mistake.message) == (line, message)
