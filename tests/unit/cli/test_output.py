"""Tables of the command."""

from __future__ import annotations

import pytest

from pipeline_cli.cli.output import format_table


def test_columns_are_aligned_and_empty_values_are_empty() -> None:
    assert format_table(("id", "name"), [(1, "a"), (20, None)]) == ["id  name", "1   a", "20"]


def test_a_value_with_line_breaks_stays_on_its_line() -> None:
    assert format_table(("a",), [("one\ntwo\tthree",)]) == ["a", "one two three"]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_tables_keep_to_the_width_and_say_what_they_cut(width: int) -> None:
    lines = format_table(("a", "b", "c"), [("x" * 50, "y" * 70, "z" * 10)], width)
    assert max(map(len, lines)) <= width
    assert "…" in lines[1]
    assert "z" * 10 in lines[1] or width < 80
