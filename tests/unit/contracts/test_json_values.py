"""JSON is read quickly where nothing is lost by it, and with care everywhere else: both read the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.contracts.json_values import DuplicateKeys, _build_object, _parse_float, parse_json

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?\Z")
TEXTS = st.text(max_size=6).flatmap(
    lambda text: st.booleans().map(lambda yes: json.dumps(text, ensure_ascii=yes))
)
ODD_TEXTS = st.sampled_from(
    [
        '"1e5"',
        '"x\\u0022:"',
        '"\\u003a"',
        '"12345678901234567890"',
        '"3e5,"',
        '"\\"1e5,"',
        '" :"',
        '"\\ud800"',
    ]
)
BLANKS = st.sampled_from(["", " ", "\n", "\t"])
FIELDS = st.sampled_from(['"a"', '"b"', '"a:"', '"\\u0061"'])


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.tuples(BLANKS, inner, BLANKS).map("".join)
    return st.lists(items, max_size=4).map(lambda each: f"[{','.join(each)}]")


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = st.tuples(FIELDS, BLANKS, st.just(":"), BLANKS, inner).map("".join)
    return st.lists(fields, max_size=3).map(lambda each: f"{{{','.join(each)}}}")


DOCUMENTS = st.recursive(
    NUMBERS | TEXTS | ODD_TEXTS | st.sampled_from(["null", "true", "NaN", "-Infinity"]),
    lambda inner: lists(inner) | objects(inner),
    max_leaves=6,
)


def shown(value: Any) -> Any:
    """With types, order and keys that stand twice: equal only where nothing differs."""
    if isinstance(value, dict):
        twice = value.duplicate_keys if isinstance(value, DuplicateKeys) else ()
        return [(key, shown(each)) for key, each in value.items()], twice
    return [shown(each) for each in value] if isinstance(value, list) else repr(value)


@settings(max_examples=500, deadline=None)
@given(DOCUMENTS)
def test_what_is_read_is_what_the_careful_parser_reads(text: str) -> None:
    careful = json.loads(text, parse_float=_parse_float, object_pairs_hook=_build_object)
    assert shown(parse_json(text)) == shown(careful)
    assert shown(parse_json(text.encode("utf-8", "surrogatepass"))) == shown(careful)
