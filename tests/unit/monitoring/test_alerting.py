"""What a look finds is one incident and one mail, until it is over; what a run has told is not told again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.document import utc_now
from pipeline_cli.ledger import AlertNews, Incident
from pipeline_cli.ledger.observations import Observations
from pipeline_cli.manifest.models import Alert, Monitor, Pipeline
from pipeline_cli.monitoring.alerting import tell
from pipeline_cli.monitoring.judging import judge
from pipeline_cli.monitoring.looking import look_at
from tests.servers.smtp import MailServer
from tests.unit.alerts.world import email
from tests.unit.monitoring.world import DAY, HOUR, NOON, World, opened, shop


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, server: MailServer) -> Iterator[World]:
    with opened(tmp_path) as world:
        world.plugins = {"email": email(server)}
        yield world


def monitor(world: World, names: tuple[str, ...] = (), **keys: Any) -> AlertNews:
    """Look at all pipelines and tell; keys: of the pipeline `shop`."""
    keys = {"alerts": (Alert(to=("email",)),), **keys}
    project = world.project(
        {"shop": shop(**keys), "other": Pipeline(sources=("api",), alerts=keys["alerts"])}
    )
    seen = Observations(world.ledger.database, world.environment)
    healths = [
        judge(look_at(project.manifest, seen, name, world.now, option=project.command_option))
        for name in names or ("shop",)
    ]
    warnings: list[str] = []
    news = tell(project, world.ledger, healths, lambda: world.now, warnings.append)
    assert warnings == []
    return news


def text_of(server: MailServer, number: int = -1) -> str:
    body = server.mails[number].message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_run_that_did_not_come_is_told_once_and_its_end_once(world: World, server: MailServer) -> None:
    world.run(5 * DAY)
    for _ in range(3):
        news = monitor(world)
    assert (news.opened, server.subjects) == ([], ["[shop dev] shop is late"])
    text = text_of(server)
    assert "The last run began 5 d ago; one is expected every 2 d." in text
    assert "pipeline-cli run shop" in text
    assert "19 Nov 2026" not in text.split("Since")[0]
    world.run(HOUR)
    for _ in range(3):
        monitor(world)
    assert len(server.mails) == 2
    assert server.subjects[1].startswith("[shop dev] shop is well again after ")
    assert "since this run" not in text_of(server)


def test_each_trouble_is_an_incident_and_one_look_is_one_mail(world: World, server: MailServer) -> None:
    world.runs(5)
    world.run(2 * HOUR, HOUR, rows=5000, rejected=600)
    news = monitor(world)
    assert [each.subject for each in news.opened] == ["duration", "rows api.items", "quarantine api.items"]
    assert server.subjects == ["[shop dev] shop is not as usual"]
    assert all(words in text_of(server) for words in ("took 1 h", "5,000 rows", "600 of 5,000"))


def test_trouble_that_lasts_is_told_again_after_the_reminder(world: World, server: MailServer) -> None:
    world.run(2 * HOUR, rejected=50)
    monitor(world)
    world.now = NOON + timedelta(hours=23)
    monitor(world)
    assert len(server.mails) == 1
    world.now = NOON + timedelta(hours=25)
    monitor(world)
    assert server.subjects[1:] == ["[shop dev] shop is still not as usual"]


def test_a_failure_that_no_run_has_told_of_is_told_with_its_step(world: World, server: MailServer) -> None:
    run_id = world.run(HOUR, failed="ingest:api", tries=2)
    monitor(world)
    monitor(world)
    assert server.subjects == ["[shop dev] shop failed at ingest:api"]
    assert f"pipeline-cli logs {run_id} --step ingest:api" in text_of(server)
    assert "at try 2: the API answered 500" in text_of(server)


@pytest.mark.parametrize(
    ("kind", "subject", "run"),
    [
        ("failure", "", {"failed": "ingest:api"}),
        ("contract", "api.items", {"rejected": 50}),
    ],
)
def test_what_a_run_has_told_is_not_told_again(
    world: World, server: MailServer, kind: str, subject: str, run: dict[str, Any]
) -> None:
    seen = NOON - HOUR
    told = Incident("1", "dev", "shop", kind, subject, "", "as its run saw it", seen, seen, told=[], steps=[])
    world.ledger.alerts.write(AlertNews([told]))
    world.run(HOUR, **run)
    alerts = (Alert(to=("email",), when=("monitor", "recovery")),)
    assert (monitor(world, alerts=alerts).opened, server.mails) == ([], [])
    assert world.ledger.alerts.open_incidents("dev") == [told]


def test_a_failure_is_over_by_a_run_and_not_by_a_look(world: World, server: MailServer) -> None:
    world.run(2 * HOUR, failed="ingest:api")
    monitor(world)
    world.run(HOUR)
    assert monitor(world).closed == []
    assert [each.kind for each in world.ledger.alerts.open_incidents("dev")] == ["failure"]


def test_whoever_interrupted_a_run_is_not_told_of_it(world: World, server: MailServer) -> None:
    world.run(HOUR, status="interrupted")
    assert (monitor(world).opened, server.mails) == ([], [])


def test_a_run_that_was_killed_is_told_by_the_next_look(world: World, server: MailServer) -> None:
    world.now = utc_now()
    run_id = world.run(NOON - world.now + HOUR, status="interrupted")
    with world.ledger.database.transaction() as connection:
        connection.change(
            "UPDATE runs SET document = NULL, error = :error WHERE run_id = :run_id",
            error="process 7 on host ended without closing the run",
            run_id=run_id,
        )
    world.now = utc_now() + timedelta(minutes=1)
    for _ in range(2):
        monitor(world)
    assert server.subjects == ["[shop dev] shop failed at test:marts"]
    assert f"pipeline-cli retry {run_id}" in text_of(server)


def test_a_look_at_one_pipeline_does_not_end_the_troubles_of_another(
    world: World, server: MailServer
) -> None:
    world.run(5 * DAY)
    world.run(HOUR, pipeline="other", steps=("ingest:api",))
    assert len(monitor(world).opened) == 1
    assert monitor(world, ("other",)).closed == []
    assert [each.pipeline for each in world.ledger.alerts.open_incidents("dev")] == ["shop"]


def test_only_those_are_told_who_want_to_hear_of_it(world: World, server: MailServer) -> None:
    world.run(2 * HOUR, rejected=50)
    monitor(world, alerts=(Alert(to=("email",), when=("failure", "service_level")),))
    assert server.mails == []
    monitor(world, alerts=(Alert(to=("email",), when=("monitor",)),))
    assert len(server.mails) == 1


def test_a_service_level_is_a_moment_of_plugins(world: World, server: MailServer, tmp_path: Path) -> None:
    hooks = """from pathlib import Path
from pipeline_cli import hookimpl

@hookimpl
def service_level_missed(incident):
    with Path(__file__).with_name("heard").open("a") as file:
        file.write(f"{incident['pipeline']} {incident['summary']}\\n")
"""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "listen.py").write_text(hooks)
    world.run(2 * HOUR, HOUR)
    for _ in range(2):
        monitor(world, alerts=(), service_level=timedelta(minutes=30))
    heard = (tmp_path / "plugins" / "heard").read_text()
    assert heard == "shop the last run took 1 h; it had to succeed within 30 minutes\n"


def test_without_anyone_to_tell_nothing_is_written(world: World, server: MailServer) -> None:
    world.run(5 * DAY)
    project = world.project({"shop": shop(monitor=Monitor(every=DAY))})
    health = world.look(monitor=Monitor(every=DAY))
    assert tell(project, world.ledger, [health], lambda: world.now, lambda _: None) == AlertNews()
    assert world.ledger.alerts.recent_incidents(None, 9) == []
