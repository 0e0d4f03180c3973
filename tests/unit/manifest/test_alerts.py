"""Channels below plugins, and the alerts of pipelines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.channels import EmailChannel, SlackChannel, WebhookChannel
from pipeline_cli.manifest.models import Alert, Plugin
from pipeline_cli.manifest.openlineage import OpenLineage
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, mistakes_of, only, read, write

PLUGINS = 'plugins: {email: {smtp: "${env:SMTP_URL:-smtp://mail.example.com}", to: [ops@example.com]}, shout: {a: 1}}\n'
ALL = HEAD + PLUGINS + "pipelines:\n  all:\n    alerts: "


def alerts_of(root: Path, alerts: str) -> tuple[Alert, ...]:
    write(root, ALL + alerts + "\n")
    return read_manifest(root, {}).manifest.pipelines["all"].alerts


def test_an_alert_tells_failures_and_recoveries_and_reminds_daily(tmp_path: Path) -> None:
    day = timedelta(days=1)
    assert alerts_of(tmp_path, "[{to: email}]") == (
        Alert(
            to=("email",),
            when=("failure", "recovery", "service_level", "monitor"),
            reminder=day,
            deadline=day,
            attach=("html", "csv", "pdf"),
            environments=(),
        ),
    )


def test_a_channel_is_told_by_its_name_or_its_type(tmp_path: Path) -> None:
    body = """\
plugins:
  email: {smtp: "smtps://mail.example.com", to: [a@example.com, b@example.com], timeout: 5s}
  ops: {type: slack, webhook: "${env:HOOK}"}
  shout: {type: loud}
"""
    manifest = read(tmp_path, body, HOOK="https://hooks.slack.com/x").manifest
    assert list(manifest.channels) == ["email", "ops"]
    assert manifest.channels["email"] == EmailChannel(
        smtp="smtps://mail.example.com",
        to=("a@example.com", "b@example.com"),
        timeout=timedelta(seconds=5),
    )
    assert manifest.channels["ops"] == SlackChannel(type="slack", webhook="https://hooks.slack.com/x")
    assert manifest.own_plugins == {"shout": Plugin(options={"type": "loud"})}


def test_a_plugin_of_the_project_takes_the_place_of_a_channel_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, "", {"plugins/webhook.py": ""})
    assert read(tmp_path, "plugins: {webhook: {anything: 1}}\n").manifest.own_plugins["webhook"]


def test_a_channel_in_a_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "", {"plugins/webhook.yaml": "url: https://example.com/in\nbody: {text: '{title}'}\n"})
    found = read(tmp_path).manifest.channels["webhook"]
    assert found == WebhookChannel(url="https://example.com/in", body={"text": "{title}"})


@pytest.mark.parametrize(
    ("alerts", "code", "place", "message"),
    [
        ("[{to: emial}]", codes.UNKNOWN_NAME, (14, 19), "'emial' is not one of the plugins."),
        ("[{when: failure}]", codes.MISSING_KEY, (14, 14), "alerts needs the key to."),
        ("[{to: email, when: fialure}]", codes.NOT_A_CHOICE, (14, 32), "when must be one of failure,"),
        ("[{to: email, when: []}]", codes.WRONG_VALUE, (14, 32), "when is empty."),
        ("[{to: []}]", codes.WRONG_VALUE, (14, 19), "to is empty."),
        (
            "[{to: email, when: report}]",
            codes.WRONG_VALUE,
            (14, 32),
            "this pipeline has no report to tell of.",
        ),
        ("[{to: email, reminder: 24}]", codes.WRONG_VALUE, (14, 36), "reminder must be a duration"),
        ("[{to: email, reminder: 1s}]", codes.WRONG_VALUE, (14, 36), "reminder must be at least 60 seconds"),
        ("[{to: email, environments: prd}]", codes.UNKNOWN_NAME, (14, 40), "'prd' is not one of the environ"),
        ("{to: email}", codes.WRONG_SHAPE, (14, 13), "alerts must be a list, and this is a map."),
    ],
)
def test_mistakes_in_alerts_are_told_where_they_stand(
    tmp_path: Path, alerts: str, code: str, place: tuple[int, int], message: str
) -> None:
    write(tmp_path, ALL + alerts + "\n")
    found = only(mistakes_of(tmp_path))
    assert (found.code, found.line, found.column) == (code, *place), found
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("plugins", "code", "message"),
    [
        ("email: {smtp: smtp://mail.example.com}", codes.MISSING_KEY, "email needs the key to."),
        (
            "email: {smtp: 'smtp://me:hunter22@mail', to: a@b.c}",
            codes.PLAIN_SECRET,
            "the password in this URL is a secret",
        ),
        ("slack: {webhook: 'https://hooks.slack.com/x'}", codes.PLAIN_SECRET, "webhook is a secret"),
        ("ops: {type: slack, webhok: a}", codes.UNKNOWN_KEY, "ops does not know the key 'webhok'."),
        ("webhook: {url: 'ftp://a/b'}", codes.BAD_URL, "url: 'ftp://a/b'"),
    ],
)
def test_mistakes_in_channels_are_told(tmp_path: Path, plugins: str, code: str, message: str) -> None:
    write(tmp_path, HEAD + "plugins:\n  " + plugins + "\npipelines: {all: {}}\n")
    found = only(mistakes_of(tmp_path))
    assert (found.code, found.line) == (code, 12), found
    assert found.message.startswith(message)


def test_openlineage_is_a_receiver_and_no_channel(tmp_path: Path) -> None:
    body = """\
