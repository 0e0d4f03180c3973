"""What a run prints when it is over. Pure: a RunResult in, lines out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline_cli.document import (
    CheckResult,
    ErrorDocument,
    ModelResult,
    PipelineResult,
    ResourceResult,
    RunResult,
    Status,
    StepResult,
)

NAME_WIDTH = 26
ENTRY_WIDTH = 38
STATUS_WIDTH = 11
STEP_WIDTH = 2 + NAME_WIDTH + 2 + STATUS_WIDTH + 2 + 7 + 2  # up to what a step did
COLORS = {"succeeded": 32, "unchanged": 36, "failed": 31, "interrupted": 31, "skipped": 33, "running": 33}
# Status is told in words; colour only repeats it.
WORDS: dict[str, str] = {"unchanged": "nothing new"}


@dataclass(frozen=True, slots=True)
class SummaryStyle:
    """How to print: columns, ANSI colours, and what follows each command (" --env prod")."""

    width: int = 80
    color: bool = False
    command_suffix: str = ""


def render_summary(
    result: RunResult, *, location: str | None, style: SummaryStyle | None = None
) -> list[str]:
    """The summary of a run: what each step did, what went wrong, where it is and what to type next.

    location: where the data are, for people (a path or host/database). No line is longer than the width,
    apart from single words that are.
    """
    style = style or SummaryStyle()
    lines: list[str] = []
    for pipeline in result.pipelines:
        lines += [*_pipeline_lines(pipeline, "\n".join(error.message for error in result.errors), style), ""]
    lines += _warning_lines(result, style)
    for error in result.errors:
        lines += [*_error_lines(error, style), ""]
    lines += _closing_lines(result, location, style)
    return lines


def render_result(result: RunResult, style: SummaryStyle) -> list[str]:
    """What --quiet leaves of the summary of a run that is done: its warnings, and the line of its result."""
    return [*_warning_lines(result, style), _result_line(result, style)]


def next_command(result: RunResult) -> str | None:
    """The command that helps most after this run; None where there is nothing left to do.

    A record that was rejected before stays under the run that found it first: so its source is named, no run.
    """
    if result.status in ("failed", "interrupted"):
        return f"pipeline-cli retry {result.run_id}"
    rejecting = {
        step.name.partition(":")[2]
        for step in _steps(result)
        if any(resource.quarantined for resource in step.resources)
    }
    if not rejecting:
        return None
    return "pipeline-cli quarantine list" + (f" --source {rejecting.pop()}" if len(rejecting) == 1 else "")


def describe_counts(resource: ResourceResult) -> str:
    """'7 loaded, 2 unchanged, 1 repeated, 1 quarantined': what became of a resource's records."""
    counts = (
        (resource.loaded, "loaded"),
        (resource.deduplicated - resource.repeated, "unchanged"),
        (resource.repeated, "repeated"),
        (resource.quarantined, "quarantined"),
    )
    return ", ".join(f"{number:,} {word}" for number, word in counts if number) or "nothing new"


def describe_step(step: StepResult) -> str:
    """One line's worth: what a step did, by its kind."""
    if step.status in ("skipped", "running"):
        return ""
    if step.kind == "ingest":
        return _describe_ingest(step.resources)
    if step.kind == "transform":
        built = sum(model.status == "succeeded" for model in step.models)
        return f"{_plural(built, 'model')} built" if built else ""
    if step.kind == "report":
        return _describe_files(step) if step.status == "succeeded" else ""
    return _describe_checks(step.checks) if step.checks or step.status != "unchanged" else ""


def _pipeline_lines(pipeline: PipelineResult, told: str, style: SummaryStyle) -> Iterator[str]:
    """told: the errors that follow; what they say is not said twice."""
    yield f"{pipeline.name}: {_paint(pipeline.status, style)}"
    for step in pipeline.steps:
        yield from _step_lines(step, told, style)


def _step_lines(step: StepResult, errors: str, style: SummaryStyle) -> Iterator[str]:
    name = step.name
    if len(name) > NAME_WIDTH:
        yield f"  {name}"
        name = ""
    seconds = "" if step.status == "skipped" else f"{step.duration_s:.1f} s"
    line = f"  {name:<{NAME_WIDTH}}  {_paint(step.status, style, STATUS_WIDTH)}  {seconds:>7}"
    told = f"{describe_step(step)}{f'  (try {step.tries})' if step.tries > 1 else ''}".strip()
    if STEP_WIDTH + len(told) <= style.width:
        yield f"{line}  {told}".rstrip()
    else:
        yield line.rstrip()
        yield from _wrap(told, "    ", style.width)
    for attempt in step.attempts[:-1]:
        told = f"Try {attempt.number} failed after {attempt.duration_s:.1f} s: {attempt.message} [{attempt.code}]"
        yield from _wrap(told, "    ", style.width)
    for resource in step.resources:
        yield from _entry(resource.name, describe_counts(resource), style)
    for model in step.models:
        yield from _model_lines(model, errors, style)
    for check in step.checks:
        yield from _check_lines(check, style)
    for report in step.reports:
        yield f"    {report.page}"
    for note in step.notes:
        yield from _wrap(f"Note: {note}", "    ", style.width)


