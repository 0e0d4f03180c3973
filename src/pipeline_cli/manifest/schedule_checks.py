"""Schedules that are none: a wrong field, a day that never comes, a time zone that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pipeline_cli import cron
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, did_you_mean, quoted
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.nodes import Node, Place, Scalar, child
from pipeline_cli.manifest.scalars import resolve

Text = Callable[[Node | None], str | None]


def check_schedules(schedules: Iterable[Node | None], text: Text, findings: Findings) -> None:
    """Record what is wrong with schedules. text: a scalar's text, its variables filled in."""
    for node in schedules:
        if isinstance(node, MappingNode):
            _check_zone(child(node, "timezone"), text, findings)
            _check_limit(node, text, findings)
            node = child(node, "cron")
        _check_cron(node, text, findings)


def _check_cron(node: Node | None, text: Text, findings: Findings) -> None:
    expression = text(node)
    if not isinstance(node, Scalar) or expression is None or not (expression or not node.text):
        return  # none; an empty one from a variable is none as well
    if node.plain and not isinstance(resolve(expression), str):  # null, or told where keys are read
        return
    try:
        cron.check(expression)
    except cron.CronError as error:
        place = _place_of_field(node, expression, error.field)
        findings.add(codes.BAD_SCHEDULE, place, f"schedule {quoted(expression)}: {error}.", error.hint)


def _place_of_field(node: Scalar, expression: str, field: int | None) -> Place:
    """Where the field begins; the whole value where it is not written there as it is."""
    if field is None or expression != node.text or node.column is None or node.line != node.end_line:
        return node
    starts = [match.start() for match in re.finditer(r"\S+", node.text)]
    return Place(node.document, node.line, node.column + starts[field] + (0 if node.plain else 1))


def _check_zone(node: Node | None, text: Text, findings: Findings) -> None:
    name = text(node)
    if not isinstance(node, Scalar) or name is None or name == "":
        return
    try:
        cron.zone_of(name)
    except LookupError:
        from zoneinfo import available_timezones

        known = sorted(available_timezones())
        near = did_you_mean(name, known)
        hint = near if near.startswith("Did") else "Write an IANA name, such as Europe/Berlin or UTC."
        findings.add(codes.BAD_SCHEDULE, node, f"there is no time zone {quoted(name)}.", hint)


def _check_limit(node: MappingNode, text: Text, findings: Findings) -> None:
    limit = node.entries.get("catch_up_limit")
    if limit is not None and text(child(node, "catch_up")) != "all":
        message = "catch_up_limit is for catch_up: all."
        findings.add(codes.BAD_SCHEDULE, limit.key, message, "Add catch_up: all, or remove the limit.")
