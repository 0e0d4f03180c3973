"""Columns of numbers, dates, truth values and UUIDs: computed from the draw alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline_cli.sources.faker import draws
from pipeline_cli.sources.faker.columns import BOOL, DOUBLE, TEXT, Batch, Chooser


@dataclass(slots=True)
class Stepped:
    """Equally spaced values: start + step x the row's chosen number. unit: what an integer stands for."""

    start: int
    step: int
    choose: Chooser
    type: pa.DataType

    def make(self, batch: Batch) -> pa.Array:
        numbers = self.start + self.step * self.choose(batch.rows)
        if pa.types.is_decimal(self.type):
            return _decimals(numbers, self.type)
        if pa.types.is_date32(self.type):
            return pa.array(numbers.astype(np.int32)).view(self.type)
        if pa.types.is_timestamp(self.type):
            return pa.array(numbers * 1_000_000).view(self.type)
        return pa.array(numbers)


def _decimals(numbers: Any, to: pa.DataType) -> pa.Array:
    """Whole numbers of the smallest unit as decimals: the low and the high half of 128 bits."""
    halves = np.empty((len(numbers), 2), dtype=np.int64)
    halves[:, 0] = numbers
    halves[:, 1] = numbers >> 63
    return pa.Array.from_buffers(to, len(numbers), [None, pa.py_buffer(halves)])


@dataclass(slots=True)
class Floats:
    """Floating-point numbers between two bounds."""

    key: np.uint64
    low: float
    high: float
    type: pa.DataType = DOUBLE

    def make(self, batch: Batch) -> pa.Array:
        return pa.array(self.low + (self.high - self.low) * draws.unit(self.key, batch.rows))


@dataclass(slots=True)
class Booleans:
    """True for a share of the rows."""

    key: np.uint64
    share: float
    type: pa.DataType = BOOL

    def make(self, batch: Batch) -> pa.Array:
        return pa.array(draws.unit(self.key, batch.rows) < self.share)


@dataclass(slots=True)
class Uuids:
    """Random UUIDs, version 4, as text."""

    key: np.uint64
    type: pa.DataType = TEXT

    def make(self, batch: Batch) -> pa.Array:
        high = draws.bits(self.key, batch.rows)
        low = draws.bits(draws.stream(self.key, "low"), batch.rows)
        high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
        low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
        octets = np.stack([high, low], axis=1).astype(">u8").view(np.uint8)
        return _hex_texts(octets)


_HEX = np.frombuffer(b"".join(b"%02x" % octet for octet in range(256)), dtype=np.uint16)
# Octets, and where they are written.
_UUID_GROUPS = ((0, 4, 0), (4, 6, 9), (6, 8, 14), (8, 10, 19), (10, 16, 24))


def _hex_texts(octets: Any) -> pa.Array:
    """Rows of sixteen octets as 8-4-4-4-12 hexadecimal digits."""
    count = len(octets)
    digits = _HEX[octets].view(np.uint8).reshape(count, 32)
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    for start, end, at in _UUID_GROUPS:
        text[:, at : at + 2 * (end - start)] = digits[:, 2 * start : 2 * end]
    offsets = np.arange(0, 36 * count + 1, 36, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
