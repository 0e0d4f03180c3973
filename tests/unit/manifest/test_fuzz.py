"""Whatever the text: a manifest, or a ManifestError whose every mistake has a code and can be shown."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline_cli.errors import ManifestError
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.mistakes import render_mistakes
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, TAIL, resource

CANARY = "canary-Xq7"
ROOT = Path(tempfile.mkdtemp(prefix="manifest-fuzz-"))
FULL = (
    HEAD
    + resource(
        "{endpoint: {path: 'a/{resources.users.id}', params: {api_key: '${env:KEY}'}}, primary_key: [id],"
        " incremental: {cursor_path: at, lag: 1d}, max_rejected: 1%, columns: {a: {data_type: text}}}",
        client='auth: {type: bearer, token: "${env:KEY}"}, paginator: {type: offset, limit: 5}',
    )
    + "      users: {keep_raw: true}\nplugins: {mailer: {smtp: '${env:KEY}', timeout: 5s}}\n"
    + TAIL
)
LINES = FULL.splitlines(keepends=True)
TOKENS = [
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        ",",
        "&a",
        "*a",
        "<<: *a",
        "!!x",
        "|\n",
        ">",
        "'",
        '"',
        "#",
        "%",
        "@",
        "\t",
    ),
    *(
        "---\n",
        "...\n",
        "? ",
        "\n",
        "  ",
        "null",
        "~",
        "true",
        "yes",
        "1.10",
        "010",
        "1e999",
        "-1",
        "${env:",
        "$${",
    ),
    *(
        "${env:KEY}",
        "${env:KEY:-x}",
        "${env:NOPE}",
        "type",
        "..",
        "/",
        "\0",
        "\ufeff",
        "\x85",
        "\u2028",
        "é",
        "\U0001f600",
    ),
]


def read_text(text: str) -> None:
    (ROOT / "pipelines.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    read_bytes()


def read_bytes() -> None:
    try:
        read_manifest(ROOT, {"KEY": CANARY, "POSTGRES_URL": CANARY})
    except ManifestError as error:
        assert error.mistakes
        for mistake in error.mistakes:
            assert mistake.code in codes.MEANINGS
            assert mistake.message
        for width in (40, 80):
            shown = render_mistakes(error.mistakes, color=False, width=width)
            assert CANARY not in shown
            assert max(map(cell_len, shown.split("\n"))) <= width  # terminal columns, not characters


@given(st.text())
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    read_text(text)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    (ROOT / "pipelines.yaml").write_bytes(data)
    read_bytes()


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
@settings(max_examples=250, deadline=None)
def test_any_tokens_are_read_or_refused(text: str) -> None:
    read_text(text)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(FULL)),
            st.integers(0, 12),
            st.sampled_from(["", *TOKENS]) | st.text(max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
@example([(359, 0, "\x1e")])  # at the end of a line, where Python takes it for white space
@settings(max_examples=400, deadline=None)
def test_any_change_to_a_manifest_is_read_or_refused(changes: list[tuple[int, int, str]]) -> None:
    text = FULL
    for at, cut, put in changes:
        text = text[:at] + put + text[at + cut :]
    read_text(text)


@given(st.lists(st.integers(0, len(LINES) - 1), max_size=30), st.integers(0, 8))
@example([5, 5, 5], 2)
@settings(max_examples=200, deadline=None)
def test_any_order_of_lines_is_read_or_refused(order: list[int], indent: int) -> None:
    read_text("".join(" " * (indent * (n % 2)) + LINES[line] for n, line in enumerate(order)))
