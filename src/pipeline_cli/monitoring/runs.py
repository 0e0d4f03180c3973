"""Checks on a pipeline's runs: that the last one succeeded, was in time, and took as long as usual. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pipeline_cli.alerts.wording import describe_duration, write_moment
from pipeline_cli.document import format_time
from pipeline_cli.ledger.observations import SeenRun, SeenStep
from pipeline_cli.monitoring.findings import Finding
from pipeline_cli.monitoring.looking import Look, usual_duration_s

LONGEST = 200  # characters of a step's message


def check_last_run(look: Look) -> Iterator[Finding]:
    """The last run that ended did not succeed."""
    last = look.last
    if last is None or last.is_done:
        return
    failing = last
    for run in look.ended:
        if run.is_done:
            break
        failing = run
    word = "was interrupted" if last.run_status == "interrupted" else "failed"
    step = next((step for step in last.steps if step.status in ("failed", "interrupted")), None)
    at = f" at {step.name}" if step else ""
    reason = f": {_cut(last.error)}" if last.error and step is None else ""
    yield Finding(
        check="last_run",
        message=f"the last run {word}{at}{reason}",
        next=look.command(f"retry {last.run_id}"),
        since=failing.ended_at,
        run_id=last.run_id,
        signs=("last_run", word, step.name if step else ""),
    )


def check_steps(look: Look) -> Iterator[Finding]:
    """Steps that failed when they were last done, whatever run that was in."""
    for name in look.steps:
        run, step = _newest(look, name)
        if run is None or step is None or step.status != "failed":
            continue
        tried = f" at try {step.tries}" if step.tries > 1 else ""
        yield Finding(
            check="step",
            subject=name,
            message=f"{name} failed{tried}: {_cut(step.message)}",
            next=look.command(f"logs {run.run_id} --step {name}"),
            since=step.ended_at,
            run_id=run.run_id,
            step=name,
            tries=step.tries,
            signs=("step", name),
        )


def check_late(look: Look) -> Iterator[Finding]:
    """No run was under way when one was due."""
    due = look.due_since
    if any(run.is_running or (run.ended_at or run.started_at) >= due for run in look.runs):
        return
    slot = f"the slot of {_at(look.slot_before(look.monitor.grace))}" if look.schedule else ""
    last = look.last
    if last is None:
        message = "it has never run" + (f" here; it was due for {slot}" if slot else " in this environment")
        since = look.slot_before(look.monitor.grace)
    elif slot:
        message = f"no run for {slot}; the last one began {_at(last.started_at)}"
        since = due
    else:
        age = describe_duration((look.now - last.started_at).total_seconds())
        message = f"the last run began {age} ago; one is expected every {_duration(look.monitor.every)}"
        since = (last.ended_at or last.started_at) + look.monitor.every
    yield Finding("late", message, look.command(f"run {look.pipeline}"), since, signs=("late",))


def check_service_level(look: Look) -> Iterator[Finding]:
    """A run succeeded later than was promised: after its slot, or without a schedule after its beginning."""
    level = look.service_level
    if level is None:
        return
    if look.schedule is None:
        yield from _check_length(look, level)
        return
    slot = look.slot_before(level)
    if slot is None or not look.runs or look.runs[-1].started_at > slot + level:
        return  # the pipeline is newer than the slot
    in_time = (
        run for run in look.ended if run.is_done and run.ended_at and slot <= run.ended_at <= slot + level
    )
    if any(in_time):
        return
    done = [run.ended_at for run in look.ended if run.is_done and run.ended_at and run.ended_at > slot]
    outcome = f"it succeeded {_duration(min(done) - slot)} after it" if done else "it has not succeeded yet"
    yield Finding(
        check="service_level",
        message=f"the slot of {_at(slot)} had to succeed within {_duration(level)}, and {outcome}",
        next=look.command(f"runs list --pipeline {look.pipeline}"),
        since=slot + level,
        numbers={"service_level_s": level.total_seconds()},
        signs=("service_level",),
    )


def check_duration(look: Look) -> Iterator[Finding]:
    """The newest run takes, or took, several times what is usual."""
    run = look.running or look.last
    if run is None or (not run.is_running and not run.is_done) or (run.is_running and not run.steps):
        return
    took = _length(look, run)
    usual = usual_duration_s(look, run)
    if (
        usual is None
        or took < look.monitor.min_duration
        or took.total_seconds() <= look.monitor.duration * usual
    ):
        return
    verb = "has been running for" if run.is_running else "took"
    yield Finding(
        check="duration",
        message=f"the last run {verb} {_duration(took)}; usual is {describe_duration(usual)}",
        next=look.command(f"logs {run.run_id}" if run.is_running else f"runs show {run.run_id}"),
        since=run.started_at,
        run_id=run.run_id,
        numbers={"duration_s": round(took.total_seconds(), 3), "usual_duration_s": round(usual, 3)},
        signs=("duration",),
    )


def _check_length(look: Look, level: timedelta) -> Iterator[Finding]:
    run = look.running or look.last
    if run is None or _length(look, run) <= level or (not run.is_running and not run.is_done):
        return
    verb = "has been running for" if run.is_running else "took"
    yield Finding(
        check="service_level",
        message=f"the last run {verb} {_duration(_length(look, run))}; it had to succeed within {_duration(level)}",
        next=look.command(f"logs {run.run_id}" if run.is_running else f"runs show {run.run_id}"),
        since=run.started_at + level,
        run_id=run.run_id,
        numbers={"service_level_s": level.total_seconds()},
        signs=("service_level",),
    )


def _newest(look: Look, name: str) -> tuple[SeenRun | None, SeenStep | None]:
    """The newest run in which the step came to an end, and what became of it there."""
    for run in look.runs:
        for step in run.steps:
            if step.name == name and step.status not in ("running", "skipped"):
                return run, step
    return None, None


def _length(look: Look, run: SeenRun) -> timedelta:
    return (run.ended_at or look.now) - run.started_at


def _duration(length: timedelta) -> str:
    return describe_duration(length.total_seconds())


def _at(moment: object) -> str:
    return write_moment(format_time(moment))  # type: ignore[arg-type]


def _cut(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    text = (
        "".join(char if char.isprintable() else " " for char in lines[0]) if lines else "no reason was given"
    )
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
