"""`schedule run`: takes the slots that are due, runs them in processes of their own, and looks after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline_cli import cron
from pipeline_cli.errors import EXIT_BUSY, LoadError, PipelineCliError
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.slots import Slot, SlotBook, slot_name
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.scheduling.children import Child, Outcome, Runner
from pipeline_cli.scheduling.choosing import MOST_TIMES, choose
from pipeline_cli.scheduling.clock import Clock

POLL_S = 1.0  # how soon a child's end, a changed manifest or a clock that was set is noticed
LOOK_EVERY = timedelta(seconds=5)  # at what others left in the ledger
CLAIM_EVERY = timedelta(seconds=30)
BUSY_WAIT = timedelta(seconds=15)  # until a pipeline is tried again that another process held
JUMP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scheduled. at_once: how many pipelines may run side by side."""

    schedules: Mapping[str, Schedule]
    at_once: int


@dataclass(slots=True)
class _Watch:
    """One pipeline's schedule, as the scheduler looks at it."""

    schedule: Schedule
    seen: datetime  # up to where the ledger says that slots are decided upon
    after: datetime  # the same; earlier where the clock was ahead once
    next_at: datetime | None = None
    not_before: datetime | None = None  # another process had the pipeline
    unfinished: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    token: str
    started_at: datetime


