"""Checks on what a pipeline brings: that it is fresh, about as much as usual, and mostly not rejected. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from pipeline_cli.alerts.wording import describe_duration
from pipeline_cli.ledger.observations import SeenLoad
from pipeline_cli.monitoring.findings import Finding
from pipeline_cli.monitoring.looking import Look

MOST_NAMED = 4


def current_loads(look: Look) -> list[Sequence[SeenLoad]]:
    """The loads of each table that the manifest still has, newest first."""
    return [
        loads
        for (source, resource), loads in sorted(look.loads.items())
        if source not in look.declared or resource in look.declared[source]
    ]


def check_freshness(look: Look, *, is_late: bool) -> Iterator[Finding]:
    """Tables that were last loaded too long ago, a finding a source. is_late: that no run came is told already."""
    limit = look.monitor.freshness
    if limit is None and is_late:
        return
    needed = look.due_since if limit is None else look.now - limit
    stale: dict[str, list[SeenLoad]] = {}
    for newest, *_ in current_loads(look):
        if newest.ended_at < needed:
            stale.setdefault(newest.source, []).append(newest)
    for source, loads in stale.items():
        oldest = min(load.ended_at for load in loads)
        age = describe_duration((look.now - oldest).total_seconds())
        most = f", and may be {describe_duration(limit.total_seconds())} old" if limit else ""
        yield Finding(
            check="freshness",
            subject=source,
            message=f"{_name_tables(source, loads)} last loaded {age} ago{most}",
            next=look.command(f"run {look.pipeline}"),
            since=oldest + limit if limit else needed,
            numbers={"age_s": round((look.now - oldest).total_seconds())},
            signs=tuple(f"freshness {load.resource}" for load in loads),
        )


def check_new_rows(look: Look) -> Iterator[Finding]:
    """Sources that are loaded in time and have had nothing new for too long."""
    limit = look.monitor.new_rows
    for source in look.sources if limit else ():
        at = look.new_rows.get(source)
        if limit is None or at is None or look.now - at <= limit:
            continue
        age = describe_duration((look.now - at).total_seconds())
        most = describe_duration(limit.total_seconds())
        yield Finding(
            check="new_rows",
            subject=source,
            message=f"{source} has brought no new row for {age}; they are expected within {most}",
            next=look.command(f"runs list --pipeline {look.pipeline}"),
            since=at + limit,
            numbers={"age_s": round((look.now - at).total_seconds())},
            signs=(f"new_rows {source}",),
        )


def check_rows(look: Look) -> Iterator[Finding]:
    """Loads and models with far more, or far fewer, rows than usual."""
    for loads in current_loads(look):
        alike = [load for load in loads if not load.full_refresh]
        if alike and alike[0] is loads[0]:
            table = f"{loads[0].source}.{loads[0].resource}"
            counts = [load.extracted for load in alike]
            yield from _compare(look, table, "extracted", counts, loads[0].run_id, loads[0].ended_at)
    for model, builds in sorted(look.builds.items()):
        counts = [build.rows for build in builds]
        yield from _compare(look, model, "in the model", counts, builds[0].run_id, builds[0].started_at)


def check_quarantine(look: Look) -> Iterator[Finding]:
    """Tables whose newest load that brought records had too many of them rejected."""
    for loads in current_loads(look):
        load = next((load for load in loads if load.extracted), None)
        if load is None:
            continue
        limit = look.max_rejected.get((load.source, load.resource), look.monitor.quarantine)
        if limit.allows(load.quarantined, load.extracted):
            continue
        table, share = f"{load.source}.{load.resource}", 100 * load.quarantined / load.extracted
        yield Finding(
            check="quarantine",
            subject=table,
            message=f"{load.quarantined:,} of {load.extracted:,} records of {table} were rejected "
            f"({share:.2g}%; at most {limit})",
            next=look.command(
                f"quarantine list --source {load.source} --resource {shlex.quote(load.resource)}"
            ),
            since=load.ended_at,
            run_id=load.run_id,
            numbers={"rejected": load.quarantined, "extracted": load.extracted},
            signs=(f"quarantine {table}",),
        )


def _compare(
    look: Look, table: str, what: str, counts: Sequence[int], run_id: str, at: datetime
) -> Iterator[Finding]:
    """The newest count against the median of those before; a count that was there lately is usual, too."""
    count, *before = counts
    if len(before) < look.monitor.min_runs or min(before) <= count <= max(before):
        return
    usual, factor = median(before), look.monitor.rows
    is_far = count * factor < usual or count > usual * factor
    # Where usually nothing comes, it is not known how much would be usual.
    if usual == 0 or not is_far or abs(count - usual) < look.monitor.min_rows:
        return
    yield Finding(
        check="rows",
        subject=table,
        message=f"{count:,} rows of {table} {what}; usual are {usual:,.0f}",
        next=look.command(f"runs show {run_id}"),
        since=at,
        run_id=run_id,
        numbers={"rows": count, "usual_rows": usual},
        signs=(f"rows {table} {'fewer' if count < usual else 'more'}",),
    )


def _name_tables(source: str, loads: Sequence[SeenLoad]) -> str:
    names = [load.resource for load in loads]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{source}: {', '.join(names[:MOST_NAMED])}{more}"
