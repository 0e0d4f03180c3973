"""JSON Schema's patterns (ECMA 262, as jsonschema-rs runs them) in RE2, DuckDB's regular expressions.

Only what means the same in both passes: a list of constructs, and everything else is None. Where the two differ in
characters that clean texts do not have (line ends for the dot, Unicode's blanks), the translation matches less.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NOT_LINE_ENDS = r"[^\n\r\x{2028}\x{2029}]"
_BLANK = r" \t\n\r\f\v"
_ODD_BLANKS = r"\x{85}\x{a0}\x{1680}\x{180e}\x{2000}-\x{200f}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_CLASSES = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[A-Za-z0-9_]",
    "W": "[^A-Za-z0-9_]",
    "s": f"[{_BLANK}]",
    "S": f"[^{_BLANK}{_ODD_BLANKS}]",
}
_INSIDE = {"d": "0-9", "w": "A-Za-z0-9_", "s": _BLANK}
_INSIDE_NEGATED = {**_INSIDE, "s": _BLANK + _ODD_BLANKS}  # to match less, it must exclude more
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f"}
_PUNCTUATION = frozenset(r"^$\.*+?()[]{}|/-#@!%&=:;,<>~\"'` _")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{1,3})(?:,(\d{0,3}))?\})\??")
_MOST = 1_000  # RE2 takes no more repetitions, nested ones multiplied
_LONGEST = 1_000


def to_re2(pattern: str) -> str | None:
    """The same condition for DuckDB's `regexp_matches`, or one that matches less; None where there is none."""
    if len(pattern) > _LONGEST or not pattern.isprintable():
        return None
    try:
        return _Translator(pattern).translate()
    except _UnknownError:
        return None


class _UnknownError(Exception):
    """A construct that is not known to mean the same in both."""


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._repetitions = 1

    def translate(self) -> str:
        translated = self._alternatives()
        if self._at < len(self._pattern):
            raise _UnknownError
        return translated

    def _peek(self, length: int = 1) -> str:
        return self._pattern[self._at : self._at + length]

    def _take(self) -> str:
        taken = self._peek()
        if not taken:
            raise _UnknownError
        self._at += 1
        return taken

    def _alternatives(self) -> str:
        built = []
        while (char := self._peek()) and char != ")":
            if char == "|":
                self._at += 1
                built.append("|")
            elif char in "^$":
                self._at += 1
                built.append(char)
                if self._peek() and self._peek() in "*+?{":
                    raise _UnknownError
            else:
                built.append(self._atom() + self._quantifier())
        return "".join(built)

    def _atom(self) -> str:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == ".":
            return _NOT_LINE_ENDS
        if char == "\\":
            escaped = self._take()
            return _CLASSES[escaped] if escaped in _CLASSES else self._escape(escaped)
        if char in "*+?{}]":
            raise _UnknownError
        return _quote(char)

    def _group(self) -> str:
        if self._peek() == "?":
            if self._peek(2) != "?:":
                raise _UnknownError  # look-around, names, flags
            self._at += 2
        inner = self._alternatives()
        if self._take() != ")":
            raise _UnknownError
        return f"(?:{inner})"

    def _quantifier(self) -> str:
        found = _QUANTIFIER.match(self._pattern, self._at)
        if found is None:
            return ""
        least, most = found[1], found[2]
        if least and most and int(most) < int(least):
            raise _UnknownError
        self._repetitions *= max(1, int(most or least or 1))
        self._at = found.end()
        if self._repetitions > _MOST or (self._peek() and self._peek() in "*+?{"):
            raise _UnknownError
        # A lazy quantifier matches the same texts.
        return found[0].removesuffix("?") if len(found[0]) > 1 else found[0]

    def _class(self) -> str:
        negated = self._peek() == "^"
        self._at += negated
        members = []
        while self._peek() != "]":
            members.append(self._member(_INSIDE_NEGATED if negated else _INSIDE))
        self._at += 1
        if not members:
            raise _UnknownError
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def _member(self, classes: Mapping[str, str]) -> str:
        first = self._class_char(classes)
        if self._peek() != "-" or self._peek(2) == "-]":
            return first
        if len(first) > 2:
            raise _UnknownError  # [\d-x]
        self._at += 1
        last = self._class_char(classes)
        low, high = first.removeprefix("\\"), last.removeprefix("\\")
        if len(low) > 1 or len(high) > 1 or not (low.isascii() and high.isascii()) or low > high:
            raise _UnknownError
        return f"{first}-{last}"

    def _class_char(self, classes: Mapping[str, str]) -> str:
        char = self._take()
        if char == "\\":
            escaped = self._take()
            return classes[escaped] if escaped in classes else self._escape(escaped)
        # jsonschema-rs' engine gives [, && and ~~ a meaning inside a class.
        if char == "[" or (char in "&~-" and self._peek() == char):
            raise _UnknownError
        return _quote(char)

    def _escape(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char not in _PUNCTUATION:
            raise _UnknownError
        return _quote(char)


def _quote(char: str) -> str:
    return f"\\{char}" if char in r"^$\.*+?()[]{}|-&~/" and char != "/" else char
