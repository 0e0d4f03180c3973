"""What in a run is trouble: failed steps, and records that broke their contract. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipeline_cli.document import CheckResult, ErrorDocument, PipelineResult, RunResult, StepResult
from pipeline_cli.drift import SchemaChange

FAILURE = "failure"
CONTRACT = "contract"
DONE = ("succeeded", "unchanged")
LONGEST = 300  # characters of a text that somebody else wrote
MOST_DETAILS = 5
TERMINATED = "E143"
_CHANGING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Violations:
    """What of a resource broke its contract in this run.

    reasons: path, rule and message of the first few; rules: (path, rule) of all.
    """

    pipelines: Sequence[str]
    source: str
    resource: str
    rejected: int
    reasons: Sequence[Mapping[str, Any]]
    rules: frozenset[tuple[str, str]]
    quarantined: bool = True


@dataclass(frozen=True, slots=True)
class Drift:
    """What a source changed since the last run."""

    pipelines: Sequence[str]
    source: str
    changes: Sequence[SchemaChange]


@dataclass(slots=True)
class Findings:
    """What a run learned of its data and the ledger does not keep."""

    violations: list[Violations] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)

    def of_source(self, source: str) -> list[Violations]:
        return [found for found in self.violations if found.source == source]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble of one pipeline.

    signs: what it is known by; one that was not there before is a change. steps: those that must succeed for it
    to be over. The other fields are those of an Item.
    """

    pipeline: str
    kind: str
    signs: tuple[str, ...]
    sentence: str
    subject: str = ""
    step: str | None = None
    tries: int | None = None
    steps: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    hint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_troubles(result: RunResult, findings: Findings) -> list[Trouble]:
    """What went wrong in a run that is closed: at most one failure a pipeline, and one trouble a broken contract."""
    troubles = [
        trouble
        for pipeline in result.pipelines
        if (trouble := _find_failure(pipeline, result, findings)) is not None
    ]
    failed = {step for trouble in troubles for step in trouble.steps}
    for found in findings.violations:
        if f"ingest:{found.source}" not in failed:
            troubles += [_broken_contract(pipeline, found) for pipeline in found.pipelines]
    return troubles


def _find_failure(pipeline: PipelineResult, result: RunResult, findings: Findings) -> Trouble | None:
    failed = sorted((step for step in pipeline.steps if step.status == "failed"), key=_ended_at)
    if failed:
        return _failed_steps(pipeline, failed, findings)
    errors = [error for error in result.errors if error.step is None]
    if pipeline.status in DONE or not errors:
        return None
    if result.status == "interrupted" and all(error.code != TERMINATED for error in errors):
        return None  # who pressed Ctrl-C knows
    return _failed_run(pipeline, errors[0])


def _failed_steps(pipeline: PipelineResult, failed: Sequence[StepResult], findings: Findings) -> Trouble:
    lead = failed[0]
    error = lead.errors[0] if lead.errors else ErrorDocument("E300", lead.name, "no reason was given")
    return Trouble(
        pipeline=pipeline.name,
        kind=FAILURE,
        signs=tuple(_digest(_signature(step)) for step in failed),
        sentence=f"{lead.name} failed: {_first_line(error.message)}",
        step=lead.name,
        tries=lead.tries,
        steps=tuple(step.name for step in failed),
        details=tuple(_details(lead, error, findings)),
        also=tuple(f"{step.name}: {_reason(step)}" for step in failed[1:]),
        stopped=tuple(step.name for step in pipeline.steps if step.status == "skipped"),
        hint=error.hint,
    )


def _failed_run(pipeline: PipelineResult, error: ErrorDocument) -> Trouble:
    said = _first_line(error.message)
    cut_off = [step for step in pipeline.steps if step.status == "interrupted"]
    unfinished = [step.name for step in pipeline.steps if step.status not in DONE and step not in cut_off]
    return Trouble(
        pipeline=pipeline.name,
        kind=FAILURE,
        signs=(_digest([error.code, _normalize(error.message)]),),
        sentence=said if said.startswith("the run ") else f"the run failed: {said}",
        step=cut_off[0].name if cut_off else None,
        tries=cut_off[0].tries if cut_off else None,
        details=(("Code", error.code),),
        stopped=tuple(unfinished),
        hint=error.hint,
    )


