"""Text to nodes, from libyaml's events: nothing is resolved, nothing expands, nothing recurses.

Not `yaml.safe_load`: that keeps the last of two equal keys, reads `NO` as false and `22:22` as 1342, expands
alias bombs and ends in a RecursionError at a depth of 1,500.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml import events
from yaml._yaml import CParser

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, quoted
from pipeline_cli.manifest.nodes import Broken, Document, Entry, Mapping, Node, Place, Scalar, Sequence
from pipeline_cli.manifest.syntax import explain

DEEPEST = 50
_TAB_INDENT = r" *\t\s*[^\s#]"
_NO_REUSE_HINT = "Write the value out in each place, or take it from the environment with ${env:NAME}."


def compose(document: Document, text: str, findings: Findings) -> Node | None:
    """The document's top node; None when it is empty or unusable.

    Mistakes that leave the rest readable (a duplicate key, an anchor) are recorded and composing goes on.
    """
    composer = _Composer(document, findings)
    try:
        top = composer.run(CParser(text))
    except yaml.YAMLError as error:
        findings.add(*explain(error, document))
        return None
    _refuse_tabs(document, text, composer.inside_scalars, findings)
    return top


def _refuse_tabs(document: Document, text: str, inside_scalars: set[int], findings: Findings) -> None:
    """libyaml lets a tab indent inside brackets; editors and other parsers do not agree on where that is."""
    if "\t" not in text:
        return
    for number, line in enumerate(document.lines, 1):
        if number not in inside_scalars and re.match(_TAB_INDENT, line):
            place = Place(document, number, line.index("\t") + 1)
            findings.add(codes.TAB, place, "the line is indented with a tab.", "Indent with spaces.")


class _Composer:
    def __init__(self, document: Document, findings: Findings) -> None:
        self.document = document
        self.findings = findings
        self.inside_scalars: set[int] = set()  # the lines that a value of several lines goes on over
        self.top: Node | None = None
        self.stack: list[Mapping | Sequence] = []
        self.keys: list[Node | None] = []  # for each open collection, the key that waits for its value

    def run(self, parser: Any) -> Node | None:
        documents = 0
        while (event := parser.get_event()) is not None:
            if isinstance(event, events.ScalarEvent):
                self.attach(self.scalar(event))
            elif isinstance(event, events.CollectionStartEvent):
                if len(self.stack) >= DEEPEST:
                    self.add(codes.TOO_DEEP, event, f"maps and lists are nested more than {DEEPEST} deep.")
                    return None
                self.open(event)
            elif isinstance(event, events.CollectionEndEvent):
                self.stack.pop()
                self.keys.pop()
            elif isinstance(event, events.AliasEvent):
                message = f"the alias *{event.anchor} is not allowed."
                self.add(codes.NO_YAML_REUSE, event, message, _NO_REUSE_HINT)
                self.attach(self.node(Broken, event))
            elif isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    hint = "Keep one document; a long entry can stand in <section>/<name>.yaml."
                    self.add(codes.DOCUMENTS, event, "a second YAML document begins here.", hint)
                    return None
        return self.top

    def node(self, kind: type[Any], event: Any) -> Any:
        start, end = event.start_mark, event.end_mark
        return kind(self.document, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def scalar(self, event: Any) -> Scalar:
        node: Scalar = self.node(Scalar, event)
        node.text = event.value
        node.plain = not event.style
        if node.end_line != node.line and node.line is not None:
            self.inside_scalars.update(range(node.line + 1, node.end_line + 1))
        self.refuse_reuse(event)
        return node

    def open(self, event: Any) -> None:
        is_map = isinstance(event, events.MappingStartEvent)
        node = self.node(Mapping if is_map else Sequence, event)
        if is_map:
            node.entries = {}
        else:
            node.items = []
        self.refuse_reuse(event)
        self.attach(node)
        self.stack.append(node)
        self.keys.append(None)

    def attach(self, node: Node) -> None:
        if not self.stack:
            self.top = node
            return
        parent = self.stack[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node
        else:
            key, self.keys[-1] = self.keys[-1], None
            self.add_entry(parent, key, node)

    def add_entry(self, parent: Mapping, key: Node, value: Node) -> None:
        if isinstance(key, Broken):
            return
        if not isinstance(key, Scalar) or (key.plain and not key.text):
            self.findings.add(codes.WRONG_SHAPE, key, "a key must be a single word or text.")
            return
        value.owner = key
        if key.plain and key.text == "<<":
            self.findings.add(codes.NO_YAML_REUSE, key, "the merge key << is not allowed.", _NO_REUSE_HINT)
        elif key.text in parent.entries:
            first = parent.entries[key.text].key.line
            message = f"the key {quoted(key.text)} stands twice; the first is on line {first}."
            self.findings.add(codes.DUPLICATE_KEY, key, message, "Keep one of them.")
        else:
            parent.entries[key.text] = Entry(key, value)

    def refuse_reuse(self, event: Any) -> None:
        if event.anchor is not None:
            self.add(
                codes.NO_YAML_REUSE, event, f"the anchor &{event.anchor} is not allowed.", _NO_REUSE_HINT
            )
        if event.tag is not None:
            hint = "Remove it; put text in quotes."
            self.add(codes.NO_YAML_REUSE, event, f"the tag {quoted(event.tag)} is not allowed.", hint)

    def add(self, code: str, event: Any, message: str, hint: str | None = None) -> None:
        mark = event.start_mark
        self.findings.add(code, Place(self.document, mark.line + 1, mark.column + 1), message, hint)
