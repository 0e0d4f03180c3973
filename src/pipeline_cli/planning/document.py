"""A plan as plain data: the document of --json, and Markdown for a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipeline_cli.planning.changes import SECTIONS, Change, Plan
from pipeline_cli.planning.text import describe_verdict, sign_of


def to_fields(plan: Plan) -> dict[str, Any]:
    """The fields of the document, `changes` as flat objects."""
    return {
        "status": "succeeded",
        "environment": plan.environment,
        "pipelines": list(plan.pipelines),
        "compared_with": plan.compared_with,
        "verdict": describe_verdict(plan),
        "summary": {
            "changes": len(plan.to_apply),
            "destructive": len(plan.destructive),
            "differences_in_sources": len(plan.changes) - len(plan.to_apply),
        },
        "changes": [_to_dict(change) for change in plan.changes],
        "probed": plan.probed,
        "notes": plan.notes,
        "errors": [],
    }


def _to_dict(change: Change) -> dict[str, Any]:
    return {**asdict(change), "paths": [list(path) for path in change.paths]}


def render_markdown(plan: Plan) -> list[str]:
    """A comment for a pull request: the verdict, a table a section, and details to unfold."""
    lines = [f"### Plan for `{plan.environment}`", "", f"**{describe_verdict(plan)}**", ""]
    for section in SECTIONS:
        chosen = [change for change in plan.changes if change.section == section]
        if chosen:
            lines += [
                f"#### {section.capitalize()}",
                "",
                "| | what | change | what it does to rows |",
                "|---|---|---|---|",
                *(_row(change) for change in chosen),
                "",
            ]
    paths = [line for change in plan.changes for line in _paths(change)]
    if paths:
        lines += ["<details><summary>Where the fields go</summary>", "", *paths, "", "</details>", ""]
    lines += [f"> {_cell(note)}" for note in plan.notes]
    return [*lines, f"Compared with {_cell(plan.compared_with)}."]


def _row(change: Change) -> str:
    what = (
        ".".join(part for part in (change.owner, change.item) if part)
        if change.section == "sources"
        else change.item
    )
    mark = f"**{sign_of(change)}**" if change.destructive else sign_of(change)
    told = f"{_cell(change.summary)} ({_cell(change.reason)})"
    return f"| {mark} | `{_cell(what or change.owner)}` | {told} | {_cell(change.effect)} |"


def _paths(change: Change) -> Iterator[str]:
    for path in change.paths:
        yield f"- `{_cell(' -> '.join(path))}`"


def _cell(text: str) -> str:
    """One line that ends no table cell and starts no tag: names come from sources, too."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
