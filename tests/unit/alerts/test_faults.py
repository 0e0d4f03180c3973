"""Whatever the receivers do, data and status stay, and an alert arrives later, once (faults.md, row "Alerts")."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.document import RunResult, utc_now
from pipeline_cli.ledger import Ledger
from pipeline_cli.manifest.channels import SlackChannel, WebhookChannel
from pipeline_cli.manifest.models import Alert, Pipeline, Plugin
from pipeline_cli.run import exit_code
from tests.servers.json_api import Answer, JsonApi, Request
from tests.servers.smtp import Mail, MailServer, make_certificate, wait_until
from tests.unit.alerts.world import SHORT, email, fail, make_alert_world, outbox
from tests.unit.run.world import World, make_world

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[JsonApi]:
    with JsonApi({"/in": {"ok": True}}) as api:
        yield api


def broken_world(root: Path, channels: dict[str, Any], **rule: Any) -> World:
    world = make_alert_world(root, channels, **rule)
    world.loader.during["api"] = fail()
    return world


def let_time_pass(world: World) -> None:
    """As if the next try of what waits were due."""
    ledger = Ledger.open(world.project.pipeline_dir / "runs.db")
    with ledger.database.transaction() as connection:
        connection.change("UPDATE alerts SET next_try_at = :now", now=utc_now() - timedelta(seconds=1))
    ledger.close()


def check_unharmed(result: RunResult, *warnings: str) -> None:
    """The run is what it would be without alerts, but for its warnings."""
    assert (result.status, exit_code(result)) == ("failed", 1)
    assert len(result.warnings) == len(warnings), result.warnings
    for told, expected in zip(result.warnings, warnings, strict=True):
        assert expected in told


def check_arrives_later_once(world: World, server: MailServer) -> None:
    let_time_pass(world)
    check_unharmed(world.run())
    let_time_pass(world)
    world.run()
    assert server.subjects == ["[shop dev] shop failed at ingest:api"]
    assert [(alert.status, alert.error) for alert in outbox(world)] == [("sent", None)]


def test_a_server_that_refuses_connections_is_tried_by_the_next_run(tmp_path: Path) -> None:
    with MailServer() as gone:
        channel = email(gone, timeout=timedelta(seconds=5))
    world = broken_world(tmp_path, {"email": channel})
    begun = time.monotonic()
    check_unharmed(world.run(), "an alert by email did not arrive, and is kept: 127.0.0.1 cannot be reached")
    assert time.monotonic() - begun < 10
    with MailServer() as server:
        moved = make_alert_world(tmp_path, {"email": email(server)})
        moved.loader.during["api"] = fail()
        check_arrives_later_once(moved, server)


def test_a_server_that_hangs_holds_the_run_up_no_longer_than_its_timeout(
    tmp_path: Path, server: MailServer
) -> None:
    server.hang_s = 30
    world = broken_world(tmp_path, {"email": email(server, timeout=SHORT)})
    begun = time.monotonic()
    check_unharmed(world.run(), "127.0.0.1 did not answer within")
    assert time.monotonic() - begun < 6
    server.hang_s = 0
    check_arrives_later_once(world, server)


def test_a_550_is_kept_and_sent_once_the_server_takes_it(tmp_path: Path, server: MailServer) -> None:
    server.answer_to = lambda address: "550 5.1.1 no such user"
    world = broken_world(tmp_path, {"email": email(server)})
    check_unharmed(world.run(), "refuses every address: ops@example.com (550 5.1.1 no such user)")
    server.answer_to = lambda address: "250 OK"
    check_arrives_later_once(world, server)


def test_a_450_is_tried_again_at_once(tmp_path: Path, server: MailServer) -> None:
    answers = ["450 4.2.0 greylisted"]
    server.answer = lambda mail: answers.pop() if answers else "250 taken"
    world = broken_world(tmp_path, {"email": email(server)})
    check_unharmed(world.run())
    assert len(server.mails) == 1


def test_one_refused_address_of_two_is_a_warning(tmp_path: Path, server: MailServer) -> None:
    server.answer_to = lambda address: "550 gone" if "old" in address else "250 OK"
    world = broken_world(tmp_path, {"email": email(server, to=("new@example.com", "old@example.com"))})
    check_unharmed(world.run(), "alert by email: refused for old@example.com (550 gone)")
    assert [mail.to for mail in server.mails] == [["new@example.com"]]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_signed_is_refused_and_a_known_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    context, pem = make_certificate(tmp_path)
    users = {"pipelines@example.com": "s3cr3t-pass"}
    with MailServer(tls=tls, context=context, users=users) as server:
        channel = email(server, encryption=tls)
        url = server.url.replace("smtp://", "smtp://pipelines%40example.com:s3cr3t-pass@")
        channel = type(channel)(smtp=url, to=channel.to, encryption=tls)
        world = broken_world(tmp_path, {"email": channel})
        check_unharmed(world.run(), "its certificate is refused: self-signed certificate")
        assert server.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        let_time_pass(world)
        check_unharmed(world.run())
    (mail,) = server.mails
    assert (mail.encrypted, mail.user) == (True, "pipelines@example.com")
    assert mail.message["From"] == "pipeline-cli <pipelines@example.com>"


def test_a_server_without_encryption_is_not_told_in_the_clear(tmp_path: Path, server: MailServer) -> None:
    world = broken_world(tmp_path, {"email": email(server, encryption=None)})
    check_unharmed(world.run(), "127.0.0.1 offers no encryption (STARTTLS)")
    assert server.mails == []


def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    with MailServer(users={"me": "right-pass"}) as server:
        channel = email(server)
        wrong = type(channel)(
            smtp=server.url.replace("://", "://me:wrong-pass@"),
            to=channel.to,
            encryption="none",
            sender="a@example.com",
        )
        world = broken_world(tmp_path, {"email": wrong})
        result = world.run()
    check_unharmed(result, "127.0.0.1 answered 535")
    assert "wrong-pass" not in str(result.to_dict())


# -- HTTP ----------------------------------------------------------------------------------------------------


def slack(hooks: JsonApi, **keys: Any) -> SlackChannel:
    return SlackChannel(webhook=f"{hooks.url}/in", **keys)


def test_slack_answering_429_is_waited_for_as_it_asks(tmp_path: Path, hooks: JsonApi) -> None:
    at: list[float] = []

    def limit(_request: Request) -> Answer | None:
        at.append(time.monotonic())
        return Answer({}, 429, {"Retry-After": "1"}) if len(at) == 1 else None

    hooks.fault = limit
    check_unharmed(broken_world(tmp_path, {"slack": slack(hooks)}).run())
    assert len(at) == 2
    assert at[1] - at[0] >= 1


def test_a_wait_that_is_too_long_is_left_to_a_later_run(tmp_path: Path, hooks: JsonApi) -> None:
    hooks.fault = lambda request: Answer({}, 429, {"Retry-After": "3600"})
    world = broken_world(tmp_path, {"slack": slack(hooks)})
    begun = time.monotonic()
    check_unharmed(world.run(), "127.0.0.1 answered 429")
    assert time.monotonic() - begun < 5
    (alert,) = outbox(world)
    assert timedelta(minutes=58) < alert.next_try_at - utc_now() <= timedelta(hours=1)
    hooks.fault = None
    world.run()
    assert hooks.count() == 1, "before its time it is not tried"
    let_time_pass(world)
    world.run()
    assert hooks.count() == 2


def test_a_500_then_200_arrives_once(tmp_path: Path, hooks: JsonApi) -> None:
    answers = [Answer({}, 500), Answer({}, 503)]
    hooks.fault = lambda request: answers.pop() if answers else None
    world = broken_world(tmp_path, {"slack": slack(hooks)})
    check_unharmed(world.run())
    assert (hooks.count(), [alert.status for alert in outbox(world)]) == (3, ["sent"])


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        (Answer({"error": "no"}, 404), "answered 404"),
        (Answer(b"invalid_token", 403), "answered 403 invalid_token"),
        (Answer({}, 500), "answered 500"),
        (Answer(drop=True), "cannot be reached"),
        (Answer(location="http://127.0.0.1:9/"), "answered 302"),
        (Answer({}, delay_s=30), "did not answer within"),
    ],
)
def test_an_address_that_does_not_take_it_is_a_warning_without_the_address(
    tmp_path: Path, hooks: JsonApi, answer: Answer, warning: str
) -> None:
    hooks.fault = lambda request: answer
    channel = SlackChannel(webhook=f"{hooks.url}/services/T0/B0/Xq7canary", timeout=timedelta(seconds=2))
    world = broken_world(tmp_path, {"slack": channel})
    begun = time.monotonic()
    result = world.run()
    assert time.monotonic() - begun < 9
    check_unharmed(result, warning)
    assert "canary" not in str(result.to_dict())


def test_an_https_address_with_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    context, _ = make_certificate(tmp_path)
    with JsonApi({"/in": {}}) as api:
        api._server.socket = context.wrap_socket(api._server.socket, server_side=True)
        channel = WebhookChannel(url=f"{api.url.replace('http', 'https')}/in")
        result = broken_world(tmp_path, {"webhook": channel}).run()
        check_unharmed(result, "its certificate is refused")
        assert api.count() == 0


# -- apart from one another ----------------------------------------------------------------------------------


def test_a_dead_channel_does_not_silence_the_others(
    tmp_path: Path, server: MailServer, hooks: JsonApi
) -> None:
    hooks.fault = lambda request: Answer({}, delay_s=30)
    world = broken_world(tmp_path, {"slack": slack(hooks, timeout=SHORT), "email": email(server)})
    check_unharmed(world.run(), "an alert by slack did not arrive")
    assert len(server.mails) == 1
    assert sorted((alert.channel, alert.status) for alert in outbox(world)) == [
        ("email", "sent"),
        ("slack", "due"),
    ]


def test_the_end_of_an_incident_waits_for_its_beginning(tmp_path: Path, server: MailServer) -> None:
    server.answer = lambda mail: "550 no"
    world = broken_world(tmp_path, {"email": email(server)})
    world.run()
    server.answer = lambda mail: "250 taken"
    world.loader.during.clear()
    world.run()  # the beginning's next try is a minute away
    assert server.mails == []
    let_time_pass(world)
    world.run()
    assert [subject.split(" after")[0] for subject in server.subjects] == [
        "[shop dev] shop failed at ingest:api",
        "[shop dev] shop is well again",
    ]


def test_after_its_deadline_an_alert_is_given_up_with_a_warning(tmp_path: Path, server: MailServer) -> None:
    server.answer = lambda mail: "550 no"
    world = broken_world(tmp_path, {"email": email(server)}, deadline=SHORT)
    world.run()
    time.sleep(1.1)
    server.answer = lambda mail: "250 taken"
    result = world.run()
    check_unharmed(result, "an alert by email was given up, its deadline is over: 127.0.0.1 answered 550 no")
    assert server.mails == []
    assert [alert.status for alert in outbox(world)] == ["given_up"]


def test_a_plugin_that_sends_may_raise_or_hang(tmp_path: Path, server: MailServer) -> None:
    rule = (Alert(to=("pigeon", "email")),)
    plugins: dict[str, Any] = {"pigeon": Plugin(timeout=SHORT), "email": email(server)}
    pipelines = {"shop": Pipeline(sources=("api",), alerts=rule)}
    world = make_world(tmp_path, pipelines, plugins=plugins)
    world.loader.during["api"] = fail()
    world.plugin("pigeon", "import time\n@hookimpl\ndef send_alert(alert): time.sleep(60)\n")
    check_unharmed(world.run(), "an alert by pigeon did not arrive, and is kept: it did not return")
    world.plugin("pigeon", "@hookimpl\ndef send_alert(alert): raise OSError('lost')\n")
    let_time_pass(world)
    check_unharmed(world.run(), "an alert by pigeon did not arrive, and is kept: OSError: lost")
    world.plugin(
        "pigeon",
        "import pathlib\n@hookimpl\ndef send_alert(alert):"
        " pathlib.Path(__file__).with_name('post.txt').write_text(alert['title'])\n",
    )
    let_time_pass(world)
    check_unharmed(world.run())
    assert (tmp_path / "plugins" / "post.txt").read_text() == "shop failed at ingest:api"
    assert len(server.mails) == 1


def test_several_processes_that_send_at_once_send_each_alert_once(tmp_path: Path, server: MailServer) -> None:
    server.answer = lambda mail: "550 no"
    rule = (Alert(to=("email",)),)
    pipelines = {name: Pipeline(sources=(name,), alerts=rule) for name in ("a", "b", "c")}
    world = make_alert_world(tmp_path, {"email": email(server)}, pipelines=pipelines)
    world.loader.during = {name: fail() for name in pipelines}
    for name in pipelines:
        world.run(name)
    let_time_pass(world)
    server.answer, server.hang_s = lambda mail: "250 taken", 0.05
    children = [
        subprocess.Popen([sys.executable, "-c", SENDER, str(tmp_path), server.url], cwd=ROOT)
        for _ in range(4)
    ]
    assert [child.wait(60) for child in children] == [0] * 4
    assert sorted(server.subjects) == [f"[shop dev] {name} failed at ingest:{name}" for name in pipelines]


SENDER = """
import sys
from pathlib import Path
from pipeline_cli.alerts.delivery import Deliverer
from pipeline_cli.alerts.ways import find_ways
from pipeline_cli.ledger import Ledger
from pipeline_cli.manifest.channels import EmailChannel
from pipeline_cli.plugins.manager import PluginManager
from tests.unit.alerts.world import make_alert_world
channel = EmailChannel(smtp=sys.argv[2], to=("ops@example.com",), sender="p@example.com", encryption="none")
project = make_alert_world(Path(sys.argv[1]), {"email": channel}).project
ledger = Ledger.open(project.pipeline_dir / "runs.db")
done = Deliverer(project, ledger.alerts, find_ways(project, PluginManager({}, print))).deliver()
assert all(each.status == "sent" for each in done), done
"""


# -- kill -9 -------------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from pipeline_cli.manifest.channels import EmailChannel
from tests.unit.alerts.world import fail, make_alert_world
channel = EmailChannel(smtp=sys.argv[2], to=("ops@example.com",), sender="p@example.com", encryption="none")
world = make_alert_world(Path(sys.argv[1]), {"email": channel})
def hang(request):
    request.cancelled.wait(60)
    fail("cut off")(request)
world.loader.during["api"] = fail() if sys.argv[3] == "fail" else hang
world.run()
"""


