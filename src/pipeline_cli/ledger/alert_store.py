"""Incidents and the outbox of alerts in the ledger. Every change is its own short transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipeline_cli.ledger.alert_entries import AlertNews, Incident, StoredAlert
from pipeline_cli.ledger.alert_tables import alerts, incidents, judged_runs
from pipeline_cli.ledger.connection import Connection, Database, Row
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.entries import OPERATIONS
from pipeline_cli.ledger.processes import ProcessIdentity

_OF_ALERT = ("alert_id", "channel", "kind", "run_id", "incidents", "content", "created_at", "deadline_at")
_OF_SENDING = ("status", "next_try_at", "tries", "error", "sent_at")


class AlertStore:
    """The incidents and alerts of all environments. Safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # -- incidents -------------------------------------------------------------------------------------------

    def open_incidents(self, environment: str) -> list[Incident]:
        """Those that are not over, oldest first."""
        query = (
            "SELECT * FROM incidents WHERE environment = :environment AND closed_at IS NULL "
            "ORDER BY opened_at, incident_id"
        )
        with reading(self.database) as connection:
            return [Incident(**row) for row in connection.rows(query, environment=environment)]

    def recent_incidents(self, environment: str | None, limit: int) -> list[Incident]:
        """The newest first, open and closed ones."""
        query = (
            f"SELECT * FROM incidents {_of(environment)} ORDER BY opened_at DESC, incident_id LIMIT :limit"
        )
        with reading(self.database) as connection:
            return [Incident(**row) for row in connection.rows(query, environment=environment, limit=limit)]

    def last_told(self, incident_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
        """(incident, channel) -> when an alert on it was last made, unless that was given up."""
        told: dict[tuple[str, str], datetime] = {}
        query = (
            "SELECT incidents, channel, created_at FROM alerts WHERE status <> 'given_up' ORDER BY created_at"
        )
        with reading(self.database) as connection:
            for row in connection.rows(query):
                told.update({(each, row.channel): row.created_at for each in row.incidents})
        return {key: moment for key, moment in told.items() if key[0] in set(incident_ids)}

    def write(self, news: AlertNews) -> None:
        """Write incidents and due alerts in one transaction."""
        with changing(self.database) as connection:
            write_news(connection, news)

    def died_unjudged(self, environment: str, since: datetime) -> list[Row]:
        """The runs after `since` that died without closing and that no alert has told of yet, oldest first.

        Rows with run_id, started_at, ended_at, selection and error.
        """
        query = (
            "SELECT * FROM runs WHERE environment = :environment AND status = 'interrupted' "
            "AND started_at > :since AND document IS NULL AND command NOT IN :attended "
            "AND run_id NOT IN (SELECT run_id FROM judged_runs) ORDER BY started_at"
        )
        attended = tuple(OPERATIONS)  # somebody stood beside them
        with reading(self.database) as connection:
            return connection.rows(query, environment=environment, since=since, attended=attended)

    def loaded_before(self, environment: str, source: str, run_id: str) -> bool:
        """Whether a run before this one has loaded the source."""
        query = (
            "SELECT loads.id FROM loads JOIN runs ON runs.run_id = loads.run_id "
            "WHERE runs.environment = :environment AND loads.source = :source AND loads.run_id <> :run_id "
            "AND loads.status IN ('succeeded', 'unchanged') LIMIT 1"
        )
        with reading(self.database) as connection:
            found = connection.row(query, environment=environment, source=source, run_id=run_id)
        return found is not None

    # -- the outbox ------------------------------------------------------------------------------------------

    def unsent(self, environment: str) -> list[StoredAlert]:
        """What has neither arrived nor been given up, in the order in which it became due."""
        query = "SELECT * FROM alerts WHERE environment = :environment AND status IN ('due', 'sending') ORDER BY number"
        with reading(self.database) as connection:
            return [_stored(row) for row in connection.rows(query, environment=environment)]

    def recent_alerts(self, environment: str | None, limit: int) -> list[StoredAlert]:
        """The newest first, sent ones too."""
        query = f"SELECT * FROM alerts {_of(environment)} ORDER BY number DESC LIMIT :limit"
        with reading(self.database) as connection:
            return [_stored(row) for row in connection.rows(query, environment=environment, limit=limit)]

    def claim(self, alert_id: str, now: datetime) -> StoredAlert | None:
        """Take an alert for sending; None where another process has it, or it has been sent.

        One whose process died while it was sending is taken over, as `repeated`.
        """
        here = ProcessIdentity.here()
        with changing(self.database) as connection:
            row = connection.row("SELECT * FROM alerts WHERE alert_id = :alert_id", alert_id=alert_id)
            if row is None or row.status not in ("due", "sending"):
                return None
            if row.status == "sending" and not _is_gone(row, now):
                return None
            as_found = "claimed_at IS NULL" if row.claimed_at is None else "claimed_at = :before"
            taken = connection.change(
                "UPDATE alerts SET status = 'sending', tries = :tries, host = :host, pid = :pid, "
                "process_start = :process_start, claimed_at = :now "
                f"WHERE alert_id = :alert_id AND status = :status AND {as_found}",
                tries=row.tries + 1,
                host=here.host,
                pid=here.pid,
                process_start=here.start,
                now=now,
                alert_id=alert_id,
                status=row.status,
                before=row.claimed_at,
            )
            return _stored(row, tries=row.tries + 1) if taken == 1 else None

    def note_sent(self, alert_id: str, now: datetime, answer: str) -> None:
        self._update(alert_id, {"status": "sent", "sent_at": now, "answer": answer, "error": None})

    def note_unsent(self, alert_id: str, error: str, next_try_at: datetime) -> None:
        """It did not arrive, and is due again from `next_try_at` on."""
        self._update(alert_id, {"status": "due", "error": error, "next_try_at": next_try_at})

    def give_up(self, alert_id: str) -> None:
        self._update(alert_id, {"status": "given_up"})

    def _update(self, alert_id: str, values: Mapping[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        statement = f"UPDATE alerts SET {changes} WHERE alert_id = :id AND status IN ('due', 'sending')"
        with changing(self.database) as connection:
            connection.change(statement, id=alert_id, **values)


def write_news(connection: Connection, news: AlertNews) -> None:
    """As AlertStore.write, within a transaction. An alert whose id is there already is not written again."""
    for incident in news.incidents:
        row = {**asdict(incident), "told": list(incident.told), "steps": list(incident.steps)}
        connection.replace(incidents, row)
    for run_id in news.judged:
        connection.replace(judged_runs, {"run_id": run_id})
    if not news.alerts:
        return
    ids = tuple(alert.alert_id for alert in news.alerts)
    there = set(connection.values("SELECT alert_id FROM alerts WHERE alert_id IN :ids", ids=ids))
    number = connection.value("SELECT max(number) FROM alerts") or 0
    for alert in news.alerts:
        if alert.alert_id not in there:
            number += 1
            row = {**asdict(alert), "incidents": list(alert.incidents), "number": number}
            waiting = {"status": "due", "next_try_at": alert.created_at, "tries": 0}
            connection.insert(alerts, {**row, **waiting})


def _of(environment: str | None) -> str:
    return "" if environment is None else "WHERE environment = :environment"


def _stored(row: Row, *, tries: int | None = None) -> StoredAlert:
    values = {name: getattr(row, name) for name in (*_OF_ALERT, *_OF_SENDING)}
    if tries is not None:
        values["tries"] = tries
    return StoredAlert(**values, repeated=row.status == "sending")


def _is_gone(row: Row, now: datetime) -> bool:
    return ProcessIdentity(row.host, row.pid, row.process_start).is_gone(row.claimed_at, now)
