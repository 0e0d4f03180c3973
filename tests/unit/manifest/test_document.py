"""Files that are no manifest at all: each is one located, friendly mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes_of, only, write


def written(root: Path, data: bytes) -> Path:
    (root / "pipelines.yaml").write_bytes(data)
    return root


def test_a_missing_manifest_is_told_with_what_to_do(tmp_path: Path) -> None:
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.file, mistake.line) == (codes.UNREADABLE, "pipelines.yaml", None)
    assert "pipeline-cli init" in (mistake.hint or "")


def test_a_manifest_that_ends_in_yml_is_told_to_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "pipelines.yml").write_text(HEAD)
    assert "Rename pipelines.yml" in (only(mistakes_of(tmp_path)).hint or "")


def test_a_folder_called_pipelines_yaml_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "pipelines.yaml").mkdir()
    assert only(mistakes_of(tmp_path)).code == codes.UNREADABLE


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_manifest_is_told_to_be_empty(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.message) == (codes.WRONG_SHAPE, "pipelines.yaml is empty.")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "42\n"])
def test_a_manifest_must_be_a_map(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    mistake = only(mistakes_of(tmp_path))
    assert mistake.message == "pipelines.yaml must be a map of keys."
    assert (mistake.line, mistake.column) == (1, 1)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path, b"\xef\xbb\xbf" + (HEAD + TAIL + "nonsense: 1\n").encode())
    mistake = only(mistakes_of(tmp_path, POSTGRES_URL="x"))
    assert (mistake.code, mistake.column) == (codes.UNKNOWN_KEY, 1)


def test_windows_line_ends_are_counted_as_lines(tmp_path: Path) -> None:
    written(tmp_path, (HEAD + TAIL + "nonsense: 1\n").replace("\n", "\r\n").encode())
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.line, mistake.source_line) == (13, "nonsense: 1")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused_at_the_first_byte_that_is_wrong(tmp_path: Path, encoding: str) -> None:
    written(tmp_path, "version: 1\nname: Käse\n".encode(encoding))
    mistake = only(mistakes_of(tmp_path))
    assert mistake.code == codes.BAD_CHARACTER
    assert mistake.line == (2 if encoding == "latin-1" else 1)
    assert mistake.hint == "Save the file as UTF-8."


@pytest.mark.parametrize("char", ["\0", "\x07", "\x1b"])
def test_control_characters_are_refused_where_they_stand(tmp_path: Path, char: str) -> None:
    written(tmp_path, f"version: 1\nname: a{char}b\n".encode())
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line, mistake.column) == (codes.BAD_CHARACTER, 2, 8)
    assert f"U+{ord(char):04X}" in mistake.message


def test_utf_16_without_a_mark_is_refused_for_its_nul_bytes(tmp_path: Path) -> None:
    written(tmp_path, "version: 1\n".encode("utf-16-le"))
    assert only(mistakes_of(tmp_path)).code == codes.BAD_CHARACTER


def test_a_file_over_one_mebibyte_is_refused_unread(tmp_path: Path) -> None:
    written(tmp_path, b"a" * 1_048_577)
    assert only(mistakes_of(tmp_path)).code == codes.TOO_LARGE


def test_a_file_of_one_mebibyte_is_read(tmp_path: Path) -> None:
    text = HEAD + TAIL
    written(tmp_path, (text + "#" * (1_048_576 - len(text))).encode())
    assert only(mistakes_of(tmp_path, "prod")).code == codes.MISSING_VARIABLE


def test_an_unreadable_file_is_told_by_name(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TAIL, {"sources/api.yaml": "x"})
    (tmp_path / "sources/api.yaml").unlink()
    (tmp_path / "sources/api.yaml").symlink_to(tmp_path / "nowhere.yaml")
    mistake = only(mistakes_of(tmp_path))
    assert mistake.file == "sources/api.yaml"
