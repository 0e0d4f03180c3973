"""The ledger's tables. Times are UTC; JSON columns hold plain JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

# Raised with every change of the tables; a ledger of a higher version is refused, one of a lower is migrated.
SCHEMA_VERSION = 1

metadata = sa.MetaData()


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC times on every database; SQLite alone would give them back without their zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, nullable=False))


def _run_id() -> sa.Column[str]:
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False)


runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False, index=True),
    sa.Column("ended_at", UtcTime),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column(
        "selection", sa.JSON(none_as_null=True), nullable=False
    ),  # pipeline -> names of its planned steps
    sa.Column("full_refresh", sa.Boolean, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_start", sa.Text),  # tells a process from a later one with the same pid
    sa.Column("claimed_at", UtcTime, nullable=False),  # the heartbeat, for other hosts
    sa.Column("error", sa.Text),
    sa.Column("document", sa.JSON(none_as_null=True)),
    sa.Column("published", sa.Boolean, nullable=False, default=False),
)

steps = sa.Table(
    "steps",
    metadata,
    _run_id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("message", sa.Text),
    sa.Column("result", sa.JSON(none_as_null=True)),  # the step's object of the run document
    sa.PrimaryKeyConstraint("run_id", "pipeline", "name"),
)

# Each try of a step, the last one too.
tries = sa.Table(
    "tries",
    metadata,
    _run_id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime, nullable=False),
    sa.Column("code", sa.Text),  # of its first error
    sa.Column("message", sa.Text),
    sa.PrimaryKeyConstraint("run_id", "pipeline", "step", "number"),
)

loads = sa.Table(
    "loads",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("resource", sa.Text),  # NULL where the source failed before its resources were counted
    sa.Column("endpoint", sa.Text),
    sa.Column("dataset", sa.Text),
    sa.Column("table_name", sa.Text),
    sa.Column("load_id", sa.Text),
    sa.Column("extracted", sa.BigInteger, nullable=False),
    sa.Column("loaded", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("deduplicated", sa.BigInteger, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
)

# Which tables a load package put rows into, child tables too: what transforms must look at again.
loaded_tables = sa.Table(
    "loaded_tables",
    metadata,
    sa.Column("environment", sa.Text),
    sa.Column("load_id", sa.Text),
    sa.Column("dataset", sa.Text),
    sa.Column("table_name", sa.Text),
    sa.PrimaryKeyConstraint("environment", "load_id", "dataset", "table_name"),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("duration_s", sa.Float),
    sa.Column("message", sa.Text),
)

checks = sa.Table(
    "checks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text),
)

source_fields = sa.Table(
    "source_fields",
    metadata,
    sa.Column("environment", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("fields", sa.JSON, nullable=False),  # drift.to_json
    sa.PrimaryKeyConstraint("environment", "source"),
)

transforms = sa.Table(
    "transforms",
    metadata,
    sa.Column("environment", sa.Text),
    sa.Column("pipeline", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("clean", sa.Boolean, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Column("load_ids", sa.JSON(none_as_null=True)),  # dataset -> load ids that it was built from
    sa.Column("relations", sa.JSON(none_as_null=True)),  # [schema, name] of what it made
    sa.Column("checks", sa.JSON(none_as_null=True)),  # the last test's checks; NULL where it has not passed
    sa.PrimaryKeyConstraint("environment", "pipeline", "name"),
)

# Which chunks of a backfill are done. An older pipeline-cli leaves this table and the next alone.
backfill_chunks = sa.Table(
    "backfill_chunks",
    metadata,
    sa.Column("environment", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("resources", sa.Text),
    sa.Column("start", sa.Text),
    sa.Column("end", sa.Text),
    sa.Column("run_id", sa.Text, nullable=False),  # the last that began it: its rows carry this id
    sa.Column("status", sa.Text, nullable=False),  # begun, done
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.PrimaryKeyConstraint("environment", "source", "resources", "start", "end"),
)

# Transforms whose rows may be of loads that are gone: the next build is from nothing.
rebuilds = sa.Table(
    "rebuilds",
    metadata,
    sa.Column("environment", sa.Text),
    sa.Column("pipeline", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("run_id", sa.Text, nullable=False),  # who says so
    sa.PrimaryKeyConstraint("environment", "pipeline", "name"),
)

for _table in (steps, loads, models, checks):
    sa.Index(f"ix_{_table.name}_run", _table.c.run_id)
