"""libyaml's complaints in words that say what to do."""

from __future__ import annotations

from typing import Any

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.nodes import Document, Place

_QUOTE = "Put the value in quotes."
# (libyaml's problem, its context or "", whether the context's place is the better one, message, hint)
_EXPLANATIONS: tuple[tuple[str, str, bool, str, str], ...] = (
    (
        "mapping values are not allowed",
        "",
        False,
        "a ': ' cannot stand here.",
        "Put a value that contains ': ' in quotes, and indent a map below its key.",
    ),
    (
        "found unexpected end of stream",
        "quoted scalar",
        True,
        "this quote is not closed.",
        "Close it, on the same line.",
    ),
    (
        "found unexpected document indicator",
        "quoted scalar",
        True,
        "this quote is not closed.",
        "Close it, on the same line.",
    ),
    (
        "',' or ']'",
        "",
        True,
        "this [ is not closed, or a comma is missing after an item.",
        "Close it with ]; put ${env:NAME} in quotes inside brackets.",
    ),
    (
        "',' or '}'",
        "",
        True,
        "this { is not closed, or a comma is missing after a value.",
        "Close it with }; put ${env:NAME} in quotes inside braces.",
    ),
    (
        "expected '-' indicator",
        "",
        False,
        "a list item was expected here.",
        "Begin each item with '- ', at the column of the others.",
    ),
    (
        "expected key",
        "",
        False,
        "a key was expected here.",
        "Indent the keys of one map alike, and close every quote and bracket above.",
    ),
    (
        "expected ':'",
        "",
        False,
        "a key without ': ' after it.",
        "Write key: value, with a space after the colon.",
    ),
    (
        "unknown escape character",
        "",
        False,
        "this \\ escape does not exist.",
        "Use single quotes for text with backslashes, or double the backslash.",
    ),
    (
        "unicode character escape",
        "",
        False,
        "this escape is not a character.",
        "Use single quotes, or a valid escape.",
    ),
    (
        "expected alphabetic or numeric character",
        "scanning an alias",
        True,
        "a value cannot begin with *.",
        _QUOTE,
    ),
    ("undefined alias", "", False, "aliases are not allowed.", "Write the value out."),
    (
        "block sequence entries are not allowed",
        "",
        False,
        "a list cannot begin here.",
        "Put the list on the lines below its key.",
    ),
    ("could not determine a constructor", "", False, "tags are not allowed.", "Put text in quotes."),
)


def explain(error: Any, document: Document) -> tuple[str, Place, str, str | None]:
    """A YAMLError as (code, place, message, hint)."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML")
    context = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Place(document) if mark is None else _place(document, mark)
    if _is_tab(place):
        return codes.TAB, place, "the line is indented with a tab.", "Indent with spaces."
    if "cannot start any token" in problem:
        return codes.SYNTAX, place, f"a value cannot begin with {_character(place)}.", _QUOTE
    for known, known_context, at_context, message, hint in _EXPLANATIONS:
        if known.lower() in problem.lower() and known_context in context:
            begin = getattr(error, "context_mark", None) if at_context else None
            if begin is not None:
                place = _place(document, begin)
            return codes.SYNTAX, place, message, hint
    return codes.SYNTAX, place, f"this is not YAML: {problem}.", None


def _place(document: Document, mark: Any) -> Place:
    """The mark's place; the end of the last line when libyaml only noticed at the end of the file."""
    if mark.line < len(document.lines) or not document.lines:
        return Place(document, mark.line + 1, mark.column + 1)
    return Place(document, len(document.lines), len(document.lines[-1]) + 1)


def _line(place: Place) -> str:
    lines = place.document.lines
    return lines[place.line - 1] if place.line and place.line <= len(lines) else ""


def _is_tab(place: Place) -> bool:
    before = _line(place)[: place.column or 0]
    return "\t" in before and not before.strip()


def _character(place: Place) -> str:
    return _line(place)[(place.column or 1) - 1 :][:1] or "this character"
