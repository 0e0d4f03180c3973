"""dlt's incremental step, which the carriers of rejected records pass by.

It looks for the cursor in whatever it is given, and fails, or drops what has none, as the source's author said: of
records, not of carriers.
"""

from __future__ import annotations

from typing import Any

from dlt.extract import DltResource
from dlt.extract.incremental import IncrementalResourceWrapper

from pipeline_cli.gate.records import REJECTED


class PassedByCarriers(IncrementalResourceWrapper):
    """An incremental step that sees records alone."""

    def __call__(self, item: Any, meta: Any = None) -> Any:
        carriers = [each for each in item if REJECTED in each]
        if not carriers:
            return super().__call__(item, meta)
        records = [each for each in item if REJECTED not in each]
        return [*((super().__call__(records, meta) if records else None) or ()), *carriers]


def let_carriers_pass(resource: DltResource) -> None:
    """Change the resource's incremental step, where it has one."""
    step = resource.incremental
    if isinstance(step, IncrementalResourceWrapper):
        step.__class__ = PassedByCarriers
