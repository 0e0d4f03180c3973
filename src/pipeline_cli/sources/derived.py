"""Records that a Python source makes of what an API sent, with that beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Derived(dict[str, Any]):
    """A record for the table, and what it was made of: `Derived({"spend": 1.5}, received={"spend": "1.50"})`.

    With `keep_raw: true` the column `_raw` holds what was received; of an ordinary dict it holds that itself.
    """

    def __init__(self, record: Mapping[str, Any], *, received: Mapping[str, Any]) -> None:
        super().__init__(record)
        self.received = received


def received_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a record was made of; the record itself where it is as it came."""
    return record.received if isinstance(record, Derived) else record