def _model_lines(model: ModelResult, errors: str, style: SummaryStyle) -> Iterator[str]:
    if model.status == "failed":
        told_below = model.message and model.message in errors
        reason = "" if told_below else f": {model.message or 'see the log'}"
        yield from _entry(model.name, f"failed{reason}", style)
    elif model.status == "skipped":
        yield from _entry(model.name, "skipped", style)
    elif model.rows is not None:
        yield from _entry(model.name, _plural(model.rows, "row"), style)


def _check_lines(check: CheckResult, style: SummaryStyle) -> Iterator[str]:
    if check.status in ("passed", "skipped"):
        return
    reason = f"{_plural(check.failures, 'row')}" if check.failures else check.message or "see the log"
    yield from _entry(check.name, f"{check.status} ({check.severity}): {reason}", style)


def _error_lines(error: ErrorDocument, style: SummaryStyle) -> Iterator[str]:
    place = ":".join(str(part) for part in (error.file, error.line, error.column) if part is not None)
    told = f"{place}: {error.message}" if place and place not in error.message else error.message
    first, *rest = told.splitlines() or [""]
    yield from _wrap(f"{error.step or 'The run'} failed: {first} [{error.code}]", "", style.width)
    yield from _wrap("\n".join(rest), "  ", style.width) if rest else ()
    if error.hint:
        yield from _wrap(error.hint, "  ", style.width)


def _warning_lines(result: RunResult, style: SummaryStyle) -> list[str]:
    return [line for warning in result.warnings for line in _wrap(f"Warning: {warning}", "", style.width)]


def _result_line(result: RunResult, style: SummaryStyle) -> str:
    status = _paint(result.status, style)
    return f"Run {result.run_id} in '{result.environment}': {status} in {result.duration_s:.1f} s"


def _closing_lines(result: RunResult, location: str | None, style: SummaryStyle) -> Iterator[str]:
    if result.status == "unchanged":
        yield "Nothing new: every source and every model is as the last run left it."
    yield _result_line(result, style)
    if result.slot:
        yield f"Slot:  {result.slot}"
    if location:
        yield f"Data:  {location}"
    yield f"Log:   pipeline-cli logs {result.run_id}{style.command_suffix}"
    command = next_command(result)
    if command:
        yield f"Next:  {command}{style.command_suffix}"


def _describe_ingest(resources: Sequence[ResourceResult]) -> str:
    total = ResourceResult("", "", "")
    for resource in resources:
        total.loaded += resource.loaded
        total.quarantined += resource.quarantined
        total.deduplicated += resource.deduplicated
        total.repeated += resource.repeated
    return describe_counts(total) if resources else ""


def _describe_checks(checks: Sequence[CheckResult]) -> str:
    counts = {
        status: sum(check.status == status for check in checks)
        for status in ("passed", "warned", "failed", "errored", "skipped")
    }
    if counts["passed"] == len(checks) > 0:
        return f"{_plural(len(checks), 'check')} passed"
    shown = [f"{number} {status}" for status, number in counts.items() if number]
    return f"{_plural(len(checks), 'check')}: {', '.join(shown)}" if shown else "no checks"


def _describe_files(step: StepResult) -> str:
    kinds = {"csv": "CSV file", "pdf": "PDF", "png": "picture"}
    files = [file.rpartition(".")[2] for report in step.reports for file in report.files]
    told = [_plural(files.count(kind), noun) for kind, noun in kinds.items() if kind in files]
    if not told:
        return "a page" if step.reports else ""
    return f"a page{''.join(f', {each}' for each in told[:-1])} and {told[-1]}"


def _entry(name: str, text: str, style: SummaryStyle) -> list[str]:
    """A name and what is said of it, on one line where both fit."""
    line = f"    {name:<{ENTRY_WIDTH}}  {text}"
    if len(line) <= style.width and "\n" not in text:
        return [line]
    return [f"    {name}", *_wrap(text, "      ", style.width)]


def _wrap(text: str, indent: str, width: int) -> list[str]:
    """Text broken to the width, its own line breaks kept; a line with a caret below it stays whole."""
    lines: list[str] = []
    parts = text.splitlines() or [""]
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if "^" in (part.strip(), following.strip()):
            lines.append(indent + part)
            continue
        lines += textwrap.wrap(
            part,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _paint(status: Status, style: SummaryStyle, pad: int = 0) -> str:
    word = WORDS.get(status, status).ljust(pad)
    return f"\x1b[{COLORS[status]}m{word}\x1b[0m" if style.color else word


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _steps(result: RunResult) -> Iterator[StepResult]:
    for pipeline in result.pipelines:
        yield from pipeline.steps