class Scheduler:
    """One scheduler of one environment; others may work on the same ledger.

    load: reads the manifest, where it has changed; None where it has not. Raises PipelineCliError.
    tell: prints one line. counts: outcome -> slots that ended with it.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: SlotBook,
        load: Callable[[], Plan | None],
        runner: Runner,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self.counts: dict[str, int] = {}
        self._ledger, self._book, self._load = ledger, book, load
        self._runner, self._clock, self._tell = runner, clock, tell
        self._watches: dict[str, _Watch] = {}
        self._running: dict[str, _Running] = {}
        # Pipelines whose slot is being run by what another scheduler started.
        self._elsewhere: set[str] = set()
        self._at_once = 1
        self._problem: str | None = None
        self._trouble: str | None = None
        self._last = clock.now()
        self._looked_at = self._claimed_at = datetime.min.replace(tzinfo=self._last.tzinfo)

    def run(self) -> int:
        """Run due slots until a signal comes, then stop what is running. Returns the first signal's number."""
        while not self._clock.signals:
            try:
                self.step()
            except LoadError as error:  # a ledger that is away for a moment: nothing was taken, all stays due
                self._tell_trouble(error)
            self._clock.wait(POLL_S)
        self._stop()
        return self._clock.signals[0]

    def step(self) -> None:
        """Look at everything once: what ended, what changed, what is due."""
        now = self._clock.now()
        self._notice_jump(now)
        self._reap()
        self._reload(now)
        if now - self._claimed_at >= CLAIM_EVERY or now < self._claimed_at:
            self._claimed_at = now
            self._book.keep_claiming()
        if now - self._looked_at >= LOOK_EVERY or now < self._looked_at:
            self._looked_at = now
            self._look()
        if self._problem is None:
            for name in sorted(self._watches, key=lambda name: self._watches[name].next_at or now):
                self._start_due(name, self._watches[name], now)
        self._last = now
        self._trouble = None

    def _tell_trouble(self, error: LoadError) -> None:
        """Once for as long as it is the same."""
        if str(error) != self._trouble:
            self._tell(f"No slot is run while {error}")
        self._trouble = str(error)

    # -- what changed ---------------------------------------------------------------------------------------

    def _notice_jump(self, now: datetime) -> None:
        """A clock that was set back: slots begin at the new time; those that were run are known by their names."""
        if now >= self._last - JUMP:
            return
        self._tell(
            f"The clock went back from {slot_name(self._last)}; slots that were run are not run again."
        )
        for watch in self._watches.values():
            watch.after, watch.next_at, watch.not_before = now, None, None

    def _reload(self, now: datetime) -> None:
        try:
            plan = self._load()
        except PipelineCliError as error:
            if str(error) != self._problem:
                self._tell(f"No slot is run until this is mended: {_describe(error)}")
            self._problem = str(error)
            return
        if plan is None:
            return
        if self._problem is not None:
            self._tell("The manifest is right again.")
        self._problem, self._at_once = None, plan.at_once
        self._watches = {name: self._watch(name, each, now) for name, each in plan.schedules.items()}

    def _watch(self, name: str, schedule: Schedule, now: datetime) -> _Watch:
        before = self._watches.get(name)
        if before is not None and before.schedule == schedule:
            return before
        # One that is new or changed begins where the last look left off: a slot of this very moment counts.
        begin = min(self._last, now)
        seen = self._book.decided_until(name, _identity(schedule), begin)
        return _Watch(schedule, seen, min(seen, now))

    def _look(self) -> None:
        """Find the slots that were taken and not run to an end, and close those whose run has ended."""
        self._ledger.close_abandoned()
        self._elsewhere = set()
        for watch in self._watches.values():
            watch.unfinished = []
        for slot in self._book.open_slots():
            if slot.pipeline in self._running or slot.pipeline not in self._watches:
                continue
            if slot.run == "running" or not (slot.is_mine or slot.is_orphan):
                self._elsewhere.add(slot.pipeline)
            elif slot.run in (None, "interrupted"):
                self._watches[slot.pipeline].unfinished.append(slot)
            else:  # its scheduler died before it saw the end
                self._book.end(slot.token, slot.run or "failed")

    # -- what is due ----------------------------------------------------------------------------------------

    def _start_due(self, name: str, watch: _Watch, now: datetime) -> None:
        if watch.next_at is None:
            zone = cron.zone_of(watch.schedule.timezone)
            watch.next_at = next(cron.next_slots(watch.schedule.cron, zone, watch.after), None)
        is_due = watch.unfinished or (watch.next_at is not None and watch.next_at <= now)
        waits = watch.not_before is not None and now < watch.not_before
        if not is_due or waits or name in self._running or name in self._elsewhere:
            return
        if len(self._running) < self._at_once or watch.schedule.catch_up == "none":
            self._begin(name, watch, now, has_room=len(self._running) < self._at_once)

    def _begin(self, name: str, watch: _Watch, now: datetime, *, has_room: bool) -> None:
        choice = choose(watch.schedule, watch.after, now, watch.unfinished)
        if choice.slot is not None and not has_room:
            return
        for slot in choice.dropped:
            why = (
                f"taken {MOST_TIMES} times"
                if slot.times_taken >= MOST_TIMES
                else f"catch_up: {watch.schedule.catch_up}"
            )
            self._book.drop(slot, why)
            self._tell(f"{name}: the slot {slot_name(slot.at)} is left out ({why})")
        if choice.left_out:
            self._tell(
                f"{name}: {choice.left_out} missed slots are left out (catch_up: {watch.schedule.catch_up})"
            )
        token = None
        if choice.slot is None:
            self._book.skip_to(name, now, watch.seen)
        elif choice.again is not None:
            token = self._book.take_again(choice.again)
        else:
            token = self._book.take(name, choice.slot, watch.seen)
        watch.unfinished, watch.next_at, watch.not_before = [], None, None
        watch.seen = self._book.decided_until(name, _identity(watch.schedule), now)
        watch.after = min(watch.seen, now)
        if token is not None and choice.slot is not None:
            self._tell(f"{name}: started for the slot {slot_name(choice.slot)}")
            self._running[name] = _Running(self._runner.start(name, token), token, now)

    # -- what ended -----------------------------------------------------------------------------------------

    def _reap(self) -> None:
        for name, running in list(self._running.items()):
            outcome = running.child.poll()
            if outcome is not None:
                del self._running[name]
                self._close(name, running, outcome)

    def _close(self, name: str, running: _Running, outcome: Outcome) -> None:
        self._ledger.close_abandoned()
        slot = self._book.find(running.token)
        if slot is None or slot.status == "dropped":  # another scheduler took it for lost
            return
        if outcome.exit_code == EXIT_BUSY and slot.run_id is None:
            self._tell(f"{name}: waits, {outcome.message}")
            if name in self._watches:
                self._watches[name].not_before = self._clock.now() + BUSY_WAIT
                self._watches[name].unfinished = [slot]
            return
        status = slot.run or "failed"
        self._book.end(running.token, status, outcome.message)
        self.counts[status] = self.counts.get(status, 0) + 1
        took = (self._clock.now() - running.started_at).total_seconds()
        told = f": {outcome.message}" if outcome.message else ""
        self._tell(f"{name}: {status} after {took:.0f} s, run {slot.run_id or 'not begun'}{told}")

    def _stop(self) -> None:
        """Stop what is running, as `run` is stopped. Its slots stay open: the next scheduler takes them again."""
        sent = 0
        while self._running:
            for number in self._clock.signals[sent:]:
                for running in self._running.values():
                    running.child.send(number)
            sent = len(self._clock.signals)
            for name, running in list(self._running.items()):
                outcome = running.child.poll()
                if outcome is not None:
                    del self._running[name]
                    self._close_stopped(name, running, outcome)
            if self._running:
                self._clock.wait(POLL_S / 5)

    def _close_stopped(self, name: str, running: _Running, outcome: Outcome) -> None:
        slot = self._book.find(running.token)
        if slot is not None and slot.run not in (None, "running", "interrupted"):
            self._close(name, running, outcome)  # it was faster than the signal
        else:
            self._tell(f"{name}: stopped; the next scheduler runs the slot again")


def _describe(error: PipelineCliError) -> str:
    places = ((mistake.file, mistake.line) for mistake in error.mistakes)
    told = zip(places, error.mistakes, strict=True)
    return "; ".join(
        f"{file}:{line}: {each.message}" if file else each.message for (file, line), each in told
    )


def _identity(schedule: Schedule) -> str:
    return f"{schedule.cron} {schedule.timezone}"
