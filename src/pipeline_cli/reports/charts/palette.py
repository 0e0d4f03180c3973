"""Colours, patterns and shapes of series: each series differs from the others in more than its colour.

Colours are the light theme's; the page's style sheet turns them into the dark theme's. Those of either theme stand out
from its cards (contrast 3:1 and more), and any two differ by 11 and more (CIEDE2000), for the colour-blind, too.
"""

from __future__ import annotations

PALETTE = ("#2f5fd0", "#d06208", "#00a680", "#832744", "#5a2771", "#404f00", "#9980ec", "#835288")
DARK_PALETTE = ("#7ea2ff", "#e09b6f", "#50eac5", "#d53a66", "#a35d9a", "#878300", "#6d76dd", "#f0b3df")
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"  # as report.css has it
INK, QUIET, LINE, CARD = "#3b4252", "#6b7280", "#e3e6eb", "#ffffff"
DARK_INK, DARK_QUIET, DARK_LINE, DARK_CARD = "#d5dae3", "#9aa3b2", "#333a46", "#1a1e26"
DARK = dict(
    zip(
        (*PALETTE, INK, QUIET, LINE, CARD),
        (*DARK_PALETTE, DARK_INK, DARK_QUIET, DARK_LINE, DARK_CARD),
        strict=True,
    )
)

# Of points, in the order of the palette: Vega's names.
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)

# What lies over the colour of an area: lines and dots in the card's colour, in a square of so many pixels.
# The first series is plain.
TILE = 6
_MARKS = (
    '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="{0}" fill="none"/>',
    '<circle cx="1.5" cy="1.5" r="1" fill="{0}"/><circle cx="4.5" cy="4.5" r="1" fill="{0}"/>',
    '<path d="M-1 -1L7 7M-1 5L1 7M5 -1L7 1" stroke="{0}" fill="none"/>',
    '<path d="M0 3H6" stroke="{0}" fill="none"/>',
    '<path d="M0 0L6 6M6 0L0 6" stroke="{0}" fill="none"/>',
    '<path d="M3 0V6" stroke="{0}" fill="none"/>',
    '<circle cx="3" cy="3" r="1.6" fill="{0}"/>',
)


def pattern_id(series: int) -> str:
    """The id of a series' pattern, from 1 on; the hyphen keeps it apart from the names of blocks."""
    return f"series-{series}"


def pattern_definitions(*, ground: bool = True) -> str:
    """The patterns as the content of an SVG's <defs>; without their ground they are lines to lay over a colour."""
    return "".join(
        f'<pattern id="{pattern_id(number)}" width="{TILE}" height="{TILE}" patternUnits="userSpaceOnUse">'
        + (f'<rect width="{TILE}" height="{TILE}" fill="{PALETTE[number]}"/>' if ground else "")
        + f'<g opacity=".55">{mark.format(CARD)}</g></pattern>'
        for number, mark in enumerate(_MARKS, start=1)
    )
