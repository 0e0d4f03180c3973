"""Removes from the ledger what is over and old; what is due, open or under way stays, and so do runs."""

from __future__ import annotations

from datetime import datetime

from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing

AT_ONCE = 500  # ids of a statement


def prune_slots(database: Database, environment: str, before: datetime) -> int:
    """Remove the slots that ended before; how many. The newest of a pipeline stays: `schedule list` shows it."""
    with changing(database) as connection:
        return connection.change(
            "DELETE FROM slots WHERE environment = :environment AND status IN ('ended', 'dropped') "
            "AND ended_at < :before AND EXISTS (SELECT 1 FROM slots AS later "
            "WHERE later.environment = slots.environment AND later.pipeline = slots.pipeline "
            "AND later.slot > slots.slot)",
            environment=environment,
            before=before,
        )


def prune_alerts(database: Database, environment: str, before: datetime) -> int:
    """Remove the alerts and incidents that were over before; how many.

    What was told of an incident that is open stays: its next reminder counts from it.
    """
    with changing(database) as connection:
        still_open = set(
            connection.values(
                "SELECT incident_id FROM incidents WHERE environment = :environment AND closed_at IS NULL",
                environment=environment,
            )
        )
        # One of the newest has the highest number, which the next one is counted from.
        done = connection.rows(
            "SELECT alert_id, incidents FROM alerts WHERE environment = :environment "
            "AND status IN ('sent', 'given_up') AND created_at < :before "
            "AND number < (SELECT max(number) FROM alerts)",
            environment=environment,
            before=before,
        )
        old = [row.alert_id for row in done if still_open.isdisjoint(row.incidents)]
        for begin in range(0, len(old), AT_ONCE):
            some = tuple(old[begin : begin + AT_ONCE])
            connection.change("DELETE FROM alerts WHERE alert_id IN :some", some=some)
        closed = connection.change(
            "DELETE FROM incidents WHERE environment = :environment AND closed_at < :before",
            environment=environment,
            before=before,
        )
        # They keep a dead run from being told of twice, which is looked for in runs of the last days alone.
        connection.change(
            "DELETE FROM judged_runs WHERE run_id IN "
            "(SELECT run_id FROM runs WHERE environment = :environment AND started_at < :before)",
            environment=environment,
            before=before,
        )
        return len(old) + closed
