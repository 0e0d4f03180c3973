"""Incidents and the outbox in the ledger, in a file and on a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_cli.document import RunResult
from pipeline_cli.ledger import AlertNews, DueAlert, Incident, Ledger, RunEntry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
INCIDENT = Incident(
    "i1",
    "dev",
    "shop",
    "failure",
    "",
    "abc",
    "ingest:api failed",
    NOW,
    NOW,
    told=("s1",),
    steps=("ingest:api",),
)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    where = tmp_path / "runs.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    ledger = Ledger.open(where)
    yield ledger
    ledger.close()


def due(alert_id: str, channel: str = "email", incidents: tuple[str, ...] = ("i1",)) -> DueAlert:
    content = {"title": "shop failed"}
    return DueAlert(
        alert_id, "dev", channel, "failure", None, incidents, content, NOW, NOW + timedelta(days=1)
    )


def test_an_incident_is_open_until_it_is_closed(ledger: Ledger) -> None:
    store = ledger.alerts
    store.write(AlertNews([INCIDENT]))
    (found,) = store.open_incidents("dev")
    assert (found.opened_at, list(found.told), list(found.steps)) == (NOW, ["s1"], ["ingest:api"])
    assert store.open_incidents("prod") == []
    store.write(AlertNews([replace(found, closed_at=NOW)]))
    assert store.open_incidents("dev") == []
    assert [each.closed_at for each in store.recent_incidents(None, 5)] == [NOW]


def test_an_alert_is_sent_once_and_in_its_order(ledger: Ledger) -> None:
    store = ledger.alerts
    store.write(AlertNews([INCIDENT], [due("b"), due("a")]))
    store.write(AlertNews([], [due("b")]))  # the same again
    assert [each.alert_id for each in store.unsent("dev")] == ["b", "a"]
    assert store.last_told(["i1"]) == {("i1", "email"): NOW}
    claimed = store.claim("b", NOW)
    assert claimed is not None
    assert (claimed.tries, claimed.repeated) == (1, False)
    assert store.claim("b", NOW) is None, "another has it"
    store.note_sent("b", NOW, "250 ok")
    assert store.claim("b", NOW) is None
    assert [each.alert_id for each in store.unsent("dev")] == ["a"]
    store.give_up("a")
    assert store.unsent("dev") == []


def test_what_a_dead_process_was_sending_is_taken_over(ledger: Ledger) -> None:
    store = ledger.alerts
    store.write(AlertNews([], [due("a")]))
    assert store.claim("a", NOW)
    with ledger.database.transaction() as connection:
        connection.change("UPDATE alerts SET process_start = 'another'")
    claimed = store.claim("a", NOW)
    assert claimed is not None
    assert (claimed.repeated, claimed.tries) == (True, 2)


def test_alerts_are_written_with_the_end_of_their_run_or_not_at_all(ledger: Ledger) -> None:
    ledger.start_run(RunEntry("r1", "dev", "run", {"shop": []}, NOW))
    unwritable = replace(due("x"), content={"title": object()})  # no JSON
    result = RunResult("r1", "dev", "failed", NOW)
    with pytest.raises(Exception, match="object"):
        ledger.finish_run(result, NOW, AlertNews([INCIDENT], [due("a"), unwritable]))
    assert ledger.recent()[0].status == "running"
    assert (ledger.alerts.unsent("dev"), ledger.alerts.open_incidents("dev")) == ([], [])
    ledger.finish_run(result, NOW, AlertNews([INCIDENT], [due("a")]))
    assert ledger.recent()[0].status == "failed"
    assert len(ledger.alerts.unsent("dev")) == 1


def test_an_older_ledger_gets_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old = Ledger.open(path)
    with old.database.transaction() as connection:
        for name in ("alerts", "incidents", "judged_runs"):
            connection.change(f"DROP TABLE {name}")
    old.close()
    ledger = Ledger.open(path)
    assert ledger.alerts.unsent("dev") == []
    ledger.close()


def test_old_alerts_go_but_for_what_is_due_or_open(ledger: Ledger) -> None:
    store = ledger.alerts
    open_one, over = (
        replace(INCIDENT, incident_id="open"),
        replace(INCIDENT, incident_id="over", closed_at=NOW),
    )
    given = [
        due("arrived", incidents=("over",)),
        due("given up", incidents=("over",)),
        due("told of what is open", incidents=("over", "open")),
        due("waiting", incidents=("over",)),
        due("being sent", incidents=("over",)),
        due("newest", incidents=()),
    ]
    store.write(AlertNews([open_one, over], given))
    for alert_id in ("arrived", "told of what is open", "newest"):
        store.note_sent(alert_id, NOW, "250 OK")
    store.give_up("given up")
    assert store.claim("being sent", NOW) is not None

    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert ledger.prune("prod", alerts_before=after, slots_before=after) == 0
    assert ledger.prune("dev", alerts_before=before, slots_before=after) == 0
    assert ledger.prune("dev", alerts_before=after, slots_before=after) == 3

    left = {each.alert_id for each in store.recent_alerts(None, 9)}
    assert left == {"told of what is open", "waiting", "being sent", "newest"}
    assert [each.incident_id for each in store.recent_incidents(None, 9)] == ["open"]
    assert store.last_told(["open"]) == {("open", "email"): NOW}
    store.write(AlertNews([], [due("next")]))
    assert [each.alert_id for each in store.unsent("dev")] == ["waiting", "being sent", "next"]
