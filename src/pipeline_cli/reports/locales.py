"""How numbers and months are written where no script runs: as the report's `locale` has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from pipeline_cli.manifest.reports import Locale

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENT: ContextVar[Locale] = ContextVar("locale", default="en-US")


@contextmanager
def written_in(locale: Locale) -> Iterator[None]:
    """What is written inside, in this thread, is written as this locale has it."""
    token = _CURRENT.set(locale)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_locale() -> Locale | None:
    """The locale by the name that Vega has for it; None for English, which needs none."""
    locale = _CURRENT.get()
    return None if locale.startswith("en-") else locale


def localize(number: str) -> str:
    """A number that is written as in English, 1,234.50, with the locale's separators."""
    locale = current_locale()
    return number.translate(_separators(locale)) if locale else number


def month_name(month: int) -> str:
    """The short name of a month, 1 to 12."""
    locale = current_locale()
    return _months(locale)[month - 1] if locale else _MONTHS[month - 1]


@cache
def _separators(locale: Locale) -> dict[int, str]:
    import vl_convert

    found = vl_convert.get_format_locale(locale)
    return {ord(","): str(found["thousands"]), ord("."): str(found["decimal"])}


@cache
def _months(locale: Locale) -> tuple[str, ...]:
    import vl_convert

    return tuple(str(name) for name in vl_convert.get_time_format_locale(locale)["shortMonths"])
