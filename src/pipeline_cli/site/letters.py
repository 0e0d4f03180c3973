"""How wide a text is in Arial, which Liberation Sans and Helvetica share: thousandths of the letters' size."""

from __future__ import annotations

_ROWS = (
    (191, "'"),
    (222, "ijl"),
    (260, "|"),
    (278, " !,./:;I[\\]ft"),
    (333, "()-`r"),
    (334, "{}"),
    (355, '"'),
    (389, "*"),
    (469, "^"),
    (500, "Jckszvxy"),
    (556, "#$0123456789?L_abdeghnopqu"),
    (584, "+<=>~"),
    (611, "FTZ"),
    (667, "&ABEKPSVXY"),
    (722, "CDHNRUw"),
    (778, "GOQ"),
    (833, "Mm"),
    (889, "%"),
    (944, "W"),
    (1015, "@"),
)
_WIDTHS = {letter: width for width, letters in _ROWS for letter in letters}
_OTHER, _WIDE = 600, 1000
_BOLD = 1.08


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that the text takes at this size; a little too many rather than too few."""
    total = sum(_WIDTHS.get(letter, _WIDE if ord(letter) > 0x2E80 else _OTHER) for letter in text)
    return total * size / 1000 * (_BOLD if bold else 1.0)


def fit(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The text, its middle left out where it is too long: names differ at their ends."""
    room += 0.5  # a room that was made for a text is not too small for it
    if width_of(text, size, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        head = (kept + 1) // 2
        short = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if width_of(short, size, bold=bold) <= room:
            return short
    return "…"
