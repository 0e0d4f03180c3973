"""Columns of text put together from others: templates, and values mixed from several columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline_cli.manifest.faker_values import Part
from pipeline_cli.sources.faker.columns import TEXT, Batch, Chooser, Column, Pooled


@dataclass(slots=True)
class Joined:
    """Literal texts and columns, one behind the other; NULL where one of them is."""

    parts: Sequence[str | Column]
    type: pa.DataType = TEXT

    def make(self, batch: Batch) -> pa.Array:
        pieces = [part if isinstance(part, str) else as_text(part.make(batch)) for part in self.parts]
        return _join(pieces, len(batch.rows))


def join_parts(parts: Sequence[str | Column]) -> Joined:
    """The parts as a column; a literal text becomes part of the pool behind it, or before it at the end."""
    folded: list[str | Column] = []
    for part in parts:
        before = folded[-1] if folded else None
        if isinstance(part, Pooled) and isinstance(before, str):
            folded[-1] = Pooled(_join([before, as_text(part.pool)], len(part.pool)), part.choose)
        elif isinstance(part, str) and isinstance(before, Pooled):
            folded[-1] = Pooled(_join([as_text(before.pool), part], len(before.pool)), before.choose)
        else:
            folded.append(part)
    return Joined(folded)


@dataclass(slots=True)
class Template:
    """A manifest's template, filled in from the other columns of the row."""

    parts: Sequence[Part]
    type: pa.DataType = TEXT
    _slugs: dict[str, str] = field(default_factory=dict)

    def make(self, batch: Batch) -> pa.Array:
        pieces: list[Any] = []
        for part in self.parts:
            pieces.append(part.literal)
            if part.column is not None:
                pieces.append(self._modify(as_text(batch.column(part.column)), part))
        return _join([piece for piece in pieces if not isinstance(piece, str) or piece], len(batch.rows))

    def _modify(self, values: pa.Array, part: Part) -> pa.Array:
        for modifier in part.modifiers:
            if modifier == "first":
                values = pc.utf8_slice_codeunits(values, 0, 1)
            elif modifier == "slug":
                values = _slugify(values, self._slugs)
            else:
                values = {"lower": pc.utf8_lower, "upper": pc.utf8_upper, "title": pc.utf8_title}[modifier](
                    values
                )
        return pc.utf8_lpad(values, part.width, "0") if part.width else values


def _join(pieces: Sequence[Any], count: int) -> pa.Array:
    if all(isinstance(piece, str) for piece in pieces):
        return pa.repeat("".join(pieces), count)
    # binary_join_element_wise gives a scalar's type to all: scalars of the arrays' own type.
    cells = [pa.scalar(piece, pa.string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*cells, pa.scalar("", pa.string()))


def as_text(values: pa.Array) -> pa.Array:
    """Values as people write them: 2025-01-31, 2025-01-31 12:00:00, true, 5, 5.20."""
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("us")).cast(pa.timestamp("s"), safe=False)
    return values.cast(pa.string())


def _slugify(values: pa.Array, known: dict[str, str]) -> pa.Array:
    """Small ASCII letters and digits only: "Zoë O'Neil" is zoeoneil. One call a different value."""
    encoded = values.dictionary_encode()
    slugs = [
        known.get(value) or known.setdefault(value, _slug(value)) for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(slugs, pa.string()).take(encoded.indices)


def _slug(text: str) -> str:
    from faker.decode import unidecode

    return re.sub(r"[^a-z0-9]+", "", unidecode(text).lower())


@dataclass(slots=True)
class Mixed:
    """Each row's value from one of several columns of one type."""

    columns: Sequence[Column]
    choose: Chooser

    @property
    def type(self) -> pa.DataType:
        return self.columns[0].type

    def make(self, batch: Batch) -> pa.Array:
        # Few bits: numpy then sorts by counting, five times as fast.
        choice = self.choose(batch.rows).astype(np.uint8 if len(self.columns) <= 256 else np.int64)
        order = np.argsort(choice, kind="stable")
        edges = np.searchsorted(choice[order], np.arange(len(self.columns) + 1))
        pieces = [
            column.make(Batch(batch.table, batch.rows[order[start:end]]))
            for column, start, end in zip(self.columns, edges, edges[1:], strict=False)
            if start < end
        ]
        if not pieces:
            return pa.nulls(0, self.type)
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return pa.concat_arrays(pieces).take(pa.array(places))


@dataclass(slots=True)
class Numbered:
    """Names that never repeat: those of a pool, then each with 1 behind it, then with 2, and so on.

    names: different, and without digits at their ends. place: a number from 0 up for each row, none twice.
    tails: what stands behind the number, in turn by `tail`: ["@example.com", "@example.org"], or [""].
    """

    names: pa.Array
    place: Chooser
    tails: Sequence[str]
    tail: Chooser
    turn_count: int
    type: pa.DataType = TEXT
    _ends: pa.Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        turns = ["", *map(str, range(1, self.turn_count))]
        self._ends = pa.array([turn + tail for turn in turns for tail in self.tails], pa.string())

    def make(self, batch: Batch) -> pa.Array:
        turns, numbers = np.divmod(self.place(batch.rows), len(self.names))
        ends = turns * len(self.tails) + self.tail(batch.rows)
        return _join([self.names.take(pa.array(numbers)), self._ends.take(pa.array(ends))], len(turns))
