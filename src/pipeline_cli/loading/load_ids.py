"""Load ids that never go back, whatever the clock says.

dlt's load id is the time at which a load began, and the newest load is taken for the one with the highest: its state
is what a machine without a working folder goes on from. After a run on a clock ten years ahead, that would be its
state for ten years, and everything since would be read, and appended, again.
"""

from __future__ import annotations

import math
import time

from pipeline_cli.destinations.base import Warehouse, quote


def next_load_id(highest: str | None) -> str:
    """A load id for now, above the highest so far."""
    now = time.time()
    return str(now if highest is None else max(now, math.nextafter(float(highest), math.inf)))


def raise_load_ids(warehouse: Warehouse, dataset: str) -> None:
    """Have dlt make load ids above all that the dataset holds."""
    if (dataset, "_dlt_loads") not in set(warehouse.relations([dataset])):
        return
    connection = warehouse.connect()
    try:
        ((highest,),) = connection.query(f"SELECT max(load_id) FROM {quote(dataset, '_dlt_loads')}")
    finally:
        connection.close()
    if highest is not None:
        from dlt.common.time import increasing_precise_time as clock

        with clock._lock:
            clock._last = max(clock._last, float(highest))
