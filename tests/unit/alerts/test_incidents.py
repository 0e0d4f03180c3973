"""The same trouble is one incident: told once, quiet until it changes, reminded of, and its end told once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.document import CheckResult
from pipeline_cli.ledger import Ledger
from pipeline_cli.manifest.models import Alert, Pipeline
from tests.servers.smtp import MailServer
from tests.unit.alerts.world import email, fail, make_alert_world, outbox
from tests.unit.run.world import World


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, server: MailServer) -> World:
    world = make_alert_world(tmp_path, {"email": email(server)})
    world.loader.news["api"] = 3
    return world


def failing(world: World, message: str = "the API answered 500") -> None:
    world.loader.during["api"] = fail(message)


def well(world: World) -> None:
    world.loader.during.clear()


def make_older(world: World, by: timedelta) -> None:
    """As if all alerts had been made that much earlier."""
    ledger = Ledger.open(world.project.pipeline_dir / "runs.db")
    with ledger.database.transaction() as connection:
        for row in connection.rows("SELECT alert_id, created_at FROM alerts"):
            connection.change(
                "UPDATE alerts SET created_at = :moved WHERE alert_id = :alert_id",
                moved=row.created_at - by,
                alert_id=row.alert_id,
            )
    ledger.close()


def test_a_run_that_succeeds_tells_nobody(world: World, server: MailServer) -> None:
    world.run()
    assert (server.mails, outbox(world)) == ([], [])


def test_the_same_failure_three_times_is_one_alert_and_its_end_is_told_once(
    world: World, server: MailServer
) -> None:
    failing(world)
    runs = [world.run() for _ in range(3)]
    assert [run.status for run in runs] == ["failed"] * 3
    assert server.subjects == ["[shop dev] shop failed at ingest:api"]
    well(world)
    for _ in range(3):
        world.run()
    assert len(server.mails) == 2
    assert server.subjects[1].startswith("[shop dev] shop is well again after ")
    assert server.mails[1].message["References"] == server.mails[0].message["References"]


def test_numbers_that_differ_are_no_change_and_other_words_are(world: World, server: MailServer) -> None:
    for message in ("timeout after 31 s (request 0x7f3a)", "timeout after 29 s (request 0x11bc)"):
        failing(world, message)
        world.run()
    assert len(server.mails) == 1
    failing(world, "no grant on table orders")
    world.run()
    assert server.subjects[1:] == ["[shop dev] shop fails in another way at ingest:api"]
    failing(world, "timeout after 5 s (request 0x11bc)")
    world.run()
    assert len(server.mails) == 2, "what was told before is not told again"


def test_another_step_that_fails_is_a_change(world: World, server: MailServer) -> None:
    failing(world)
    world.run()
    well(world)
    world.loader.news["api"] = 1
    world.engine.checks = [CheckResult("unique(id)", "failed", failures=3)]
    world.run()
    assert server.subjects[1:] == ["[shop dev] shop fails in another way at test:marts"]
    assert "Failing check: unique(id): 3 rows" in server.mails[1].text


def test_a_reminder_comes_after_its_time_and_once(world: World, server: MailServer) -> None:
    failing(world)
    world.run()
    make_older(world, timedelta(hours=23))
    world.run()
    assert len(server.mails) == 1
    make_older(world, timedelta(hours=1))
    world.run()
    world.run()
    assert server.subjects[1:] == ["[shop dev] shop still fails at ingest:api"]
    assert "seen in 3 runs" in server.mails[1].text


def test_a_part_of_the_pipeline_that_succeeds_does_not_end_the_incident(
    world: World, server: MailServer
) -> None:
    failing(world)
    world.run()
    assert world.run(start="transform").status in ("succeeded", "unchanged")
    assert len(server.mails) == 1
    well(world)
    world.run()
    assert len(server.mails) == 2


def test_two_pipelines_of_a_run_are_one_mail_and_their_ends_are_told_apart(
    tmp_path: Path, server: MailServer
) -> None:
    rule = (Alert(to=("email",)),)
    pipelines = {
        "shop": Pipeline(sources=("api",), transforms=("marts",), alerts=rule),
        "crm": Pipeline(sources=("api",), transforms=("crm",), alerts=rule),
        "quiet": Pipeline(sources=("api",)),
    }
    world = make_alert_world(tmp_path, {"email": email(server)}, pipelines=pipelines)
    failing(world)
    world.run()
    assert server.subjects == ["[shop dev] shop and crm failed"]
    assert server.mails[0].text.count("Stopped: ") == 2
    assert "quiet" not in server.mails[0].text
    well(world)
    world.run("crm")
    assert [subject.split(" after")[0] for subject in server.subjects[1:]] == ["[shop dev] crm is well again"]
    world.run("shop")
    assert server.subjects[2].startswith("[shop dev] shop is well again")


def test_the_first_failing_step_leads_and_what_it_stopped_is_listed(
    tmp_path: Path, server: MailServer
) -> None:
    rule = (Alert(to=("email",)),)
    pipelines = {"shop": Pipeline(sources=("slow", "fast"), transforms=("marts",), alerts=rule)}
    world = make_alert_world(tmp_path, {"email": email(server)}, pipelines=pipelines)

    def late(request: object) -> None:
        import time

        time.sleep(0.5)
        fail("slow is down")(request)

    world.loader.during = {"slow": late, "fast": fail("fast is down")}
    world.run()
    mail = server.mails[0]
    assert mail.subject == "[shop dev] shop failed at ingest:fast"
    assert "Also failed: ingest:slow: slow is down" in mail.text
    assert "Stopped: transform:marts, test:marts" in mail.text


def test_an_alert_of_another_environment_is_not_made(tmp_path: Path, server: MailServer) -> None:
    world = make_alert_world(tmp_path, {"email": email(server)}, environments=("prod",))
    failing(world)
    world.run()
    assert (server.mails, outbox(world)) == ([], [])


def test_plugins_hear_of_incidents(world: World) -> None:
    world.plugin(
        "ears",
        """
import pathlib
def note(word, incident):
    with pathlib.Path(__file__).with_name("heard.txt").open("a") as file:
        file.write(f"{word} {incident['pipeline']} {incident['summary']}\\n")
@hookimpl
def incident_opened(incident): note("opened", incident)
@hookimpl
def incident_closed(incident): note("closed", incident)
""",
    )
    failing(world)
    world.run()
    world.run()
    well(world)
    world.run()
    heard = (world.project.root / "plugins" / "heard.txt").read_text().splitlines()
    assert heard == [
        "opened shop ingest:api failed: the API answered 500",
        "closed shop ingest:api failed: the API answered 500",
    ]
