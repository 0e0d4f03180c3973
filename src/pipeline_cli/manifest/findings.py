"""Collects the mistakes of a manifest while it is read, and turns them into what a user sees."""

from __future__ import annotations

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest.nodes import Document, Node, Place, Scalar
from pipeline_cli.secrets import MASK, plain_secrets

LONGEST_VALUE = 40


class Findings:
    """Mistakes in the order they are found; `mistakes()` orders them by file, line and column."""

    def __init__(self) -> None:
        self._found: list[tuple[Place, str, str, str | None]] = []
        self._hidden: list[Node] = []
        self._documents: list[Document] = []

    def __len__(self) -> int:
        return len(self._found)

    def open(self, name: str) -> Document:
        """A new document; mistakes are shown in the order in which documents are opened."""
        document = Document(name)
        self._documents.append(document)
        return document

    def add(self, code: str, place: Place, message: str, hint: str | None = None) -> None:
        self._found.append((place, code, message, hint))

    def hide(self, node: Node) -> None:
        """Never show this value: not in a message, not in a source line, whatever the mistake is about."""
        self._hidden.append(node)

    def show(self, node: Scalar) -> str:
        """The value as written, in quotes, cut short; `${env:X}` and not what X holds."""
        if any(hidden is node for hidden in self._hidden):
            return "the value"
        return quoted(node.text)

    def mistakes(self) -> tuple[Mistake, ...]:
        order = {id(document): index for index, document in enumerate(self._documents)}

        def place_of(found: tuple[Place, str, str, str | None]) -> tuple[int, int, int]:
            place = found[0]
            return order.get(id(place.document), len(order)), place.line or 0, place.column or 0

        # What stands in one place and is read for several entries (`monitor:` at the top) is told once.
        return tuple(dict.fromkeys(self._mistake(*found) for found in sorted(self._found, key=place_of)))

    def _mistake(self, place: Place, code: str, message: str, hint: str | None) -> Mistake:
        source_line = self._source_line(place)
        return Mistake(code, message, hint, place.document.name, place.line, place.column, source_line)

    def _source_line(self, place: Place) -> str | None:
        lines = place.document.lines
        if place.line is None or place.line > len(lines):
            return None
        line = lines[place.line - 1]
        caret = (place.column or 1) - 1
        spans = sorted(
            {*plain_secrets(line), *self._hidden_spans(place.document, place.line, len(line))}, reverse=True
        )
        for start, end in _merged(spans):
            # Left of the caret the mask keeps its length, so that the caret still stands under its column.
            stars = MASK if start >= caret else "*" * (end - start)
            line = line[:start] + stars + line[end:]
        return line

    def _hidden_spans(self, document: Document, line: int, length: int) -> list[tuple[int, int]]:
        spans = []
        for node in self._hidden:
            if node.document is not document or node.line is None or node.column is None:
                continue
            if node.line <= line <= node.end_line:
                start = node.column - 1 if line == node.line else 0
                end = node.end_column - 1 if line == node.end_line else length
                spans.append((start, end))
        return [(start, end) for start, end in spans if start < end]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping spans as one; `spans` and the result go from right to left."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and end >= merged[-1][0]:
            last = merged.pop()
            start, end = min(start, last[0]), max(end, last[1])
        merged.append((start, end))
    return merged


def quoted(text: str) -> str:
    """Text of a user in a message: in quotes, cut short, control characters escaped."""
    short = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
    visible = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in short
    )
    return f"'{visible}'"


def did_you_mean(name: str, known: list[str] | tuple[str, ...], *, what: str = "Known") -> str:
    """A hint: the nearest of `known`, or all of them."""
    near = nearest(name, known)
    if near is not None:
        return f"Did you mean {near}?"
    if not known:
        return f"{what}: none."
    return f"{what}: {', '.join(known[:30])}{', ...' if len(known) > 30 else ''}."


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The one of `known` that `name` was probably meant to be."""
    from difflib import SequenceMatcher, get_close_matches  # 10 ms, and only needed once something is wrong

    folded = {other.lower().replace("-", "_"): other for other in known}
    meant = name.lower().replace("-", "_")[:80]

    def likeness(other: str) -> tuple[float, int]:
        """29 is as like 90 as it is like 28, but for where its letters stand."""
        in_place = sum(one == letter for one, letter in zip(other, meant, strict=False))
        return SequenceMatcher(None, other, meant).ratio(), in_place

    matches = get_close_matches(meant, folded, n=5, cutoff=0.6)
    return folded[max(matches, key=likeness)] if matches else None
