"""JSONPaths are compiled once: dlt does so for each page again, and its parser takes 5 ms to come about."""

from __future__ import annotations

from functools import cache

from dlt.common import jsonpath


def remember_paths() -> None:
    """Make dlt keep what it has compiled; once is enough, more do no harm."""
    if not hasattr(jsonpath._parse, "cache_info"):  # type: ignore[attr-defined]
        jsonpath._parse = cache(jsonpath._parse)  # type: ignore[attr-defined]
