"""From when on `pipeline-cli monitor` says that a pipeline is not well.

No `from __future__ import annotations` here, as keys.py says.
"""

from datetime import timedelta

from pipeline_cli.manifest.keys import entry, key
from pipeline_cli.manifest.limits import Limit


@entry
class Monitor:
    """The thresholds of one pipeline, or at the top of the manifest of all."""

    every: timedelta = key(
        "Without a schedule: how old its last successful run, and its tables' last loads, may become.",
        default=timedelta(days=2),
        minimum=1,
    )
    grace: timedelta = key(
        "With a schedule: how long after its slot a run may begin.", default=timedelta(hours=1), minimum=0
    )
    freshness: timedelta | None = key(
        "How old the last load of a table may become; by default as its runs.", default=None, minimum=1
    )
    new_rows: timedelta | None = key(
        "In what time each source must have brought new rows; by default it need not.",
        default=None,
        minimum=1,
    )
    duration: float = key(
        "How many times its usual duration (the median of its last runs) a run may take.",
        default=2.0,
        minimum=1,
    )
    min_duration: timedelta = key("Runs that are shorter are never slow.", default=timedelta(seconds=30))
    rows: float = key(
        "How many times more, or fewer, rows than usual a table may get.", default=2.0, minimum=1
    )
    min_rows: int = key("Differences of fewer rows are none.", default=10, minimum=0)
    min_runs: int = key("After how many runs it is known what is usual.", default=5, minimum=2)
    quarantine: Limit = key(
        "How many records of a load may be rejected; a resource's own max_rejected goes before it.",
        default=Limit(share=0.01),
    )
