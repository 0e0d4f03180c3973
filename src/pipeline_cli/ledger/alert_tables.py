"""The ledger's tables of incidents and of alerts, the outbox. An older pipeline-cli leaves them alone."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline_cli.ledger.tables import UtcTime, metadata

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", sa.Text, primary_key=True),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # failure, contract, …: what occasion of an alert it is
    sa.Column("subject", sa.Text, nullable=False),  # what of the pipeline it is about; '' is all of it
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the trouble as it was last seen
    sa.Column("told", sa.JSON, nullable=False),  # the fingerprints that were told
    sa.Column("steps", sa.JSON, nullable=False),  # those that must succeed for it to be over
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("trouble", sa.JSON, nullable=False),  # as the messages show it
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("opened_run", sa.Text),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("seen_run", sa.Text),
    sa.Column("seen_count", sa.Integer, nullable=False),
    sa.Column("closed_at", UtcTime),
    sa.Column("closed_run", sa.Text),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", sa.Text, primary_key=True),  # the receiver sees it: a Message-ID, a header
    sa.Column("number", sa.Integer, nullable=False, index=True),  # the order in which they became due
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("incidents", sa.JSON, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # due, sending, sent, given_up
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("deadline_at", UtcTime, nullable=False),
    sa.Column("next_try_at", UtcTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("sent_at", UtcTime),
    sa.Column("host", sa.Text),  # the process that is sending it
    sa.Column("pid", sa.Integer),
    sa.Column("process_start", sa.Text),
    sa.Column("claimed_at", UtcTime),
)

# Runs that died without closing, whose alerts have been made.
judged_runs = sa.Table("judged_runs", metadata, sa.Column("run_id", sa.Text, primary_key=True))

sa.Index("ix_incidents_open", incidents.c.environment, incidents.c.closed_at)
sa.Index("ix_alerts_status", alerts.c.environment, alerts.c.status)
