"""Pools: values that Faker's providers gave, from which a table of any size draws its rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.faker.draws import stream
from pipeline_cli.sources.faker.providers import make_generator

if TYPE_CHECKING:
    from faker.generator import Generator

# Their answers depend on when they are asked, whatever the seed and the date.
_UNSTABLE = ("passport_dates", "tar", "time_series", "zip")
_DRAWS_A_ROUND = 1_000
# Rounds in which nearly nothing is new before a search for different values is given up.
_DRY_ROUNDS = 3


class Pools:
    """The pools of one source: one for each provider, its arguments and its locale."""

    def __init__(self, seed: int, today: datetime) -> None:
        self.seed = seed
        self.today = today
        self._lock = threading.RLock()
        self._generators: dict[str, Generator] = {}
        self._drawn: dict[str, list[Any]] = {}
        self._resume: dict[str, Any] = {}

    def draw(self, provider: str, arguments: Mapping[str, Any], locale: str, count: int) -> list[Any]:
        """The first `count` values that the provider gives under this seed.

        A longer list begins as a shorter one does, so that it does not matter which table asks first.
        Raises SourceError: no such provider or locale, wrong arguments, or an answer that is no value.
        """
        name = json.dumps([provider, arguments, locale], sort_keys=True, default=str)
        with self._lock:
            values = self._drawn.setdefault(name, [])
            if len(values) < count:
                generator = self.generator(locale)
                function = _function(generator, provider, locale)
                if name in self._resume:
                    generator.random.setstate(self._resume[name])
                else:
                    generator.seed_instance(int(stream(self.seed, name)))
                values += _call(function, provider, arguments, count - len(values))
                self._resume[name] = generator.random.getstate()
            return values[:count]

    def draw_distinct(
        self, provider: str, arguments: Mapping[str, Any], locale: str, count: int
    ) -> list[Any]:
        """Up to `count` different values, in the order in which the provider first gives them."""
        asked, dry, known = 0, 0, dict[Any, None]()
        while len(known) < count and dry < _DRY_ROUNDS:
            before = len(known)
            # As many again as are known: where there are only fifty, no million is asked for.
            drawn = self.draw(provider, arguments, locale, asked + max(_DRAWS_A_ROUND, before))
            known.update(dict.fromkeys(map(_hashable, drawn[asked:])))
            dry = dry + 1 if len(known) - before < (len(drawn) - asked) // 50 else 0
            asked = len(drawn)
        return list(known)[:count]

    def generator(self, locale: str) -> Generator:
        if locale not in self._generators:
            try:
                self._generators[locale] = make_generator(locale, self.today)
            except AttributeError:
                message = f"Faker {_version()} knows no locale {locale!r}."
                raise SourceError(message, code="E319", hint="Locales are written as en_US.") from None
        return self._generators[locale]


def _version() -> str:
    from faker import VERSION

    return str(VERSION)


def _function(generator: Generator, provider: str, locale: str) -> Callable[..., Any]:
    names = {name for each in generator.get_providers() for name in dir(each) if not name.startswith("_")}
    function = getattr(generator, provider, None) if provider in names else None
    if not callable(function):
        from difflib import get_close_matches

        near = get_close_matches(provider, names, n=1)
        message = f"Faker {_version()} has no provider {provider!r} for {locale}."
        hint = f"Did you mean {near[0]}?" if near else "https://faker.readthedocs.io/en/stable/providers.html"
        raise SourceError(message, code="E319", hint=hint)
    if provider in _UNSTABLE:
        message = f"Faker's provider {provider!r} gives other values each time, whatever the seed."
        raise SourceError(message, code="E319", hint="Use another provider, or the kinds date and timestamp.")
    found: Callable[..., Any] = function
    return found


def _call(function: Callable[..., Any], provider: str, arguments: Mapping[str, Any], count: int) -> list[Any]:
    try:
        return [function(**arguments) for _ in range(count)]
    except Exception as error:  # whatever a provider raises, its arguments are why
        message = f"Faker's provider {provider!r} refuses: {str(error)[:200] or type(error).__name__}."
        given = ", ".join(arguments) or "none"
        raise SourceError(message, code="E319", hint=f"The arguments given are: {given}.") from error


def _hashable(value: Any) -> Any:
    return _json(value) if isinstance(value, (list, dict, set, tuple)) else value


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)


def as_array(values: list[Any]) -> pa.Array:
    """Values of a provider as a column of one type; lists and maps are JSON, what is mixed is text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str, list, dict, set, tuple, frozenset} and kinds - {str}:
        return pa.array([None if v is None else _json(v) for v in values], pa.string())
    if kinds == {int}:
        fits = all(value is None or -(2**63) <= value < 2**63 for value in values)
        return pa.array(values, pa.int64()) if fits else _texts(values)
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {Decimal}:
        return _decimals(values)
    if kinds == {date}:
        return pa.array(values, pa.date32())
    if kinds == {datetime}:
        return pa.array(values, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    if kinds == {time}:
        return pa.array(values, pa.time64("us"))
    return pa.array(values, pa.binary()) if kinds == {bytes} else _texts(values)


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _decimals(values: list[Any]) -> pa.Array:
    exponents = [value.as_tuple().exponent for value in values if value is not None]
    if not all(isinstance(exponent, int) and -18 <= exponent <= 0 for exponent in exponents):
        return _texts(values)
    scale = -min(exponents)
    whole = max(value.adjusted() + 1 for value in values if value is not None)
    precision = 18 if max(whole, 1) + scale <= 18 else 38
    return (
        pa.array(values, pa.decimal128(precision, scale)) if max(whole, 1) + scale <= 38 else _texts(values)
    )
