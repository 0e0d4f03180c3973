"""Random numbers by row: a draw is a function of the seed, the column and the row's number, and of nothing else.

That is why the size of a batch, the number of threads and the order in which tables are made change nothing,
and why a reference can be computed without its table: the key of row 7,193 is made as it is there. The function
is SplitMix64, which starts anew at any place of its sequence (Steele, Lea, Flood: Fast Splittable Pseudorandom
Number Generators, 2014; the constants are from there).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]  # numbers of rows, counted from 0

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ROUNDS = 4
_LARGEST_PRODUCT = 1 << 32


def stream(*names: object) -> np.uint64:
    """The key of one stream of draws: another name, an independent stream."""
    text = "\0".join(map(str, names)).encode()
    return np.uint64(int.from_bytes(blake2b(text, digest_size=8).digest(), "little"))


def bits(key: np.uint64, rows: Rows) -> NDArray[np.uint64]:
    """64 random bits for each row."""
    # In place: a fresh array for each of the nine steps costs twice the time.
    mixed = rows.astype(np.uint64)
    mixed *= _STEP
    mixed += key
    mixed ^= mixed >> np.uint64(30)
    mixed *= _MIX_1
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MIX_2
    mixed ^= mixed >> np.uint64(31)
    return mixed


def unit(key: np.uint64, rows: Rows) -> NDArray[np.float64]:
    """A number from 0 up to 1 for each row."""
    return (bits(key, rows) >> np.uint64(11)).astype(np.float64) * np.float64(1.0 / (1 << 53))


def below(key: np.uint64, rows: Rows, bound: int) -> NDArray[np.int64]:
    """A whole number from 0 up to `bound`, left out, for each row."""
    drawn = bits(key, rows)
    if bound <= _LARGEST_PRODUCT:
        return (((drawn >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)
    return (drawn % np.uint64(bound)).astype(np.int64)


def pick(key: np.uint64, rows: Rows, weights: Sequence[float]) -> NDArray[np.int64]:
    """The number of one of the weights for each row, as often as it weighs."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges[:-1] / edges[-1], unit(key, rows), side="right")


def shuffle(key: np.uint64, rows: Rows, count: int) -> NDArray[np.int64]:
    """Each row's place in a random order of all `count` rows: no two rows have the same.

    A Feistel network on the next power of four, walked on where it leads out of the rows.
    """
    half = np.uint64(max(1, (max(count - 1, 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = [stream(key, number) for number in range(_ROUNDS)]
    places = rows.astype(np.uint64)
    out = np.arange(len(places))
    while len(out):
        left, right = places[out] >> half, places[out] & mask
        for round_key in keys:
            left, right = right, left ^ (bits(round_key, right.astype(np.int64)) & mask)
        places[out] = (left << half) | right
        out = out[places[out] >= np.uint64(count)]
    return places.astype(np.int64)


def skew(key: np.uint64, rows: Rows, count: int) -> NDArray[np.int64]:
    """A whole number from 0 up to `count` for each row: four fifths of the rows share a fifth of the numbers."""
    busy = max(1, count // 5)
    drawn = unit(key, rows)
    first = np.floor(busy * drawn * np.sqrt(drawn))  # sqrt, not a power: the same to the last bit everywhere
    others = busy + np.floor((count - busy) * drawn)
    is_first = (unit(stream(key, "busy"), rows) < 0.8) | (busy == count)
    chosen = np.where(is_first, first, others).astype(np.int64)
    return shuffle(stream(key, "who"), np.minimum(chosen, count - 1), count)
