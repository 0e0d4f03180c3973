"""The ledger's tables. Times are UTC; JSON columns hold plain JSON."""

from __future__ import annotations

from pipeline_cli.ledger.schema import Column, Table

# Raised with every change of the tables; a ledger of a higher version is refused, one of a lower is migrated.
SCHEMA_VERSION = 1

_RUN_ID = Column("run_id", references="runs (run_id)")

schema_version = Table("schema_version", [Column("version", "integer")])

runs = Table(
    "runs",
    [
        Column("run_id"),
        Column("environment"),
        Column("status"),
        Column("started_at", "time"),
        Column("ended_at", "time", optional=True),
        Column("command"),
        Column("selection", "json"),  # pipeline -> names of its planned steps
        Column("full_refresh", "boolean"),
        Column("host"),
        Column("pid", "integer"),
        Column("process_start", optional=True),  # tells a process from a later one with the same pid
        Column("claimed_at", "time"),  # the heartbeat, for other hosts
        Column("error", optional=True),
        Column("document", "json", optional=True),
        Column("published", "boolean"),
    ],
    key=["run_id"],
    indexes={"ix_runs_started_at": ["started_at"]},
)

steps = Table(
    "steps",
    [
        _RUN_ID,
        Column("pipeline"),
        Column("name"),
        Column("kind"),
        Column("status"),
        Column("tries", "integer"),
        Column("started_at", "time", optional=True),
        Column("ended_at", "time", optional=True),
        Column("message", optional=True),
        Column("result", "json", optional=True),  # the step's object of the run document
    ],
    key=["run_id", "pipeline", "name"],
    indexes={"ix_steps_run": ["run_id"]},
)

# Each try of a step, the last one too.
tries = Table(
    "tries",
    [
        _RUN_ID,
        Column("pipeline"),
        Column("step"),
        Column("number", "integer"),
        Column("status"),
        Column("started_at", "time"),
        Column("ended_at", "time"),
        Column("code", optional=True),  # of its first error
        Column("message", optional=True),
    ],
    key=["run_id", "pipeline", "step", "number"],
)

loads = Table(
    "loads",
    [
        Column("id", "id"),
        _RUN_ID,
        Column("pipeline"),
        Column("source"),
        Column("resource", optional=True),  # NULL where the source failed before its resources were counted
        Column("endpoint", optional=True),
        Column("dataset", optional=True),
        Column("table_name", optional=True),
        Column("load_id", optional=True),
        Column("extracted", "bigint"),
        Column("loaded", "bigint"),
        Column("quarantined", "bigint"),
        Column("deduplicated", "bigint"),
        Column("started_at", "time"),
        Column("ended_at", "time"),
        Column("status"),
        Column("error", optional=True),
    ],
    key=["id"],
    indexes={"ix_loads_run": ["run_id"]},
)

# Which tables a load package put rows into, child tables too: what transforms must look at again.
loaded_tables = Table(
    "loaded_tables",
    [Column("environment"), Column("load_id"), Column("dataset"), Column("table_name")],
    key=["environment", "load_id", "dataset", "table_name"],
)

models = Table(
    "models",
    [
        Column("id", "id"),
        _RUN_ID,
        Column("pipeline"),
        Column("step"),
        Column("name"),
        Column("status"),
        Column("row_count", "bigint", optional=True),
        Column("duration_s", "float", optional=True),
        Column("message", optional=True),
    ],
    key=["id"],
    indexes={"ix_models_run": ["run_id"]},
)

checks = Table(
    "checks",
    [
        Column("id", "id"),
        _RUN_ID,
        Column("pipeline"),
        Column("step"),
        Column("name"),
        Column("status"),
        Column("severity"),
        Column("failures", "bigint"),
        Column("message", optional=True),
    ],
    key=["id"],
    indexes={"ix_checks_run": ["run_id"]},
)

source_fields = Table(
    "source_fields",
    [Column("environment"), Column("source"), Column("fields", "json")],  # drift.to_json
    key=["environment", "source"],
)

transforms = Table(
    "transforms",
    [
        Column("environment"),
        Column("pipeline"),
        Column("name"),
        Column("clean", "boolean"),
        Column("run_id", optional=True),
        Column("fingerprint", optional=True),
        Column("load_ids", "json", optional=True),  # dataset -> load ids that it was built from
        Column("relations", "json", optional=True),  # [schema, name] of what it made
        Column("checks", "json", optional=True),  # the last test's checks; NULL where it has not passed
    ],
    key=["environment", "pipeline", "name"],
)

# Which chunks of a backfill are done. An older pipeline-cli leaves this table and the next alone.
backfill_chunks = Table(
    "backfill_chunks",
    [
        Column("environment"),
        Column("source"),
        Column("resources"),
        Column("start"),
        Column("end"),
        Column("run_id"),  # the last that began it: its rows carry this id
        Column("status"),  # begun, done
        Column("changed_at", "time"),
    ],
    key=["environment", "source", "resources", "start", "end"],
)

# Transforms whose rows may be of loads that are gone: the next build is from nothing.
rebuilds = Table(
    "rebuilds",
    [Column("environment"), Column("pipeline"), Column("name"), Column("run_id")],  # who says so
    key=["environment", "pipeline", "name"],
)

# Runs that died without closing, whose end the receivers of events were told of (deaths.py).
ended_runs = Table("ended_runs", [Column("run_id")], key=["run_id"])

# Up to where a schedule's slots are decided upon.
schedules = Table(
    "schedules",
    [
        Column("environment"),
        Column("pipeline"),
        Column("expression"),  # with its time zone; another one begins anew
        Column("decided_until", "time"),
    ],
    key=["environment", "pipeline"],
)

slots = Table(
    "slots",
    [
        Column("environment"),
        Column("pipeline"),
        Column("slot", "time"),
        Column("status"),
        Column("token", unique=True),
        Column("times_taken", "integer"),
        Column("run_id", optional=True),
        Column("outcome", optional=True),  # the run's status; failed where none could begin
        Column("note", optional=True),
        Column("host"),  # of the scheduler, as in `runs`
        Column("pid", "integer"),
        Column("process_start", optional=True),
        Column("claimed_at", "time"),
        Column("ended_at", "time", optional=True),
    ],
    key=["environment", "pipeline", "slot"],
)

# A table stands after the one that it refers to.
TABLES = (
    *(schema_version, runs, steps, tries, loads, loaded_tables, models, checks, source_fields, transforms),
    *(backfill_chunks, rebuilds, ended_runs, schedules, slots),
)
