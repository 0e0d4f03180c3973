"""filesystem sources in the manifest: what may be said, and that mistakes are told in their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.manifest.helpers import mistakes, only, read


def source(resource: str = "{}", more: str = "") -> str:
    return (
        "sources:\n  crm:\n    type: filesystem\n    bucket_url: data\n"
        f"    {more}\n    resources:\n      contacts: {resource}\n"
    )


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    resource = read(tmp_path, source()).manifest.sources["crm"].resources["contacts"]
    assert (resource.file_glob, resource.format, resource.incremental_by) == (None, None, "modified")
    assert (resource.on_missing_folder, resource.on_no_files, resource.on_empty_file) == (
        "fail",
        "fail",
        "warn",
    )


def test_csv_options_are_read(tmp_path: Path) -> None:
    said = '{csv: {delimiter: "\\t", quote: "", header: false, column_names: [a, b], null_values: NA}}'
    csv = read(tmp_path, source(said)).manifest.sources["crm"].resources["contacts"].csv
    assert (csv.delimiter, csv.quote, csv.header, csv.column_names, csv.null_values) == (
        "\t",
        "",
        False,
        ("a", "b"),
        ("NA",),
    )


@pytest.mark.parametrize(
    ("resource", "column", "message"),
    [
        ("{incremental: {cursor_path: id}}", 18, "files have no cursor"),
        ('{csv: {delimiter: ";;"}}', 35, "delimiter must be one character"),
        ("{csv: {encoding: utf-9}}", 34, "'utf-9' is not one that is known"),
        ("{incremental_by: size}", 34, "incremental_by must be one of modified, name, hash"),
        ("{format: xlsx}", 26, "format must be one of csv, jsonl, parquet"),
        ("{files: a}", 18, "does not know the key 'files'"),
    ],
)
def test_mistakes_are_told_in_their_places(tmp_path: Path, resource: str, column: int, message: str) -> None:
    mistake = only(mistakes(tmp_path, source(resource)))
    assert message in mistake.message
    assert (mistake.file, mistake.column) == ("pipelines.yaml", column)


@pytest.mark.parametrize(
    "name", ["aws_access_key_id", "aws_secret_access_key", "sftp_password", "private_key"]
)
def test_secrets_stand_in_variables_only(tmp_path: Path, name: str) -> None:
    mistake = only(mistakes(tmp_path, source(more=f"credentials: {{{name}: hunter2hunter2}}")))
    assert mistake.code == "E123"
    assert "hunter2" not in f"{mistake.message}{mistake.hint}{mistake.source_line}"
    reading = read(tmp_path, source(more=f'credentials: {{{name}: "${{env:KEY}}"}}'), KEY="canary-secret")
    assert "canary-secret" in reading.secrets
    assert "canary-secret" not in repr(reading.manifest)


def test_a_folder_does_not_leave_the_project_unless_it_is_absolute(tmp_path: Path) -> None:
    assert (
        "leads out of the project"
        in only(mistakes(tmp_path, source().replace(": data", ": ../data"))).message
    )
    for url in ("/data", "s3://bucket/folder", "gs://bucket", "sftp://host/folder"):
        assert (
            read(tmp_path, source().replace(": data", f": {url}")).manifest.sources["crm"].bucket_url == url
        )
