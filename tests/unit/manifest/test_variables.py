"""`${env:NAME}` in values, the .env file, and which variables an environment needs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import ManifestError, UsageError
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.dotenv import parse_assignment
from pipeline_cli.manifest.interpolate import Variables
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, resource, write


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${env:A}", "one"),
        ("x${env:A}y${env:B:-z}", "xoneyz"),
        ("${env:EMPTY:-default}", "default"),
        ("${env:B:-}", ""),
        ("${env:B:-a:b-c}", "a:b-c"),
        ("$${env:A}", "${env:A}"),
        ("$$${env:A}", "$${env:A}"),
        ("$A {env:A} $", "$A {env:A} $"),
    ],
)
def test_variables_are_filled_in(text: str, filled: str) -> None:
    assert Variables({"A": "one", "EMPTY": ""}, {}).fill(text).text == filled


@pytest.mark.parametrize(
    "text",
    ["${A}", "${env:}", "${env:1A}", "${env:A-B}", "${env:A", "${env: A}", "${env:A:-${env:B}}", "${{ x }}"],
)
def test_other_placeholders_are_bad(tmp_path: Path, text: str) -> None:
    assert Variables({"A": "one"}, {}).fill(text).bad
    mistake = only(mistakes(tmp_path, resource(f"{{endpoint: '{text}'}}")))
    assert mistake.code == codes.BAD_PLACEHOLDER


def test_a_key_is_not_filled_in(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, resource("{endpoint: {path: a, params: {'${env:A}': 1}}}")))
    assert mistake.message == "${...} is only filled in in values, not in keys."


def test_values_have_their_key_s_type_after_filling_in(tmp_path: Path) -> None:
    client = '''max_retries: "${env:RETRIES}", request_timeout: "${env:WAIT:-5s}"'''
    keys = """{write_disposition: "${env:HOW:-append}", keep_raw: "${env:RAW:-true}", max_rejected: "${env:MAX:-1%}",
      endpoint: "${env:VERSION}", incremental: {cursor_path: at, initial_value: "${env:FIRST}"}}"""
    variables = {"RETRIES": "7", "VERSION": "1.10", "FIRST": "0042"}
    api = read(tmp_path, resource(keys, client=client), **variables).manifest.sources["api"]
    item = api.resources["items"]
    assert (api.client.max_retries, api.client.request_timeout) == (7, timedelta(seconds=5))
    assert (item.write_disposition, item.keep_raw, item.endpoint) == ("append", True, "1.10")
    assert item.incremental.initial_value == "0042"


def test_a_free_value_is_a_number_only_when_it_is_not_quoted(tmp_path: Path) -> None:
    body = """\
        plugins:
          any:
            plain: ${env:N}
            quoted: "${env:N}"
            zero: ${env:ZIP}
    """
    options = read(tmp_path, body, N="5", ZIP="01234").manifest.plugins["any"].options
    assert options == {"plain": 5, "quoted": "5", "zero": "01234"}


def test_a_variable_of_the_wrong_type_is_told_without_its_value(tmp_path: Path) -> None:
    mistake = only(
        mistakes(tmp_path, resource("", client='max_retries: "${env:RETRIES}"'), RETRIES="hunter2")
    )
    told = "max_retries must be a whole number, not '${env:RETRIES}'. It comes from RETRIES."
    assert mistake.message == told


def test_a_variable_that_is_not_set_is_told_with_how_to_set_it(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, resource("{endpoint: '${env:WHERE}'}")))
    assert (mistake.code, mistake.message) == (
        codes.MISSING_VARIABLE,
        "the environment variable WHERE is not set.",
    )
    assert (
        mistake.hint
        == "export WHERE=..., or put WHERE=... into .env, or give it a default: ${env:WHERE:-value}."
    )


def test_a_variable_that_is_empty_counts_as_not_set(tmp_path: Path) -> None:
    assert (
        only(mistakes(tmp_path, resource("{endpoint: '${env:WHERE}'}"), WHERE="")).code
        == codes.MISSING_VARIABLE
    )


def test_only_the_selected_environment_s_destination_is_asked_for_its_variables(tmp_path: Path) -> None:
    reading = read(tmp_path)
    assert reading.missing == {"destinations.pg": ("POSTGRES_URL",)}
    mistake = only(mistakes_of(tmp_path, "prod"))
    assert (mistake.code, mistake.line) == (codes.MISSING_VARIABLE, 10)
    assert read(tmp_path, environment="prod", POSTGRES_URL="postgres://x").environment == "prod"


def test_other_environments_are_checked_but_not_asked_for_their_variables(tmp_path: Path) -> None:
    state = HEAD.replace("{destination: pg}", '{destination: pg, state: "${env:STATE}"}')
    write(tmp_path, state + TAIL)
    assert read_manifest(tmp_path, {}).missing["environments.prod"] == ("STATE",)
    write(tmp_path, state.replace("destination: pg,", "destination: pgg,") + TAIL)
    assert only(mistakes_of(tmp_path)).code == codes.UNKNOWN_NAME


def test_a_replayed_source_does_without_its_variables(tmp_path: Path) -> None:
    client = 'auth: {type: bearer, token: "${env:TOKEN}"}, max_retries: "${env:RETRIES}"'
    body = resource("", client=client)
    assert [mistake.code for mistake in mistakes(tmp_path, body)] == [codes.MISSING_VARIABLE] * 2
    reading = read(tmp_path, body, "quiet")
    assert reading.manifest.sources["api"].client.auth.token == "replayed"
    assert reading.missing["sources.api"] == ("TOKEN", "RETRIES")


def test_a_plugin_without_its_variables_is_noted(tmp_path: Path) -> None:
    reading = read(tmp_path, 'plugins: {email: {smtp: "${env:SMTP_URL}", to: ["${env:TO}"]}}\n')
    assert reading.missing["plugins.email"] == ("SMTP_URL", "TO")


def test_when_the_environment_is_wrong_no_variable_is_asked_for(tmp_path: Path) -> None:
    write(
        tmp_path, (HEAD + resource("{endpoint: '${env:X}'}") + TAIL).replace("dev: {", "dev: {nonsense: 1, ")
    )
    assert only(mistakes_of(tmp_path)).code == codes.UNKNOWN_KEY


def test_an_environment_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TAIL)
    with pytest.raises(UsageError) as caught:
        read_manifest(tmp_path, {}, "prd")
    assert (caught.value.exit_code, caught.value.hint) == (2, "Did you mean prod?")


def test_the_env_file_is_read_and_the_real_environment_wins(tmp_path: Path) -> None:
    write(tmp_path, "", {".env": "# mine\nexport TOKEN='from file'\nWHERE=file # here\n\nRETRIES = 3\n"})
    client = 'auth: {type: bearer, token: "${env:TOKEN}"}, max_retries: "${env:RETRIES}"'
    source: Any = read(
        tmp_path, resource("{endpoint: '${env:WHERE}'}", client=client), WHERE="real"
    ).manifest.sources["api"]
    assert (source.client.auth.token, source.client.max_retries) == ("from file", 3)
    assert source.resources["items"].endpoint == "real"


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("A=b", ("A", "b")),
        ("A=", ("A", "")),
        ("A=b c # d", ("A", "b c")),
        ("A=b#c", ("A", "b#c")),
        ("A=# c", ("A", "")),
        ("A='b # c' # d", ("A", "b # c")),
        ('A="b\\n\\"c\\\\"', ("A", 'b\n"c\\')),
        ("export A=b=c", ("A", "b=c")),
        ("A='b", None),
        ('A="b" c', None),
        ("1A=b", None),
        ("A", None),
        ("A-B=c", None),
    ],
)
def test_lines_of_the_env_file(line: str, parsed: tuple[str, str] | None) -> None:
    assert parse_assignment(line) == parsed


def test_a_bad_line_of_the_env_file_is_told_and_never_shown(tmp_path: Path) -> None:
    write(tmp_path, "", {".env": "A=b\nTOKEN hunter2\n"})
    mistake = only(mistakes(tmp_path))
    assert (mistake.code, mistake.file, mistake.line) == (codes.BAD_DOTENV, ".env", 2)
    assert mistake.source_line is None
    assert "hunter2" not in str(mistake)


def test_an_env_file_that_is_no_text_is_told_and_never_shown(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TAIL)
    (tmp_path / ".env").write_bytes(b"TOKEN=hunter2\xff\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.source_line) == (codes.BAD_CHARACTER, None)


def test_only_the_sources_that_are_used_are_asked_for_their_variables(tmp_path: Path) -> None:
    one = resource("{endpoint: '${env:ONE}'}").replace("api:", "one:", 1)
    two = resource("{endpoint: '${env:TWO}'}").replace("api:", "two:", 1).removeprefix("sources:\n")
    write(tmp_path, HEAD + one + two + "pipelines: {a: {sources: one}, b: {sources: [one, two]}, c: {}}\n")
    for pipelines, sources, names in (
        (["a"], None, ("ONE",)),
        (["b"], None, ("ONE", "TWO")),
        (None, ["two"], ("TWO",)),
        (None, None, ("ONE", "TWO")),
    ):
        with pytest.raises(ManifestError) as caught:
            read_manifest(tmp_path, {}, pipelines=pipelines, sources=sources)
        assert [m.message for m in caught.value.mistakes] == [
            f"the environment variable {name} is not set." for name in names
        ]
    assert read_manifest(tmp_path, {}, pipelines=["c"]).missing["sources.one"] == ("ONE",)


def test_a_bad_value_from_a_variable_names_it_and_shows_what_it_holds(tmp_path: Path) -> None:
    source = resource("{}").replace("https://api.example.com", "${env:API_URL}")
    found = only(mistakes(tmp_path, source, API_URL="127.0.0.1:18765"))
    assert found.code == codes.BAD_URL
    assert "API_URL is '127.0.0.1:18765'." in found.message


def test_what_a_secret_variable_holds_is_never_shown(tmp_path: Path) -> None:
    source = resource("{}").replace("https://api.example.com", "${env:API_TOKEN}")
    found = only(mistakes(tmp_path, source, API_TOKEN="hunter2secret"))
    assert "API_TOKEN is set." in found.message
    assert "hunter2" not in str(found)


def test_for_the_network_a_replaying_environment_demands_its_variables(tmp_path: Path) -> None:
    source = resource("{}", client='auth: {type: bearer, token: "${env:TOKEN}"}')
    read(tmp_path, source, "quiet")
    with pytest.raises(ManifestError, match="1 mistake"):
        read_manifest(tmp_path, {}, "quiet", network=True)


def test_a_lenient_reading_lists_what_is_not_set(tmp_path: Path) -> None:
    read(tmp_path)
    reading = read_manifest(tmp_path, {}, "prod", lenient=True)
    assert reading.missing["destinations.pg"] == ("POSTGRES_URL",)


def test_an_empty_variable_leaves_a_key_out_that_may_be_left_out(tmp_path: Path) -> None:
    body = """
        sources:
          files:
            type: filesystem
            bucket_url: s3://lake
            credentials: {endpoint_url: "${env:AT:-}", region_name: "${env:IN:-}"}
            resources: {orders: {}}
    """
    without = read(tmp_path, body).manifest.sources["files"].credentials
    assert (without.endpoint_url, without.region_name) == (None, None)
    said = read(tmp_path, body, AT="https://s3.example.com", IN="eu").manifest.sources["files"].credentials
    assert (said.endpoint_url, said.region_name) == ("https://s3.example.com", "eu")
