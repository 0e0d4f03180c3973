"""How far a resource has come: what loading tells while it happens, and listeners show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one resource has come in this run.

    records: so far; 0 where only bytes are known yet. done_bytes, total_bytes: of the files as they are stored
    (compressed ones too), total_records: None where nobody knows. Tell the start (nothing done) as well: the time
    left is reckoned from the first time that a resource is told of.
    """

    resource: str
    records: int
    done_bytes: int | None = None
    total_bytes: int | None = None
    total_records: int | None = None

    @property
    def share(self) -> float | None:
        """Between 0 and 1, by bytes where they are known, else by records; None without a total."""
        if self.total_bytes and self.done_bytes is not None:
            return min(self.done_bytes / self.total_bytes, 1.0)
        if self.total_records:
            return min(self.records / self.total_records, 1.0)
        return None


# Called in the thread that reads the resource, page by page or batch by batch.
TellProgress = Callable[[Progress], None]


def tell_nobody(progress: Progress) -> None:
    """Nobody watches."""
