"""Removes from the ledger what is over and old; what is due, open or under way stays, and so do runs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from pipeline_cli.ledger.alert_tables import alerts, incidents, judged_runs
from pipeline_cli.ledger.database import changing
from pipeline_cli.ledger.slots import slots
from pipeline_cli.ledger.tables import runs

AT_ONCE = 500  # ids of a statement


def prune_slots(engine: sa.Engine, environment: str, before: datetime) -> int:
    """Remove the slots that ended before; how many. The newest of a pipeline stays: `schedule list` shows it."""
    newest = (
        sa.select(slots.c.pipeline, sa.func.max(slots.c.slot).label("slot"))
        .where(slots.c.environment == environment)
        .group_by(slots.c.pipeline)
        .subquery()
    )
    is_newest = sa.exists().where(newest.c.pipeline == slots.c.pipeline, newest.c.slot == slots.c.slot)
    over = (
        slots.c.environment == environment,
        slots.c.status.in_(("ended", "dropped")),
        slots.c.ended_at < before,
        ~is_newest,
    )
    with changing(engine) as connection:
        return connection.execute(sa.delete(slots).where(*over)).rowcount


def prune_alerts(engine: sa.Engine, environment: str, before: datetime) -> int:
    """Remove the alerts and incidents that were over before; how many.

    What was told of an incident that is open stays: its next reminder counts from it.
    """
    with changing(engine) as connection:
        is_open = (incidents.c.environment == environment, incidents.c.closed_at.is_(None))
        still_open: set[str] = set(connection.scalars(sa.select(incidents.c.incident_id).where(*is_open)))
        done = (
            alerts.c.environment == environment,
            alerts.c.status.in_(("sent", "given_up")),
            alerts.c.created_at < before,
            # One of the newest has the highest number, which the next one is counted from.
            alerts.c.number < sa.select(sa.func.max(alerts.c.number)).scalar_subquery(),
        )
        old = [
            row.alert_id
            for row in connection.execute(sa.select(alerts.c.alert_id, alerts.c.incidents).where(*done))
            if still_open.isdisjoint(row.incidents)
        ]
        for begin in range(0, len(old), AT_ONCE):
            some = old[begin : begin + AT_ONCE]
            connection.execute(sa.delete(alerts).where(alerts.c.alert_id.in_(some)))
        over = (incidents.c.environment == environment, incidents.c.closed_at < before)
        closed = connection.execute(sa.delete(incidents).where(*over)).rowcount
        # They keep a dead run from being told of twice, which is looked for in runs of the last days alone.
        died = sa.select(runs.c.run_id).where(runs.c.environment == environment, runs.c.started_at < before)
        connection.execute(sa.delete(judged_runs).where(judged_runs.c.run_id.in_(died)))
        return len(old) + closed
