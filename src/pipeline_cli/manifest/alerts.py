"""Alerts of a pipeline: what is told, to whom.

No `from __future__ import annotations` here, as keys.py says.
"""

from datetime import timedelta
from typing import Literal

from pipeline_cli.manifest.keys import entry, key

Occasion = Literal[
    "failure", "recovery", "service_level", "monitor", "contract", "drift", "success", "report"
]
Attachment = Literal["html", "csv", "pdf"]


@entry
class Alert:
    """One rule: on these occasions these channels are told."""

    to: tuple[str, ...] = key("The channels to tell, by their names below plugins.", refers_to="plugins")
    when: tuple[Occasion, ...] = key(
        "What is told: a failure (its recovery, too, only where named), a run that is late (service_level) and "
        "what else `monitor` finds, broken contracts, a schema that drifted, every success, a new edition of a report.",
        default=("failure", "recovery", "service_level", "monitor"),
    )
    reminder: timedelta = key(
        "How long trouble that lasts stays quiet before it is told again.",
        default=timedelta(days=1),
        minimum=60,
    )
    deadline: timedelta = key(
        "How long an alert that does not arrive is sent again.", default=timedelta(days=1), minimum=1
    )
    attach: tuple[Attachment, ...] = key(
        "Which files of a report a mail of `report` has attached.", default=("html", "csv", "pdf")
    )
    environments: tuple[str, ...] = key(
        "Only runs in these environments; by default all.", default=(), refers_to="environments"
    )
