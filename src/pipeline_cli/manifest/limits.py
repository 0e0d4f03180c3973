"""A bound on rejected records.

No `from __future__ import annotations` here, as keys.py says.
"""

from pipeline_cli.manifest.keys import entry


@entry
class Limit:
    """A bound on rejected records: a count, or a share of the extracted ones (0.01 is "1%")."""

    count: int | None = None
    share: float | None = None

    def allows(self, rejected: int, extracted: int) -> bool:
        """Whether `rejected` of `extracted` records are within the bound."""
        if self.count is not None:
            return rejected <= self.count
        return rejected <= (self.share or 0.0) * extracted

    def __str__(self) -> str:
        return f"{100 * (self.share or 0):g}%" if self.count is None else f"{self.count:,}"
