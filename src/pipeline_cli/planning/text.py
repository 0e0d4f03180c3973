"""A plan for a terminal: a tree, a verdict and the next command. Signs say what colour would."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline_cli.planning.changes import SECTIONS, Change, Plan

SIGNS = {"added": "+", "new": "+", "removed": "-", "missing": "-", "rejected": "x", "indirect": ">"}
_MOST_PATHS = 2
_TITLES = {
    "sources": "Sources",
    "models": "Models",
    "tests": "Tests",
    "reports": "Reports",
    "pipelines": "Pipelines",
}


def render_text(plan: Plan, next_command: str, width: int = 80) -> list[str]:
    """Lines of at most `width` characters, names longer than that apart."""
    lines = [*_wrap(f"Plan for {plan.environment}, compared with {plan.compared_with}.", "", width)]
    for section in SECTIONS:
        chosen = [change for change in plan.changes if change.section == section]
        if chosen:
            lines += ["", _TITLES[section], *_section(chosen, width)]
    lines.append("")
    for note in plan.notes:
        lines += _wrap(f"Note: {note}", "      ", width, first="")
    lines += _wrap(describe_verdict(plan), "", width)
    return [*lines, *_wrap(f"Next: {next_command}", "      ", width, first="")] if next_command else lines


def describe_verdict(plan: Plan) -> str:
    """`3 changes to apply, 1 of them destructive (!); 2 differences in what the sources give.`"""
    to_apply, drift = len(plan.to_apply), len(plan.changes) - len(plan.to_apply)
    told = []
    if to_apply:
        destructive = len(plan.destructive)
        marked = f", {destructive} of them destructive (!)" if destructive else ""
        told.append(f"{_count(to_apply, 'change')} to apply{marked}")
    if drift:
        told.append(f"{_count(drift, 'difference')} in what the sources give")
    if not told:
        read = sum(plan.probed.values())
        seen = (
            f"; {_count(read, 'record')} of {_count(len(plan.probed), 'resource')} read"
            if plan.probed
            else ""
        )
        return f"Nothing changes{seen}."
    return f"{'; '.join(told)}."


def sign_of(change: Change) -> str:
    """Its sign, after a ! where it is destructive."""
    sign = SIGNS.get(change.action, "~")
    return f"! {sign}" if change.destructive else sign


def _section(changes: Sequence[Change], width: int) -> Iterator[str]:
    owners = [(owner, list(group)) for owner, group in groupby(changes, key=lambda change: change.owner)]
    for owner, group in owners:
        yield f"  {owner}"
        items = [(item, list(lines)) for item, lines in groupby(group, key=lambda change: change.item)]
        for number, (item, lines) in enumerate(items):
            last = number == len(items) - 1
            yield from _item(item, lines, last, width)


def _item(item: str, changes: Sequence[Change], last: bool, width: int) -> Iterator[str]:
    """A resource, model, test or report with its lines; one that has a single line stands on it."""
    branch, below = ("  └─ ", "     ") if last else ("  ├─ ", "  │  ")
    if len(changes) == 1 or not item:
        for number, change in enumerate(changes):
            lead = branch if number == len(changes) - 1 or item else "  ├─ "
            yield from _change(change, f"{item}: " if item else "", lead, below, width)
        return
    yield f"{branch}{item}"
    for number, change in enumerate(changes):
        at_end = number == len(changes) - 1
        yield from _change(
            change, "", below + ("└─ " if at_end else "├─ "), below + ("   " if at_end else "│  "), width
        )


def _change(change: Change, item: str, lead: str, below: str, width: int) -> Iterator[str]:
    indent = below + "  "
    yield from _wrap(f"{sign_of(change)} {item}{change.summary} ({change.reason})", indent, width, first=lead)
    if change.effect:
        yield from _wrap(change.effect, indent, width)
    for path in change.paths[:_MOST_PATHS]:
        yield from _wrap(" -> ".join(path), indent, width)
    left = len(change.paths) - _MOST_PATHS
    if left > 0:
        yield f"{indent}and {left} more way{'' if left == 1 else 's'} to gold and reports (--json has them)"


def _wrap(text: str, indent: str, width: int, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