plugins:
  openlineage: {url: "https://marquez.example.com", token: "${env:T0KEN}", deadline: 1m}
  audit: {type: openlineage, file: events.jsonl, namespace: acme}
  email: {smtp: "smtps://mail.example.com", to: a@example.com}
"""
    reading = read(tmp_path, body)
    manifest = reading.manifest
    assert (list(manifest.channels), list(manifest.own_plugins)) == (["email"], [])
    assert list(manifest.lineage_receivers) == ["openlineage", "audit"]
    assert manifest.lineage_receivers["audit"] == OpenLineage(
        file="events.jsonl", namespace="acme", type="openlineage"
    )
    assert reading.missing["plugins.openlineage"] == ("T0KEN",)


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("{namespace: acme}", codes.MISSING_KEY, "openlineage needs the key url or file."),
        ("", codes.MISSING_KEY, "openlineage needs the key url or file."),
        (
            '{url: "http://m:5000", file: events.jsonl}',
            codes.WRONG_VALUE,
            "openlineage has a url and a file: events go to one of them.",
        ),
        ("{file: ../../events.jsonl}", codes.BAD_PATH, None),
        ('{url: "ftp://m"}', codes.BAD_URL, None),
        ('{url: "http://m", token: plain-text-t0ken}', codes.PLAIN_SECRET, None),
    ],
)
def test_a_receiver_has_one_place(tmp_path: Path, entry: str, code: str, message: str | None) -> None:
    write(tmp_path, f"{HEAD}plugins:\n  openlineage: {entry}\npipelines: {{all: {{}}}}\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line) == (code, 12)
    assert message in (None, mistake.message)


def test_no_alert_goes_to_openlineage(tmp_path: Path) -> None:
    write(
        tmp_path,
        f"{HEAD}plugins: {{openlineage: {{file: x.jsonl}}}}\npipelines:\n  all:\n    alerts: [{{to: [openlineage]}}]\n",
    )
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line) == (codes.WRONG_KIND, 14)
    assert mistake.message == "'openlineage' takes OpenLineage events, and no alerts."


def test_a_plugin_of_one_s_own_may_be_called_openlineage(tmp_path: Path) -> None:
    write(
        tmp_path,
        f"{HEAD}plugins: {{openlineage: {{a: 1}}}}\npipelines: {{all: {{}}}}\n",
        {"plugins/openlineage.py": ""},
    )
    assert list(read_manifest(tmp_path, {}).manifest.own_plugins) == ["openlineage"]