def start_child(root: Path, server: MailServer, what: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(root), server.url, what], cwd=ROOT)


def test_a_kill_between_sending_and_noting_sends_the_same_mail_again(
    tmp_path: Path, server: MailServer
) -> None:
    children: list[subprocess.Popen[bytes]] = []

    def kill(_mail: Mail) -> None:  # the mail is taken, the answer is not out yet
        os.kill(children[0].pid, signal.SIGKILL)
        children[0].wait()

    server.after = kill
    children.append(start_child(tmp_path, server, "fail"))
    wait_until(lambda: len(server.mails) == 1, 30)
    assert children[0].wait() == -signal.SIGKILL
    server.after = lambda mail: None
    world = broken_world(tmp_path, {"email": email(server, sender="p@example.com")})
    assert [alert.status for alert in outbox(world)] == ["sending"]
    world.run()
    world.run()
    first, second = server.mails
    assert first.id == second.id, "the receiver sees that it is the same"
    assert first.message["X-Pipeline-Cli-Alert"] == second.message["X-Pipeline-Cli-Alert"]
    assert "may have come before" in second.html
    assert [alert.status for alert in outbox(world)] == ["sent"]


def test_a_run_that_is_killed_is_told_of_by_the_next_before_that_one_works(
    tmp_path: Path, server: MailServer
) -> None:
    child = start_child(tmp_path, server, "hang")
    ledger = Ledger.open(tmp_path / ".pipeline" / "runs.db")
    wait_until(lambda: bool(ledger.recent()) and "running" in str(ledger.recent()[0].pipelines), 30)
    child.kill()
    child.wait()
    ledger.close()
    world = make_alert_world(tmp_path, {"email": email(server)})
    world.loader.news["api"] = 1
    world.loader.during["api"] = lambda request: wait_until(lambda: len(server.mails) == 1)
    assert world.run().status == "succeeded"
    assert "[shop dev] shop failed at ingest:api" in server.subjects[0]
    assert "The run ended without a word" in server.mails[0].text
    assert server.subjects[1].startswith("[shop dev] shop is well again")
    world.loader.during.clear()
    world.run()
    assert len(server.mails) == 2, server.subjects


@pytest.mark.parametrize(
    ("number", "subjects"),
    [(signal.SIGTERM, ["[shop dev] shop failed at ingest:api"]), (signal.SIGINT, [])],
)
def test_a_run_that_is_terminated_tells_and_one_that_somebody_stopped_does_not(
    tmp_path: Path, server: MailServer, number: int, subjects: list[str]
) -> None:
    child = start_child(tmp_path, server, "hang")
    ledger = Ledger.open(tmp_path / ".pipeline" / "runs.db")
    wait_until(lambda: bool(ledger.recent()) and "running" in str(ledger.recent()[0].pipelines), 30)
    child.send_signal(number)
    child.wait(30)
    ledger.close()
    assert server.subjects == subjects
    assert all("The run was terminated" in mail.text for mail in server.mails)
