"""`monitor:` at the top of the manifest: each pipeline's thresholds, where its own `monitor:` does not have the key."""

from __future__ import annotations

from pipeline_cli.manifest.nodes import Entry, Mapping, Node, Scalar, child
from pipeline_cli.manifest.scalars import is_null

KEY = "monitor"


def with_defaults(top: Node | None, pipelines: dict[str, Entry]) -> dict[str, Entry]:
    """The pipelines' entries with the keys of the manifest's `monitor:` that they do not have themselves."""
    given = top.entries.get(KEY) if isinstance(top, Mapping) else None
    if given is None or not isinstance(given.value, Mapping):
        return pipelines
    return {name: _with_default(entry, given) for name, entry in pipelines.items()}


def _with_default(pipeline: Entry, given: Entry) -> Entry:
    whole = pipeline.value
    own = child(whole, KEY)
    if isinstance(whole, Scalar) and whole.plain and is_null(whole.text):
        whole = _copy(whole, {})
    if not isinstance(whole, Mapping) or not isinstance(given.value, Mapping):
        return pipeline
    if own is None or (isinstance(own, Scalar) and own.plain and is_null(own.text)):
        merged = given.value
    elif isinstance(own, Mapping):
        merged = _copy(own, {**given.value.entries, **own.entries})
    else:  # a mistake of its own
        return pipeline
    key = whole.entries[KEY].key if KEY in whole.entries else given.key
    return Entry(pipeline.key, _copy(whole, {**whole.entries, KEY: Entry(key, merged)}))


def _copy(node: Node, entries: dict[str, Entry]) -> Mapping:
    """A map at the node's place."""
    found = Mapping(node.document, node.line or 1, node.column or 1, node.end_line, node.end_column)
    found.owner, found.entries = node.owner, entries
    return found
