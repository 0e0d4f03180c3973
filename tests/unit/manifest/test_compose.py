"""YAML that a manifest does not take, each at its place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.compose import compose
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Mapping, Scalar, Sequence, child
from tests.unit.manifest.helpers import mistakes, only, resource


def found(text: str) -> list[Mistake]:
    findings = Findings()
    document = findings.open("pipelines.yaml")
    document.lines = text.splitlines()
    compose(document, text, findings)
    return list(findings.mistakes())


def place(mistake: Mistake) -> tuple[str, int | None, int | None]:
    return mistake.code, mistake.line, mistake.column


def test_nodes_know_where_they_stand() -> None:
    findings = Findings()
    document = findings.open("x")
    top = compose(document, "a:\n  é: [one, 'two']\n", findings)
    items = child(top, "a", "é")
    assert isinstance(top, Mapping)
    assert isinstance(items, Sequence)
    first, second = items.items
    assert isinstance(second, Scalar)
    assert ((first.line, first.column), (second.line, second.column)) == ((2, 7), (2, 12))
    assert (second.text, second.plain, second.end_column) == ("two", False, 17)
    assert child(top, "a", "nothing") is None


def test_a_duplicate_key_names_the_line_of_the_first() -> None:
    mistake = only(found("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"))
    assert place(mistake) == (codes.DUPLICATE_KEY, 5, 3)
    assert mistake.message == "the key 'c' stands twice; the first is on line 3."


def test_equal_keys_with_and_without_quotes_are_duplicates() -> None:
    assert only(found("on: 1\n'on': 2\n")).code == codes.DUPLICATE_KEY


def test_anchors_aliases_merge_keys_and_tags_are_each_refused() -> None:
    text = "a: &x {k: 1}\nb: *x\nc: {<<: {k: 2}}\nd: !!python/object:os.system x\ne: ! x\nf: !!str 1\n"
    assert [place(mistake) for mistake in found(text)] == [
        (codes.NO_YAML_REUSE, 1, 4),
        (codes.NO_YAML_REUSE, 2, 4),
        (codes.NO_YAML_REUSE, 3, 5),
        (codes.NO_YAML_REUSE, 4, 4),
        (codes.NO_YAML_REUSE, 5, 4),
        (codes.NO_YAML_REUSE, 6, 4),
    ]


def test_an_alias_bomb_is_refused_at_once() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    began = time.monotonic()
    assert {mistake.code for mistake in found("\n".join(rows))} == {codes.NO_YAML_REUSE}
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1500 + "]" * 1500,
        "\n".join(" " * n + "a:" for n in range(1500)),
        "- " * 1500 + "x",
        "[" * 900_000,
    ],
)
def test_depth_ends_at_50_without_recursion(text: str) -> None:
    began = time.monotonic()
    assert only(found(text)).code == codes.TOO_DEEP
    assert time.monotonic() - began < 2


def test_a_depth_of_50_is_read() -> None:
    assert found("[" * 50 + "]" * 50) == []


def test_a_second_document_is_refused() -> None:
    assert place(only(found("a: 1\n---\nb: 1\n"))) == (codes.DOCUMENTS, 2, 1)


@pytest.mark.parametrize(
    "text", ["a:\n\tb: 1\n", "a: 1\n\tb: 1\n", "a: {\n\tb: 1}\n", "a:\n  - x\n \t- y\n", "a: 1\n\t# b\n"]
)
def test_a_tab_that_indents_is_refused(text: str) -> None:
    assert [mistake.code for mistake in found(text)] == [codes.TAB]


@pytest.mark.parametrize("text", ["a: |\n  x\n  \ty\n", "a:\t1\n", "a: 'x\n\ty'\n"])
def test_a_tab_elsewhere_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c\n", 1, 5, "a ': ' cannot stand here."),
        ("a: 'b\nc: 1\n", 1, 4, "this quote is not closed."),
        ('a: "b\n', 1, 4, "this quote is not closed."),
        ("a: [1, 2\nb: 3\n", 1, 4, "this [ is not closed, or a comma is missing after an item."),
        ("a: {b: ${env:X}, c: 1}\n", 1, 4, "this { is not closed, or a comma is missing after a value."),
        ("a: @x\n", 1, 4, "a value cannot begin with @."),
        ("a: %x\n", 1, 4, "a value cannot begin with %."),
        ("a: `x`\n", 1, 4, "a value cannot begin with `."),
        ('a: "\\q"\n', 1, 5, "this \\ escape does not exist."),
        ("- a\nb: c\n", 2, 1, "a list item was expected here."),
        ("a: 1\n b: 2\n", 2, 3, "a ': ' cannot stand here."),
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "a key was expected here."),
        ("a: 1\nb\nc: 2\n", 3, 1, "a key without ': ' after it."),
        ('a: "\\ud800"\n', 1, 7, "this escape is not a character."),
    ],
)
def test_what_is_not_yaml_is_one_located_mistake(text: str, line: int, column: int, message: str) -> None:
    mistake = only(found(text))
    assert place(mistake) == (codes.SYNTAX, line, column)
    assert mistake.message == message
    assert mistake.hint


@pytest.mark.parametrize("text", ["{[a]: 1}\n", "? {a: 1}\n: 2\n", "?\n: 1\n"])
def test_a_key_is_a_single_word_or_text(text: str) -> None:
    assert only(found(text)).code == codes.WRONG_SHAPE


def test_nothing_follows_from_an_alias(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, resource("{primary_key: *keys, write_disposition: merge}")))
    assert mistake.code == codes.NO_YAML_REUSE
