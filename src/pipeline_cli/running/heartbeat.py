"""A run's sign of life in the ledger, for the other hosts that share it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_cli.ledger import Ledger

EVERY_S = 30.0
log = logging.getLogger(__name__)


@contextmanager
def keep_claiming(ledger: Ledger, run_id: str) -> Iterator[None]:
    """Claim the run every 30 seconds while the block runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(EVERY_S):
            try:
                ledger.claim(run_id)
            except Exception:  # a database that is away for a moment: the next beat will do
                log.warning("the heartbeat of run %s failed", run_id, exc_info=True)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        over.set()
