"""Channels below plugins, and the alerts of pipelines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.channels import EmailChannel, SlackChannel, WebhookChannel
from pipeline_cli.manifest.models import Alert, Plugin
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
