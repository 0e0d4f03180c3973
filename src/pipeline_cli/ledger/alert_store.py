"""Incidents and the outbox of alerts in the ledger. Every change is its own short transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline_cli.ledger.alert_entries import AlertNews, Incident, StoredAlert
from pipeline_cli.ledger.alert_tables import alerts, incidents, judged_runs
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.entries import OPERATIONS
from pipeline_cli.ledger.processes import ProcessIdentity
from pipeline_cli.ledger.tables import loads, runs

_OF_ALERT = ("alert_id", "channel", "kind", "run_id", "incidents", "content", "created_at", "deadline_at")
_OF_SENDING = ("status", "next_try_at", "tries", "error", "sent_at")


class AlertStore:
    """The incidents and alerts of all environments. Safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    # -- incidents -------------------------------------------------------------------------------------------

    def open_incidents(self, environment: str) -> list[Incident]:
        """Those that are not over, oldest first."""
        query = sa.select(incidents).where(
            incidents.c.environment == environment, incidents.c.closed_at.is_(None)
        )
        with reading(self.engine) as connection:
            found = connection.execute(query.order_by(incidents.c.opened_at, incidents.c.incident_id))
            return [Incident(**row._mapping) for row in found]

    def recent_incidents(self, environment: str | None, limit: int) -> list[Incident]:
        """The newest first, open and closed ones."""
        query = sa.select(incidents).order_by(incidents.c.opened_at.desc(), incidents.c.incident_id)
        if environment is not None:
            query = query.where(incidents.c.environment == environment)
        with reading(self.engine) as connection:
            return [Incident(**row._mapping) for row in connection.execute(query.limit(limit))]

    def last_told(self, incident_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
        """(incident, channel) -> when an alert on it was last made, unless that was given up."""
        told: dict[tuple[str, str], datetime] = {}
        query = sa.select(alerts.c.incidents, alerts.c.channel, alerts.c.created_at).where(
            alerts.c.status != "given_up"
        )
        with reading(self.engine) as connection:
            for row in connection.execute(query.order_by(alerts.c.created_at)):
                told.update({(each, row.channel): row.created_at for each in row.incidents})
        return {key: moment for key, moment in told.items() if key[0] in set(incident_ids)}

    def write(self, news: AlertNews) -> None:
        """Write incidents and due alerts in one transaction."""
        with changing(self.engine) as connection:
            write_news(connection, news)

    def died_unjudged(self, environment: str, since: datetime) -> list[Any]:
        """The runs after `since` that died without closing and that no alert has told of yet, oldest first.

        Rows with run_id, started_at, ended_at, selection and error.
        """
        query = sa.select(runs).where(
            runs.c.environment == environment,
            runs.c.status == "interrupted",
            runs.c.started_at > since,
            runs.c.document.is_(None),
            runs.c.command.not_in(OPERATIONS),  # somebody stood beside it
            runs.c.run_id.not_in(sa.select(judged_runs.c.run_id)),
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query.order_by(runs.c.started_at)))

    def loaded_before(self, environment: str, source: str, run_id: str) -> bool:
        """Whether a run before this one has loaded the source."""
        query = (
            sa.select(loads.c.id)
            .join(runs, runs.c.run_id == loads.c.run_id)
            .where(runs.c.environment == environment, loads.c.source == source)
            .where(loads.c.run_id != run_id, loads.c.status.in_(("succeeded", "unchanged")))
        )
        with reading(self.engine) as connection:
            return connection.execute(query.limit(1)).first() is not None

    # -- the outbox ------------------------------------------------------------------------------------------

    def unsent(self, environment: str) -> list[StoredAlert]:
        """What has neither arrived nor been given up, in the order in which it became due."""
        query = sa.select(alerts).where(
            alerts.c.environment == environment, alerts.c.status.in_(("due", "sending"))
        )
        with reading(self.engine) as connection:
            return [_stored(row) for row in connection.execute(query.order_by(alerts.c.number))]

    def recent_alerts(self, environment: str | None, limit: int) -> list[StoredAlert]:
        """The newest first, sent ones too."""
        query = sa.select(alerts).order_by(alerts.c.number.desc())
        if environment is not None:
            query = query.where(alerts.c.environment == environment)
        with reading(self.engine) as connection:
            return [_stored(row) for row in connection.execute(query.limit(limit))]

    def claim(self, alert_id: str, now: datetime) -> StoredAlert | None:
        """Take an alert for sending; None where another process has it, or it has been sent.

        One whose process died while it was sending is taken over, as `repeated`.
        """
        here = ProcessIdentity.here()
        values = {"host": here.host, "pid": here.pid, "process_start": here.start, "claimed_at": now}
        with changing(self.engine) as connection:
            row = connection.execute(sa.select(alerts).where(alerts.c.alert_id == alert_id)).one_or_none()
            if row is None or row.status not in ("due", "sending"):
                return None
            if row.status == "sending" and not _is_gone(row, now):
                return None
            as_found = (
                alerts.c.status == row.status,
                alerts.c.claimed_at.is_not_distinct_from(row.claimed_at),
            )
            taken = connection.execute(
                sa.update(alerts)
                .where(alerts.c.alert_id == alert_id, *as_found)
                .values(status="sending", tries=row.tries + 1, **values)
            )
            return _stored(row, tries=row.tries + 1) if taken.rowcount == 1 else None

    def note_sent(self, alert_id: str, now: datetime, answer: str) -> None:
        self._update(alert_id, {"status": "sent", "sent_at": now, "answer": answer, "error": None})

    def note_unsent(self, alert_id: str, error: str, next_try_at: datetime) -> None:
        """It did not arrive, and is due again from `next_try_at` on."""
        self._update(alert_id, {"status": "due", "error": error, "next_try_at": next_try_at})

    def give_up(self, alert_id: str) -> None:
        self._update(alert_id, {"status": "given_up"})

    def _update(self, alert_id: str, values: Mapping[str, Any]) -> None:
        unsent = alerts.c.alert_id == alert_id, alerts.c.status.in_(("due", "sending"))
        with changing(self.engine) as connection:
            connection.execute(sa.update(alerts).where(*unsent).values(**values))


