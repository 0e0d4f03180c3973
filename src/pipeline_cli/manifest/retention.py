"""How long the ledger keeps what is over.

No `from __future__ import annotations` here, as keys.py says.
"""

from datetime import timedelta

from pipeline_cli.manifest.keys import entry, key

_DAY = 86_400


@entry
class Retention:
    """What is older is removed at the end of a run. What is due, open or under way stays, and so do runs."""

    alerts: timedelta = key(
        "Alerts that arrived or were given up, and incidents that are over.",
        default=timedelta(days=365),
        minimum=_DAY,
    )
    slots: timedelta = key(
        "Slots of schedules that were run or left out; the newest of each pipeline stays.",
        default=timedelta(days=365),
        minimum=_DAY,
    )
