"""Entries inline and in files of their own."""

from __future__ import annotations

from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes_of, only, write

API = """\
type: rest_api
client: {base_url: "https://api.example.com"}
resources:
  items: {}
"""


def test_an_entry_in_a_file_is_the_same_as_inline(tmp_path: Path) -> None:
    files = {
        "sources/api.yaml": API,
        "destinations/other.yaml": "type: duckdb\n",
        "plugins/mailer.yaml": "to: a\n",
    }
    write(tmp_path, HEAD + "pipelines: {all: {sources: api}}\n", files)
    reading = read_manifest(tmp_path, {})
    assert reading.manifest.pipelines["all"].sources == ("api",)
    assert list(reading.manifest.sources["api"].resources) == ["items"]
    assert reading.manifest.plugins["mailer"].options == {"to": "a"}
    assert [path.relative_to(tmp_path).as_posix() for path in reading.files] == [
        "pipelines.yaml",
        "destinations/other.yaml",
        "sources/api.yaml",
        "plugins/mailer.yaml",
    ]


def test_mistakes_in_a_file_are_told_with_its_name_and_lines(tmp_path: Path) -> None:
    files = {"sources/api.yaml": API + "  other: {primry_key: id}\n", "sources/b.yaml": "type: rest_api\n"}
    write(tmp_path, HEAD + TAIL, files)
    assert [(m.file, m.line, m.column, m.message) for m in mistakes_of(tmp_path)] == [
        ("sources/api.yaml", 5, 11, "other does not know the key 'primry_key'."),
        ("sources/b.yaml", 1, 1, "b needs the key client."),
        ("sources/b.yaml", 1, 1, "b needs the key resources."),
    ]


def test_an_entry_in_both_places_names_both(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "sources: {api: {}}\n" + TAIL, {"sources/api.yaml": API})
    found = [mistake for mistake in mistakes_of(tmp_path) if mistake.code == codes.TWO_PLACES]
    assert only(found).message == "api stands in pipelines.yaml and in sources/api.yaml."
    assert (found[0].file, found[0].line) == ("pipelines.yaml", 11)


def test_a_file_that_ends_in_yml_is_told_to_be_renamed(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TAIL, {"sources/api.yml": API})
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.file, mistake.message) == (
        "sources/api.yml",
        "sources/api.yml is not read: entries end in .yaml.",
    )


def test_other_files_and_folders_of_a_section_are_no_entries(tmp_path: Path) -> None:
    files = {
        "sources/api/items.schema.json": "{}",
        "sources/api/deeper.yaml": "not: an entry\n",
        "sources/records.yaml/one": "",
        "sources/.hidden.yaml": ": :",
        "sources/readme.md": "x",
        "transforms/crm/dbt_project.yml": "name: crm\n",
        "environments/dev.yaml": "nonsense",
    }
    write(tmp_path, HEAD + TAIL, files)
    assert read_manifest(tmp_path, {}).manifest.sources == {}


def test_a_file_that_repeats_its_name_is_told_so(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TAIL, {"sources/api.yaml": "api:\n  type: rest_api\n"})
    assert only(mistakes_of(tmp_path)).hint == "Remove the line api: and the indentation below it."


def test_files_without_an_entry_are_told(tmp_path: Path) -> None:
    files = {
        "sources/a.yaml": "",
        "sources/b.yaml": "- x\n",
        "sources/c.yaml": "a: [\n",
        "sources/D-d.yaml": API,
    }
    write(tmp_path, HEAD + "pipelines: {all: {sources: [a, b, c]}}\n", files)
    assert [(mistake.file, mistake.code) for mistake in mistakes_of(tmp_path)] == [
        ("sources/D-d.yaml", codes.BAD_NAME),
        ("sources/a.yaml", codes.WRONG_SHAPE),
        ("sources/b.yaml", codes.WRONG_SHAPE),
        ("sources/c.yaml", codes.SYNTAX),
    ]


def test_a_section_that_is_no_map_is_one_mistake(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "sources: [api]\npipelines: {all: {sources: [api]}}\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line) == (codes.WRONG_SHAPE, 11)


def test_an_empty_section_is_a_section_without_entries(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "sources:\nplugins: ~\n" + TAIL)
    assert read_manifest(tmp_path, {}).manifest.sources == {}


def test_section_files_are_checked_when_the_manifest_cannot_be_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        "version: [1\n",
        {"sources/api.yaml": API + "  b: {keep_raw: maybe}\n", "sources/c.yaml": "[\n"},
    )
    assert [(mistake.file, mistake.line, mistake.code) for mistake in mistakes_of(tmp_path)] == [
        ("pipelines.yaml", 1, codes.SYNTAX),
        ("sources/api.yaml", 5, codes.WRONG_VALUE),
        ("sources/c.yaml", 1, codes.SYNTAX),
    ]


def test_sections_may_stand_in_files_alone(tmp_path: Path) -> None:
    text = "version: 1\nname: x\ndefault_environment: dev\nenvironments: {dev: {destination: duck}}\npipelines: {}\n"
    write(tmp_path, text, {"destinations/duck.yaml": "type: duckdb\n"})
    assert read_manifest(tmp_path, {}).manifest.destinations["duck"].type == "duckdb"


def test_the_keys_that_a_manifest_needs_are_told(tmp_path: Path) -> None:
    write(tmp_path, "name: x\n")
    needed = ("version", "default_environment", "environments", "destinations", "pipelines")
    assert [mistake.message for mistake in mistakes_of(tmp_path)] == [
        f"pipelines.yaml needs the key {name}." for name in needed
    ]