def write_news(connection: sa.Connection, news: AlertNews) -> None:
    """As AlertStore.write, within a transaction. An alert whose id is there already is not written again."""
    for incident in news.incidents:
        row = {**asdict(incident), "told": list(incident.told), "steps": list(incident.steps)}
        connection.execute(sa.delete(incidents).where(incidents.c.incident_id == incident.incident_id))
        connection.execute(incidents.insert().values(row))
    for run_id in news.judged:
        connection.execute(sa.delete(judged_runs).where(judged_runs.c.run_id == run_id))
        connection.execute(judged_runs.insert().values(run_id=run_id))
    if not news.alerts:
        return
    ids = [alert.alert_id for alert in news.alerts]
    there: set[str] = set(connection.scalars(sa.select(alerts.c.alert_id).where(alerts.c.alert_id.in_(ids))))
    number = connection.scalar(sa.select(sa.func.max(alerts.c.number))) or 0
    for alert in news.alerts:
        if alert.alert_id not in there:
            number += 1
            row = {**asdict(alert), "incidents": list(alert.incidents), "number": number}
            waiting = {"status": "due", "next_try_at": alert.created_at, "tries": 0}
            connection.execute(alerts.insert().values({**row, **waiting}))


def _stored(row: Any, *, tries: int | None = None) -> StoredAlert:
    values = {name: getattr(row, name) for name in (*_OF_ALERT, *_OF_SENDING)}
    if tries is not None:
        values["tries"] = tries
    return StoredAlert(**values, repeated=row.status == "sending")


def _is_gone(row: Any, now: datetime) -> bool:
    return ProcessIdentity(row.host, row.pid, row.process_start).is_gone(row.claimed_at, now)
