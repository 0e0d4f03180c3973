"""Columns of Faker's values: from a pool, and for large tables put together as Faker does it itself.

A pool of 10,000 addresses would give each a hundred times to a million rows. Faker makes an address by a format
("{{building_number}} {{street_name}}") of smaller providers, so that is done here column by column: a few
pools of some thousand values are millions of addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, product, zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.faker import draws
from pipeline_cli.sources.faker.columns import Column, Pooled
from pipeline_cli.sources.faker.pools import Pools, as_array
from pipeline_cli.sources.faker.texts import Mixed, Numbered, join_parts

# Providers that fill in formats, by the name of the formats in their class.
_PARSED = {
    "name": "formats",
    "company": "formats",
    "city": "city_formats",
    "street_name": "street_name_formats",
    "street_address": "street_address_formats",
    "address": "address_formats",
}
_NUMERIFIED = {
    "phone_number": "formats",
    "building_number": "building_number_formats",
    "msisdn": "msisdn_formats",
}
_EMAILS = ("email", "safe_email", "free_email", "company_email", "user_name",
           "ascii_email", "ascii_safe_email", "ascii_free_email", "ascii_company_email")  # fmt: skip
# Values that are put together from several pools are many also when each pool is smaller.
_PARTS = 3
_MOST_ENDS = 100_000  # of numbered names: a number and a domain each
_DIGITS = {"#": "0123456789", "%": "123456789", "$": "23456789"}


@dataclass(frozen=True, slots=True)
class Provided:
    """One column that a provider gives. label: "table.column", for messages; key: of its draws."""

    label: str
    key: np.uint64
    provider: str
    arguments: Mapping[str, Any]
    locales: tuple[str, ...]
    row_count: int
    is_unique: bool


class ProvidedColumns:
    """Makes columns of providers, from the pools of one source."""

    def __init__(self, pools: Pools, pool_size: int) -> None:
        self.pools = pools
        self.pool_size = pool_size

    def build(self, spec: Provided, locale_key: np.uint64) -> Column:
        """The column. locale_key: of the draws that say which locale a row is from, one for a whole table.

        Raises SourceError where Faker refuses, or cannot give enough different values.
        """
        if spec.provider in _EMAILS and (spec.is_unique or spec.row_count > self.pool_size):
            return self._numbered(spec)
        if spec.is_unique:
            return self._unique(spec)
        columns = [self._of_locale(spec, locale, spec.key, self.pool_size) for locale in spec.locales]
        if len(columns) == 1:
            return columns[0]
        if len({column.type for column in columns}) > 1:
            message = f"{spec.label}: {spec.provider} gives values of other types in other locales."
            raise SourceError(message, code="E319", hint="Give this column a locale of its own.")
        return Mixed(columns, lambda rows: draws.below(locale_key, rows, len(columns)))

    def _of_locale(self, spec: Provided, locale: str, key: np.uint64, pool_size: int) -> Column:
        if spec.row_count > self.pool_size and not spec.arguments:
            made = self._from_formats(spec, locale, key)
            if made is not None:
                return made
        count = max(1, min(spec.row_count, pool_size))  # one tells the type of a table without rows
        pool = as_array(self.pools.draw(spec.provider, spec.arguments, locale, count))
        if count >= spec.row_count:
            # As many calls as rows: each row has a value of its own call.
            return Pooled(pool, lambda rows: draws.shuffle(key, rows, count))
        return Pooled(pool, lambda rows: draws.below(key, rows, count))

    def _from_formats(self, spec: Provided, locale: str, key: np.uint64) -> Column | None:
        """The column by the provider's own formats; None where it has none, or goes another way."""
        formats = self._formats(spec.provider, locale)
        parts = [_split(text, is_parsed=spec.provider in _PARSED) for text in formats]
        if not parts or None in parts:
            return None
        columns = [
            self._joined(spec, locale, draws.stream(key, number), pieces or [])
            for number, pieces in enumerate(parts)
        ]
        weights = list(formats.values())
        choice = draws.stream(key, "format")
        return Mixed(columns, lambda rows: draws.pick(choice, rows, weights))

    def _formats(self, provider: str, locale: str) -> dict[str, float]:
        attribute = _PARSED.get(provider) or _NUMERIFIED.get(provider)
        for owner in self.pools.generator(locale).get_providers() if attribute else ():
            function = getattr(type(owner), provider, None)
            if function is None:
                continue
            # "faker.providers.address": what a locale has written anew may well not use the formats.
            formats = getattr(owner, str(attribute), ()) if function.__module__.count(".") == 2 else ()
            return (
                dict(formats)
                if isinstance(formats, dict)
                else {text: formats.count(text) for text in formats}
            )
        return {}

    def _joined(self, spec: Provided, locale: str, key: np.uint64, pieces: list[tuple[str, str]]) -> Column:
        parts: list[str | Column] = []
        for number, (kind, text) in enumerate(pieces):
            own = draws.stream(key, number)
            if kind == "provider":
                part = Provided(spec.label, own, text, {}, (locale,), spec.row_count, is_unique=False)
                parts.append(self._of_locale(part, locale, own, self.pool_size // _PARTS))
            elif kind == "digits":
                pool = pa.array(["".join(digits) for digits in product(*(_DIGITS[sign] for sign in text))])
                parts.append(Pooled(pool, partial(draws.below, own, bound=len(pool))))
            else:
                parts.append(text)
        return join_parts(parts)

    def _distinct(self, spec: Provided, count: int) -> list[Any]:
        """Up to `count` different values, from the locales in turn."""
        found = (
            self.pools.draw_distinct(spec.provider, spec.arguments, each, count) for each in spec.locales
        )
        mixed = chain.from_iterable(zip_longest(*found))
        return list(dict.fromkeys(value for value in mixed if value is not None))[:count]

    def _unique(self, spec: Provided) -> Column:
        values = self._distinct(spec, max(1, spec.row_count))
        if len(values) < spec.row_count:
            message = (
                f"{spec.label}: unique: true needs {spec.row_count} different values,"
                f" and {spec.provider} gave {len(values)}."
            )
            hint = 'Number them with a template over a sequence column: "{name} {id}", or ask for fewer rows.'
            raise SourceError(message, code="E319", hint=hint)
        pool = as_array(values)
        return Pooled(pool, lambda rows: draws.shuffle(spec.key, rows, spec.row_count))

    def _numbered(self, spec: Provided) -> Column:
        drawn = self._distinct(spec, max(1, min(spec.row_count, self.pool_size // _PARTS)))
        split = [str(address).partition("@") for address in drawn]
        names = list(dict.fromkeys(re.sub(r"\d+$", "", name) for name, _, _ in split))
        known = [name for name in names if name]
        if not known:
            message = f"{spec.label}: {spec.provider} gave no name to put a number behind."
            raise SourceError(message, code="E319", hint="Use a template.")
        turn_count = -(-spec.row_count // len(known)) or 1
        tails = list(dict.fromkeys(at + domain for _, at, domain in split))[
            : max(1, _MOST_ENDS // turn_count)
        ]
        tail_key = draws.stream(spec.key, "tail")
        return Numbered(
            pa.array(known),
            partial(draws.shuffle, spec.key, count=spec.row_count),
            tails,
            partial(draws.below, tail_key, bound=len(tails)),
            turn_count,
        )


def _split(text: str, *, is_parsed: bool) -> list[tuple[str, str]] | None:
    """A format as (kind, text), the kind one of text, provider, digits; None where it has something else."""
    pattern = r"\{\{\s*(\w+)\s*\}\}" if is_parsed else r"([#%$]{1,4})"
    kind = "provider" if is_parsed else "digits"
    pieces: list[tuple[str, str]] = list(_pieces(re.split(pattern, text), kind))
    odd = "{}" if is_parsed else "!@{}"
    return None if any(sign in part for each, part in pieces if each == "text" for sign in odd) else pieces


def _pieces(split: list[str], kind: str) -> Iterator[tuple[str, str]]:
    for number, part in enumerate(split):
        if part:
            yield (kind if number % 2 else "text"), part
