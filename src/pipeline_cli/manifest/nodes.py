"""YAML as nodes that know where they stand. Lines and columns are 1-based; an end is the first place after.

Plain classes with slots: a manifest has thousands of them, and `validate` has 20 ms.
"""

from __future__ import annotations


class Document:
    """One file of the manifest. `name` is relative to the project's root, `lines` are without line ends."""

    __slots__ = ("lines", "name")

    def __init__(self, name: str, lines: list[str] | None = None) -> None:
        self.name = name
        self.lines = lines or []


class Place:
    """A place in a document. A line of None is the document as a whole (it is missing, say)."""

    __slots__ = ("column", "document", "line")

    def __init__(self, document: Document, line: int | None = None, column: int | None = None) -> None:
        self.document = document
        self.line = line
        self.column = column


class Node(Place):
    """A value. `owner` is the key it stands under; None in a list and at the top of a document."""

    __slots__ = ("end_column", "end_line", "owner")

    def __init__(self, document: Document, line: int, column: int, end_line: int, end_column: int) -> None:
        super().__init__(document, line, column)
        self.end_line = end_line
        self.end_column = end_column
        self.owner: Scalar | None = None


class Scalar(Node):
    """A single value as written; `plain` without quotes, so that it may be a number, true, false or null."""

    __slots__ = ("plain", "text")

    text: str
    plain: bool


class Sequence(Node):
    __slots__ = ("items",)

    items: list[Node]


class Mapping(Node):
    __slots__ = ("entries",)

    entries: dict[str, Entry]


class Broken(Node):
    """A value whose mistake is known already; nothing more is said about it."""

    __slots__ = ()


class Entry:
    """A key of a map and its value."""

    __slots__ = ("key", "value")

    def __init__(self, key: Scalar, value: Node) -> None:
        self.key = key
        self.value = value


def child(node: Node | None, *keys: str) -> Node | None:
    """The node below `node` at these keys; None where there is none."""
    for name in keys:
        if not isinstance(node, Mapping) or name not in node.entries:
            return None
        node = node.entries[name].value
    return node
