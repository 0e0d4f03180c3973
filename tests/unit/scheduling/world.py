"""A scheduler on a real ledger, with a clock that the test moves and runs that do nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline_cli.document import RunResult, Status
from pipeline_cli.errors import EXIT_BUSY, ManifestError, Mistake
from pipeline_cli.ledger import Ledger, RunEntry, new_run_id
from pipeline_cli.ledger.slots import Slot, SlotBook, SlotTaken, slot_time
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.scheduling.children import Outcome
from pipeline_cli.scheduling.scheduler import Plan, Scheduler

BEGIN = datetime(2026, 11, 21, 5, 59, 30, tzinfo=UTC)
CODES: dict[Status, int] = {"succeeded": 0, "failed": 1, "interrupted": 143}


class FakeClock:
    def __init__(self, now: datetime = BEGIN) -> None:
        self.time = now
        self.signals: list[int] = []
        self.at_wait: list[int] = []  # signals to come, one a wait
        self.at_waits: dict[int, Callable[[], object]] = {}  # what happens in the n-th wait
        self._waits = 0

    def now(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self._waits += 1
        self.at_waits.get(self._waits, lambda: None)()
        if self.at_wait:
            self.signals.append(self.at_wait.pop(0))

    def stop(self) -> None:
        self.signals.append(signal.SIGTERM)


class FakeChild:
    """A run that opens at once (unless `busy`) and ends when the test says so."""

    def __init__(self, ledger: Ledger, pipeline: str, token: str, busy: bool) -> None:
        self.pipeline, self.token = pipeline, token
        self.signals: list[int] = []
        self._ledger = ledger
        self._outcome: Outcome | None = None
        self._run: RunResult | None = None
        if busy:
            self._outcome = Outcome(EXIT_BUSY, "pipeline is held by process 1")
        else:
            self.open()

    def open(self) -> None:
        started_at = datetime.now(UTC)
        run_id = new_run_id(started_at)
        entry = RunEntry(run_id, "dev", "run", {self.pipeline: []}, started_at, slot=self.token)
        try:
            self._ledger.start_run(entry)
        except SlotTaken as error:
            self._outcome = Outcome(EXIT_BUSY, error.message)
        else:
            self._run = RunResult(run_id, "dev", "running", started_at)

    def end(self, status: Status = "succeeded") -> None:
        assert self._run is not None
        self._run.status = status
        self._ledger.finish_run(self._run)
        self._outcome = Outcome(CODES[status], None if status == "succeeded" else f"it {status}")

    def poll(self) -> Outcome | None:
        return self._outcome

    def send(self, number: int) -> None:
        self.signals.append(number)
        self.end("interrupted")


class World:
    """`started`: what was started, as (pipeline, slot)."""

    def __init__(self, folder: Path, *, at_once: int = 4, **schedules: Schedule) -> None:
        self.ledger = Ledger.open(folder / "runs.db")
        self.book = SlotBook(self.ledger.database, "dev")
        self.clock = FakeClock()
        self.children: list[FakeChild] = []
        self.told: list[str] = []
        self.busy: set[str] = set()
        self.plan: Plan | None = Plan(schedules, at_once)
        self.mistake: Mistake | None = None
        self._current = self.plan
        self.scheduler = self.restart()

    def restart(self) -> Scheduler:
        """A scheduler that knows nothing but the ledger."""
        self.plan = self.plan or self._current
        self.scheduler = Scheduler(self.ledger, self.book, self._load, self, self.clock, self.told.append)
        return self.scheduler

    def change(self, **schedules: Schedule) -> None:
        self.plan = Plan(schedules, 4)

    def _load(self) -> Plan | None:
        if self.mistake is not None:
            raise ManifestError((self.mistake,))
        self._current, self.plan = self.plan or self._current, None
        return self._current

    def start(self, pipeline: str, token: str) -> FakeChild:
        self.children.append(FakeChild(self.ledger, pipeline, token, pipeline in self.busy))
        return self.children[-1]

    def at(self, clock: str) -> None:
        """Let the scheduler look once at this time of the day (HH:MM or HH:MM:SS), or at a whole moment."""
        given = datetime.fromisoformat(clock if "T" in clock else f"{self.clock.time:%Y-%m-%d}T{clock}")
        self.clock.time = given.replace(tzinfo=UTC)
        self.scheduler.step()

    def run_through(self, clocks: Iterable[str]) -> None:
        """Look at each time, and end what was started with success."""
        for clock in clocks:
            self.at(clock)
            self.end_all()

    def end_all(self, status: Status = "succeeded") -> None:
        for child in self.children:
            if child.poll() is None:
                child.end(status)

    @property
    def started(self) -> list[tuple[str, str]]:
        return [(child.pipeline, slot_time(child.token)[11:16]) for child in self.children]

    def slot(self, pipeline: str) -> Slot:
        return self.book.newest(pipeline)[0]
