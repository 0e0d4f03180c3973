"""How a step that failed is tried again.

No `from __future__ import annotations` here, as keys.py says.
"""

from datetime import timedelta
from typing import Literal

from pipeline_cli.manifest.keys import entry, key


@entry
class Retries:
    """Tries after the first, for what may pass the second time: the network, locks, conflicts, 429 and 5xx."""

    max: int = key("Tries after the first.", default=3, minimum=0)
    backoff: Literal["exponential", "fixed"] = key(
        "Whether the wait doubles with each try or stays the same.", default="exponential"
    )
    delay: timedelta = key("The wait before the second try.", default=timedelta(seconds=10))
    max_delay: timedelta = key("The longest wait.", default=timedelta(minutes=5))
    jitter: bool = key("Vary each wait by a quarter, so that not all come again at once.", default=True)
    deadline: timedelta = key(
        "How long after a step's beginning it may be tried again, waits included.", default=timedelta(hours=1)
    )
