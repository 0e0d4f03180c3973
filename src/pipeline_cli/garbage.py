"""How often Python looks for cycles among its objects, whose default suits neither our start nor our pages."""

from __future__ import annotations

import gc
from functools import cache

# Objects between two collections (Python's default is 700). Importing makes objects by the ten thousand and no
# garbage: collecting among them took 18% of `validate`, and at 50,000 still 4% of a run with nothing new.
AT_START = 500_000
# A page makes thousands of objects that no cycle holds; looking at all of dlt's each time was a third of decoding.
AMONG_PAGES = 50_000


def collect_seldom() -> None:
    """For a command that has just begun."""
    gc.set_threshold(AT_START)


@cache
def collect_among_pages() -> None:
    """For the reading of many records: what is there already is not looked at again."""
    gc.freeze()
    gc.set_threshold(AMONG_PAGES, 20, 20)
