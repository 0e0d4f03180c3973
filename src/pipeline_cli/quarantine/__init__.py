"""The records that were rejected, and what was decided about them.

`_quarantine` beside each source's bronze tables holds the records; `_quarantine_decisions` holds, for those that were
replayed or discarded, who decided so, when and why. A record without a decision is open.
"""

from __future__ import annotations

from pipeline_cli.quarantine.records import Rejected, Wanted, find_rejected, list_rejected, read_open

__all__ = ["Rejected", "Wanted", "find_rejected", "list_rejected", "read_open"]