def describe_death(pipeline: str, error: str, step: str | None, stopped: Sequence[str]) -> Trouble:
    """The trouble of a run whose process ended without closing it: killed, out of memory, a host that went away."""
    return Trouble(
        pipeline=pipeline,
        kind=FAILURE,
        signs=(_digest(["died", step]),),
        sentence=f"the run ended without a word: {_first_line(error)}",
        step=step,
        details=(("Likely", "killed, out of memory, or its host went away"),),
        stopped=tuple(stopped),
    )


def _broken_contract(pipeline: str, found: Violations) -> Trouble:
    rules = {(_INDEX.sub("[]", path), rule) for path, rule in found.rules}
    records = f"{found.rejected:,} record{'' if found.rejected == 1 else 's'}"
    fate = "kept apart in quarantine" if found.quarantined else "loaded all the same"
    return Trouble(
        pipeline=pipeline,
        kind=CONTRACT,
        subject=f"{found.source}.{found.resource}",
        signs=tuple(sorted(_digest(rule) for rule in rules)),
        sentence=f"{records} of {found.source}.{found.resource} broke the contract and "
        f"{'was' if found.rejected == 1 else 'were'} {fate}",
        step=f"ingest:{found.source}",
        steps=(f"ingest:{found.source}",),
        details=tuple(_first_bad_record([found])),
        hint=f"pipeline-cli quarantine list --source {found.source}",
    )


def _details(step: StepResult, error: ErrorDocument, findings: Findings) -> Iterator[tuple[str, str]]:
    rest = _cut("\n".join(error.message.strip().splitlines()[1:]), 4 * LONGEST)
    if rest:
        yield "Said", rest
    broken = [check for check in step.checks if check.status in ("failed", "errored")]
    for check in broken[:MOST_DETAILS]:
        yield "Failing check", _describe_check(check)
    if len(broken) > MOST_DETAILS:
        yield "Failing checks", f"and {len(broken) - MOST_DETAILS} more"
    for model in [model for model in step.models if model.status == "failed"][:MOST_DETAILS]:
        yield "Failed model", f"{model.name}: {_first_line(model.message)}" if model.message else model.name
    if step.kind == "ingest":
        yield from _first_bad_record(findings.of_source(step.name.partition(":")[2]))
    place = ":".join(str(part) for part in (error.file, error.line, error.column) if part is not None)
    if place:
        yield "Place", place
    yield "Code", error.code
    if error.hint:
        yield "Hint", _cut(error.hint)


def _describe_check(check: CheckResult) -> str:
    rows = f"{check.failures:,} row{'' if check.failures == 1 else 's'}" if check.failures else check.status
    return f"{check.name}: {rows}" + (f", {_first_line(check.message)}" if check.message else "")


def _first_bad_record(found: Sequence[Violations]) -> Iterator[tuple[str, str]]:
    for each in found[:MOST_DETAILS]:
        for reason in each.reasons[:1]:
            text = f"{each.resource}: {reason['path']} ({reason['rule']}): {_first_line(reason['message'])}"
            yield "First bad record", _cut(text)


def _signature(step: StepResult) -> list[Any]:
    checks = sorted(check.name for check in step.checks if check.status in ("failed", "errored"))
    errors = sorted((error.code, "" if checks else _normalize(error.message)) for error in step.errors[:1])
    return [step.name, errors, checks]


def _normalize(message: str) -> str:
    """A message without what differs from run to run: numbers, ids, addresses in memory."""
    return _CHANGING.sub("#", _first_line(message))


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _ended_at(step: StepResult) -> datetime:
    return step.started_at + timedelta(seconds=step.duration_s)


def _reason(step: StepResult) -> str:
    return _first_line(step.errors[0].message) if step.errors else "failed"


def _first_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return _cut(lines[0]) if lines else "no reason was given"


def _cut(text: str, limit: int = LONGEST) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
