"""What is known of one pipeline: the manifest's thresholds, and what the ledger has seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from pipeline_cli import cron
from pipeline_cli.ledger.observations import Observations, SeenBuild, SeenLoad, SeenRun
from pipeline_cli.manifest.limits import Limit
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.monitors import Monitor
from pipeline_cli.manifest.schedules import Schedule, as_schedule
from pipeline_cli.plan import plan_run

HISTORY = 10  # runs, loads and builds before the newest that say what is usual
MOST_RUNS = 50
LONGEST_BACK = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True)
class Look:
    """One pipeline at one moment. runs, loads and builds are newest first.

    option: " --env prod" for commands, or "". steps: the names of those that it has now. max_rejected: of resources
    that state it. declared: source -> its resources by the manifest; a source that may have others is absent.
    """

    pipeline: str
    now: datetime
    monitor: Monitor = field(default_factory=Monitor)
    schedule: Schedule | None = None
    service_level: timedelta | None = None
    option: str = ""
    steps: Sequence[str] = ()
    sources: Sequence[str] = ()
    max_rejected: Mapping[tuple[str, str], Limit] = field(default_factory=dict)
    declared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runs: Sequence[SeenRun] = ()
    loads: Mapping[tuple[str, str], Sequence[SeenLoad]] = field(default_factory=dict)
    builds: Mapping[str, Sequence[SeenBuild]] = field(default_factory=dict)
    new_rows: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def ended(self) -> list[SeenRun]:
        return [run for run in self.runs if not run.is_running]

    @property
    def running(self) -> SeenRun | None:
        return next((run for run in self.runs if run.is_running), None)

    @property
    def last(self) -> SeenRun | None:
        """The newest run that has ended."""
        return next(iter(self.ended), None)

    @property
    def last_success(self) -> datetime | None:
        return next((run.ended_at for run in self.ended if run.is_done), None)

    @property
    def due_since(self) -> datetime:
        """A run must have been under way at this moment or after it."""
        if self.schedule is None:
            return self.now - self.monitor.every
        return self.slot_before(self.monitor.grace) or self.now - LONGEST_BACK

    def slot_before(self, margin: timedelta) -> datetime | None:
        """The newest slot that is at least `margin` ago."""
        if self.schedule is None:
            return None
        zone, until = cron.zone_of(self.schedule.timezone), self.now - margin
        return next(iter(cron.last_slots(self.schedule.cron, zone, until - LONGEST_BACK, until, 1)), None)

    @property
    def next_slot(self) -> datetime | None:
        if self.schedule is None:
            return None
        return next(cron.next_slots(self.schedule.cron, cron.zone_of(self.schedule.timezone), self.now), None)

    def command(self, text: str) -> str:
        return f"pipeline-cli {text}{self.option}"


def usual_duration_s(look: Look, run: SeenRun) -> float | None:
    """The median of the last successful runs before this one that did the same steps; None for too few.

    Runs that found nothing new do not count: they are short.
    """
    alike = [
        each.duration_s
        for each in look.ended
        if each.run_id != run.run_id
        and each.is_done
        and each.planned == run.planned
        and any(step.status == "succeeded" for step in each.steps)
    ][:HISTORY]
    return median(alike) if len(alike) >= look.monitor.min_runs else None


def look_at(
    manifest: Manifest, seen: Observations, pipeline: str, now: datetime, *, option: str = ""
) -> Look:
    """Read what there is of a pipeline. Raises LoadError where the ledger refuses."""
    entry = manifest.pipelines[pipeline]
    (plan,) = plan_run(manifest, pipelines=[pipeline])
    sources = {name: manifest.sources[name] for name in entry.sources}
    declared = {name: tuple(each.resources) for name, each in sources.items() if each.type != "python"}
    limits = {
        (name, resource): limit
        for name, each in sources.items()
        for resource, keys in each.resources.items()
        if (limit := getattr(keys, "max_rejected", None)) is not None
    }
    return Look(
        pipeline=pipeline,
        now=now,
        monitor=entry.monitor or Monitor(),
        schedule=as_schedule(entry.schedule),
        service_level=entry.service_level,
        option=option,
        steps=[step.name for step in plan.steps],
        sources=entry.sources,
        max_rejected=limits,
        declared=declared,
        runs=seen.runs(pipeline, MOST_RUNS),
        loads=seen.loads(entry.sources, HISTORY + 1),
        builds=seen.builds(pipeline, HISTORY + 1),
        new_rows=seen.last_new_rows(entry.sources),
    )
