"""When a pipeline runs by itself.

No `from __future__ import annotations` here, as keys.py says.
"""

from typing import Literal

from pipeline_cli.manifest.keys import entry, key

CatchUp = Literal["none", "latest", "all"]


@entry
class Schedule:
    """When `pipeline-cli schedule run` runs a pipeline; the expression alone may stand in its place."""

    cron: str = key(
        'Five fields, such as "0 6 * * 1-5", or @hourly, @daily, @weekly, @monthly, @yearly.',
    )
    timezone: str = key("The IANA time zone of the expression, such as Europe/Berlin.", default="UTC")
    catch_up: CatchUp = key(
        "Which slots are made up for that passed while nothing ran them: none, the latest, or all.",
        default="latest",
    )
    catch_up_limit: int = key(
        "With catch_up: all, how many at most; older ones are left out.", default=100, minimum=1
    )


def as_schedule(written: Schedule | str | None) -> Schedule | None:
    """A pipeline's `schedule:` in full; None where it has none."""
    return Schedule(cron=written) if isinstance(written, str) else written
