"""How wide a text is: in Arial, which Liberation Sans and Helvetica are as wide as."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# Thousandths of the letter's size, of the characters from the space to the tilde.
# fmt: off
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778,
    722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278,
    278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778,
    722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333,
    278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)
# fmt: on
_OTHER = 556


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that a text takes in one line, in letters of `size` pixels."""
    return sum(_letter_width(letter, _BOLD if bold else _REGULAR) for letter in text) * size / 1000


def shorten(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text as far as there is room, with an ellipsis where it is cut."""
    if text_width(text, size, bold=bold) <= room:
        return text
    while text and text_width(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines that fit; a word that is longer than a line is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size, bold=bold) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, size, bold=bold) > room:
                lines.append("")
            lines[-1] += letter
    return lines


def _letter_width(letter: str, widths: Sequence[int]) -> int:
    place = ord(letter) - 32
    if 0 <= place < len(widths):
        return widths[place]
    if unicodedata.combining(letter):
        return 0
    plain = unicodedata.normalize("NFD", letter)[0]  # ö is as wide as o
    if plain != letter:
        return _letter_width(plain, widths)
    return 1000 if unicodedata.east_asian_width(letter) in "WF" or letter in "…—" else _OTHER
