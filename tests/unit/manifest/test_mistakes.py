"""What a terminal shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.mistakes import render_mistakes
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes_of, write

THREE = (
    HEAD
    + """\
sources:
  api:
    type: rest_api
    client: {base_url: "https://api.example.com", auth: {type: baerer}}
    resources:
      items:
        write_disposition: merge
        contract: sources/items.schema.json
"""
    + TAIL
)
SHOWN = """\
pipelines.yaml:14:64  E114  'baerer' is not a type of auth.
    14 | ...ent: {base_url: "https://api.example.com", auth: {type: baerer}}
       |                                                            ^
    hint: Did you mean bearer?

pipelines.yaml:17:28  E120  write_disposition 'merge' needs a primary_key;
                            without one rows would be duplicated.
    17 |         write_disposition: merge
       |                            ^
    hint: Add primary_key: [id], or use write_disposition: append.

pipelines.yaml:18:19  E118  contract: 'sources/items.schema.json' does not
                            exist.
    18 |         contract: sources/items.schema.json
       |                   ^
    hint: Did you mean sources/item.schema.json?

3 mistakes."""


def test_three_mistakes_are_shown_at_once_each_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, THREE, {"sources/item.schema.json": "{}"})
    assert render_mistakes(mistakes_of(tmp_path), color=False, width=80) == SHOWN


def test_colour_changes_nothing_but_colour(tmp_path: Path) -> None:
    import re

    write(tmp_path, THREE, {"sources/item.schema.json": "{}"})
    painted = render_mistakes(mistakes_of(tmp_path), color=True, width=80)
    assert painted.count("\x1b[0m") == painted.count("\x1b[") / 2
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == SHOWN


def test_one_mistake_is_counted_as_one() -> None:
    assert render_mistakes([Mistake("E101", "gone.")], color=False, width=80) == "E101  gone.\n\n1 mistake."


def test_a_hundred_mistakes_are_shown_and_all_are_counted() -> None:
    shown = render_mistakes([Mistake("E101", f"m{n}.") for n in range(250)], color=False, width=80)
    assert "m99." in shown
    assert "m100." not in shown
    assert shown.endswith("250 mistakes; the first 100 are shown.")


def at(line: str, column: int, width: int = 80) -> list[str]:
    mistake = Mistake("E1", "m.", None, "f.yaml", 7, column, line)
    return render_mistakes([mistake], color=False, width=width).splitlines()[1:3]


def under_caret(lines: list[str]) -> str:
    return lines[0][lines[1].index("^") :]


@pytest.mark.parametrize("column", [1, 2, 50, 99, 100, 101, 150, 198, 200])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_long_line_is_cut_around_the_caret(column: int, width: int) -> None:
    line = "".join(chr(ord("A") + n % 26) for n in range(200))
    shown = at(line, column, width)
    assert max(map(len, shown)) <= width
    assert under_caret(shown).startswith(line[column - 1])


def test_the_caret_may_stand_behind_the_line() -> None:
    assert at("ab", 3) == ["    7 | ab", "      |   ^"]


def test_control_and_direction_characters_are_made_visible() -> None:
    assert at("a\tb\x1b[31m\u202ec", 9) == ["    7 | a\\tb\\x1b[31m\\u202ec", "      |             ^"]


def test_wide_and_combining_characters_are_counted_as_a_terminal_does() -> None:
    assert at("価格: x", 5) == ["    7 | 価格: x", "      |       ^"]
    assert at("e\u0301: x", 5) == ["    7 | e\u0301: x", "      |    ^"]


def test_control_characters_of_a_message_are_made_visible() -> None:
    shown = render_mistakes([Mistake("E1", "a\x1b[2Jb", "c\x07", "\x1b.yaml", 1, 1)], color=False, width=80)
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    mistake = Mistake(
        "E111", "word " * 60 + "x" * 300, "hint " * 60, "sources/a_long_name.yaml", 120, 33, "y" * 500
    )
    shown = render_mistakes([mistake], color=False, width=width)
    assert max(map(len, shown.splitlines())) <= max(width, 40)


def test_every_code_has_one_line_that_says_what_it_means() -> None:
    named = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert named == set(codes.MEANINGS)
    assert all(meaning.endswith(".") and "\n" not in meaning for meaning in codes.MEANINGS.values())
