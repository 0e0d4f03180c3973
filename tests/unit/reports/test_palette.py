"""Colours: seen on their cards, and told apart by the colour-blind, too.

Simulation of colour blindness: Machado, Oliveira and Fernandes, 2009 (severity 1). Difference: CIEDE2000.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest

from pipeline_cli.reports.charts.palette import (
    CARD,
    DARK,
    DARK_CARD,
    DARK_INK,
    DARK_PALETTE,
    DARK_QUIET,
    INK,
    PALETTE,
    QUIET,
    SHAPES,
    pattern_definitions,
    pattern_id,
)

Vector = np.ndarray
EYES = {
    "all colours": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(color: str) -> Vector:
    parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(light: Vector) -> Vector:
    xyz = TO_XYZ @ np.clip(light, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: Vector, other: Vector) -> float:
    """CIEDE2000; checked below with a pair of Sharma, Wu and Dalal's."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    middle = (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * np.cos(np.radians(middle - 30))
        + 0.24 * np.cos(np.radians(2 * middle))
        + 0.32 * np.cos(np.radians(3 * middle + 6))
        - 0.20 * np.cos(np.radians(4 * middle - 63))
    )
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    angle = 60 * np.exp(-(((middle - 275) / 25) ** 2))
    turned = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(angle))
    parts = (l2 - l1) / s_l, (c2 - c1) / s_c, hue / s_h
    return float(np.sqrt(sum(part**2 for part in parts) + turned * parts[1] * parts[2]))


def test_the_difference_is_the_one_of_the_standard() -> None:
    pair = np.array([50.0, 2.6772, -79.7751]), np.array([50.0, 0.0, -82.7485])
    assert difference(*pair) == pytest.approx(2.0425, abs=0.0001)


@pytest.mark.parametrize(("palette", "card"), [(PALETTE, CARD), (DARK_PALETTE, DARK_CARD)])
def test_each_colour_is_seen_on_its_card(palette: tuple[str, ...], card: str) -> None:
    assert [color for color in palette if contrast(color, card) < 3] == []


@pytest.mark.parametrize(
    ("ink", "card"), [(INK, CARD), (QUIET, CARD), (DARK_INK, DARK_CARD), (DARK_QUIET, DARK_CARD)]
)
def test_words_are_read_on_their_card(ink: str, card: str) -> None:
    assert contrast(ink, card) >= 4.5


@pytest.mark.parametrize("palette", [PALETTE, DARK_PALETTE])
@pytest.mark.parametrize("eyes", EYES)
def test_no_two_colours_look_alike_to_anybody(palette: tuple[str, ...], eyes: str) -> None:
    seen = {color: lab(EYES[eyes] @ linear(color)) for color in palette}
    close = [pair for pair in combinations(palette, 2) if difference(seen[pair[0]], seen[pair[1]]) < 11]
    assert close == []


def test_every_series_but_the_first_has_a_pattern_of_its_own_and_each_a_shape() -> None:
    patterns = ET.fromstring(f"<defs>{pattern_definitions()}</defs>")
    assert [pattern.get("id") for pattern in patterns] == [
        pattern_id(place) for place in range(1, len(PALETTE))
    ]
    drawings = {
        re.sub("#[0-9a-f]{6}", "", ET.tostring(pattern[1], encoding="unicode")) for pattern in patterns
    }
    assert len(drawings) == len(PALETTE) - 1
    assert len(set(SHAPES)) == len(PALETTE)
    used = set(re.findall("#[0-9a-f]{6}", pattern_definitions()))
    assert used <= set(DARK)
