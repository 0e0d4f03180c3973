"""Mistakes as a terminal shows them: ASCII, within the terminal's width, nothing of a file acted upon."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline_cli.errors import Mistake

_INDENT = "    "
_HINT_INDENT = " " * 10
_MOST_SHOWN = 100
_NARROWEST = 40  # columns
_ELLIPSIS = "..."
_BOLD, _RED, _DIM, _CYAN, _RESET = "\x1b[1m", "\x1b[1;31m", "\x1b[2m", "\x1b[36m", "\x1b[0m"

Paint = Callable[[str, str], str]


def render_mistakes(mistakes: Sequence[Mistake], *, color: bool, width: int) -> str:
    """One block a mistake (place, code, message; the source line with a caret; a hint), a count as last line.

    width: columns of the terminal, at least 40. color: with ANSI colours. The text ends without a newline.
    """
    paint = _paint if color else _plain
    blocks = [
        "\n".join(_render(mistake, paint, max(width, _NARROWEST))) for mistake in mistakes[:_MOST_SHOWN]
    ]
    count = f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}"
    if len(mistakes) > _MOST_SHOWN:
        count += f"; the first {_MOST_SHOWN} are shown"
    return "\n\n".join([*blocks, paint(f"{count}.", _BOLD)])


def _paint(text: str, style: str) -> str:
    return f"{style}{text}{_RESET}"


def _plain(text: str, _style: str) -> str:
    return text


def _render(mistake: Mistake, paint: Paint, width: int) -> list[str]:
    place = ":".join(str(part) for part in (mistake.file, mistake.line, mistake.column) if part is not None)
    place = f"{_visible(place)}  " if place else ""
    head_width = len(place) + len(mistake.code) + 2
    # Under the message where that leaves it half of the line, as in style.md.
    indent = " " * head_width if head_width <= width // 2 else _INDENT
    head = paint(place, _BOLD) + paint(mistake.code, _RED) + "  "
    lines = _wrap(mistake.message, head, head_width, indent, width)
    if mistake.source_line is not None and mistake.source_line.strip():
        lines += _source(mistake.source_line, mistake.line or 1, mistake.column or 1, paint, width)
    if mistake.hint:
        lines += _wrap(
            mistake.hint, f"{_INDENT}{paint('hint:', _CYAN)} ", len(_HINT_INDENT), _HINT_INDENT, width
        )
    return lines


def _wrap(text: str, head: str, head_width: int, indent: str, width: int) -> list[str]:
    """`head` and the words of `text` behind it, further lines indented; too long a word is cut up."""
    lines, used, begun = [head], head_width, False
    for word in _visible(text).split():
        room = width - len(indent)
        for piece in _pieces(word, room):
            taken = _text_columns(piece)
            if used + begun + taken > width and (begun or used > len(indent)):
                lines.append(indent)
                used, begun = len(indent), False
            lines[-1] += (" " if begun else "") + piece
            used += begun + taken
            begun = True
    return lines


def _pieces(word: str, room: int) -> list[str]:
    """The word in parts of at most `room` columns."""
    if _text_columns(word) <= room:
        return [word]
    parts, used = [""], 0
    for char in word:
        taken = _columns(char)
        if used + taken > room:
            parts.append("")
            used = 0
        parts[-1] += char
        used += taken
    return parts


def _text_columns(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns, text))


def _source(line: str, number: int, column: int, paint: Paint, width: int) -> list[str]:
    """The source line, cut around the caret, and the caret below its column."""
    gutter = f"{_INDENT}{number} | "
    below = " " * (len(gutter) - 2) + "| "
    # Not everything that Python takes for white space: \x1e may be what is wrong.
    cells = [_visible(char) for char in line.rstrip(" \t\r\n")]
    text, caret = _cut(cells, column - 1, width - len(gutter))
    return [paint(gutter, _DIM) + text, paint(below, _DIM) + " " * caret + paint("^", _RED)]


def _cut(cells: list[str], at: int, room: int) -> tuple[str, int]:
    """The cells as one text of at most `room` columns with the cell `at` in it, and that cell's column."""
    at = min(at, len(cells))
    if sum(map(_columns, cells)) <= room - 1:
        return "".join(cells), sum(map(_columns, cells[:at]))
    start = end = at
    used, limit = 1, room - 2 * len(_ELLIPSIS)
    # Three columns of what follows for each of what precedes: what is wrong begins at the caret.
    while used < limit and (start > 0 or end < len(cells)):
        forward = end < len(cells) and (start == 0 or (end - at) < 3 * (at - start + 1))
        used += _columns(cells[end] if forward else cells[start - 1])
        start, end = (start, end + 1) if forward else (start - 1, end)
        if used > limit:
            start, end = (start, end - 1) if forward else (start + 1, end)
    before = _ELLIPSIS if start else ""
    after = _ELLIPSIS if end < len(cells) else ""
    return before + "".join(cells[start:end]) + after, len(before) + sum(map(_columns, cells[start:at]))


def _visible(text: str) -> str:
    r"""Control, direction and invisible characters as escapes (\t, \x1b, \u202e): no file drives a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _columns(cell: str) -> int:
    """Columns of a terminal that a character takes: 2 for wide ones, 0 for combining ones."""
    if cell.isascii():
        return len(cell)
    from unicodedata import combining, east_asian_width

    return 0 if combining(cell) else 2 if east_asian_width(cell) in "WF" else len(cell)
