"""The ledger's tables of incidents and of alerts, the outbox. An older pipeline-cli leaves them alone."""

from __future__ import annotations

from pipeline_cli.ledger.schema import Column, Table

incidents = Table(
    "incidents",
    [
        Column("incident_id"),
        Column("environment"),
        Column("pipeline"),
        Column("kind"),  # failure, contract, …: what occasion of an alert it is
        Column("subject"),  # what of the pipeline it is about; '' is all of it
        Column("fingerprint"),  # of the trouble as it was last seen
        Column("told", "json"),  # the fingerprints that were told
        Column("steps", "json"),  # those that must succeed for it to be over
        Column("summary"),
        Column("trouble", "json"),  # as the messages show it
        Column("opened_at", "time"),
        Column("opened_run", optional=True),
        Column("seen_at", "time"),
        Column("seen_run", optional=True),
        Column("seen_count", "integer"),
        Column("closed_at", "time", optional=True),
        Column("closed_run", optional=True),
    ],
    key=["incident_id"],
    indexes={"ix_incidents_open": ["environment", "closed_at"]},
)

alerts = Table(
    "alerts",
    [
        Column("alert_id"),  # the receiver sees it: a Message-ID, a header
        Column("number", "integer"),  # the order in which they became due
        Column("environment"),
        Column("channel"),
        Column("kind"),
        Column("run_id", optional=True),
        Column("incidents", "json"),
        Column("content", "json"),
        Column("status"),  # due, sending, sent, given_up
        Column("created_at", "time"),
        Column("deadline_at", "time"),
        Column("next_try_at", "time"),
        Column("tries", "integer"),
        Column("error", optional=True),
        Column("answer", optional=True),
        Column("sent_at", "time", optional=True),
        Column("host", optional=True),  # the process that is sending it
        Column("pid", "integer", optional=True),
        Column("process_start", optional=True),
        Column("claimed_at", "time", optional=True),
    ],
    key=["alert_id"],
    indexes={"ix_alerts_number": ["number"], "ix_alerts_status": ["environment", "status"]},
)

# Runs that died without closing, whose alerts have been made.
judged_runs = Table("judged_runs", [Column("run_id")], key=["run_id"])

ALERT_TABLES = (incidents, alerts, judged_runs)
