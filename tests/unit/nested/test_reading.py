"""What is looked for in a page's text before it is read by column."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline_cli.contracts.json_values import may_lose_digits
from pipeline_cli.nested.reading import _AT_ONCE, _has_long_number

_PIECES = st.sampled_from(
    [
        *'0123456789.eE+-,]}" ',
        "1" * 7,
        "2" * 15,
        "3" * 16,
        "0.1234567890123456",
        "1e5",
        "2E-7 ",
        "\\u00e1",
        "\n",
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
@example("1e5")
@example("-12345678.12345678 ]")
def test_what_may_lose_digits_is_never_passed_by(text: str) -> None:
    body = text.encode()
    assert _has_long_number(body) or not may_lose_digits(body)


@pytest.mark.parametrize("number", [b"1234567890123456", b"7e12", b"0.5E-3"])
@pytest.mark.parametrize("before", range(-20, 2))
def test_a_number_over_the_border_of_two_looks_is_found(number: bytes, before: int) -> None:
    body = b"[" + b" " * (_AT_ONCE + before - 1) + number + b"]"
    assert _has_long_number(body)


@pytest.mark.parametrize(
    "text", [b'["2026-03-23T14:50:05Z",4185.47,1234567,"C\\u00e1diz","1e5x",0]', b"[]", b""]
)
def test_ordinary_values_need_no_second_look(text: bytes) -> None:
    assert not _has_long_number(text)
