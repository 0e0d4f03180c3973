"""pipeline-cli report: pages anew from the warehouse, without a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.locks import hold_lock
from pipeline_cli.testing import run_cli
from tests.integration.reports.conftest import Shelf

SALES = "title: Sales\nexports: [t]\nblocks:\n  t: {type: table, sql: SELECT x FROM gold.t}\n"
BROKEN = "title: Broken\nblocks:\n  t: {type: table, sql: SELECT gone FROM gold.t}\n"


@pytest.fixture
def project(duck: Shelf) -> Path:
    duck.add("sales", SALES)
    duck.fill("gold", "t", [{"x": 1}])
    return duck.root


def test_it_writes_all_reports_and_prints_their_pages(project: Path) -> None:
    result = run_cli(["report"], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ".pipeline/dev/reports/sales/latest/sales.html\n"
    assert (project / result.stdout.strip()).is_file()


def test_json_has_the_files(project: Path) -> None:
    result = run_cli(["report", "sales", "--json"], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert result.document is not None
    assert (result.document["schema_version"], result.document["command"]) == (1, "report")
    (report,) = result.document["reports"]
    assert report["name"] == "sales"
    assert [Path(file).name for file in report["files"]] == ["sales.html", "sales.t.csv"]
    assert all((project / file).is_file() for file in [report["page"], *report["files"]])


def test_one_that_fails_is_told_and_the_others_are_written(project: Path) -> None:
    (project / "reports" / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = run_cli(["report", "--json"], cwd=project)
    assert result.exit_code == 1
    assert result.document is not None
    assert [report["name"] for report in result.document["reports"]] == ["sales"]
    (error,) = result.document["errors"]
    assert error["code"] == "E350"
    assert error["message"].startswith("report broken, block t: ")
    told = run_cli(["report"], cwd=project)
    assert told.exit_code == 1
    assert "report broken, block t: " in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout.strip().endswith("sales.html")


def test_a_name_that_is_not_there_is_told_with_the_nearest(project: Path) -> None:
    result = run_cli(["report", "sale"], cwd=project)
    assert result.exit_code == 2
    assert "Did you mean 'sales'?" in result.stderr


def test_a_report_that_a_run_is_writing_is_busy(project: Path) -> None:
    with hold_lock(
        project / ".pipeline" / "dev" / "locks" / "report-sales.lock", "report sales", "pipeline-cli run"
    ):
        result = run_cli(["report"], cwd=project)
    assert result.exit_code == 75
    assert "report sales is held by" in result.stderr


def test_a_command_in_a_hint_names_the_environment(project: Path) -> None:
    manifest = (project / "pipelines.yaml").read_text(encoding="utf-8")
    two = manifest.replace(
        "{dev: {destination: warehouse}}", "{dev: {destination: warehouse}, live: {destination: warehouse}}"
    )
    assert two != manifest
    (project / "pipelines.yaml").write_text(two, encoding="utf-8")
    result = run_cli(["report", "--env", "live", "--json"], cwd=project)
    assert result.document is not None
    assert "pipeline-cli report --env live sales" in result.document["errors"][0]["hint"]
    assert not list(project.glob(".pipeline/live/reports/sales/*"))


@pytest.mark.parametrize("format_", ["pdf", "png"])
def test_a_format_is_written_beside_the_page_and_copied_to_a_file(
    project: Path, tmp_path: Path, format_: str
) -> None:
    result = run_cli(["report", "sales", "--format", format_], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f".pipeline/dev/reports/sales/latest/sales.{format_}\n"
    out = tmp_path / "new" / f"mail.{format_}"
    copied = run_cli(["report", "sales", "--format", format_, "--out", str(out), "--json"], cwd=project)
    assert copied.document is not None
    assert copied.document["copies"] == [str(out)]
    assert out.read_bytes()[:4] in (b"%PDF", b"\x89PNG")


def test_a_page_is_copied_with_its_csv_files_to_a_folder(project: Path, tmp_path: Path) -> None:
    result = run_cli(["report", "--out", str(tmp_path / "pages")], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["sales.html", "sales.t.csv"]


@pytest.mark.parametrize("format_", [[], ["--format", "png"]])
def test_one_block_is_a_picture(project: Path, format_: list[str]) -> None:
    result = run_cli(["report", "sales", *format_, "--block", "t"], cwd=project)
    assert result.stdout == ".pipeline/dev/reports/sales/latest/sales.t.png\n"
    assert (project / result.stdout.strip()).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sales", "--format", "pdf", "--block", "t"], "Leave --format out, or make it png."),
        (["sales", "--format", "pdf", "--out", "mine.PNG"], "Name a .pdf, or a folder; or add --format png."),
        (["sales", "--format", "png", "--out", "mine.html"], "Name a .png, or a folder."),
        (["sales", "--out", "mine.pdf"], "Add --format pdf, or name a folder."),
        (["sales", "--format", "png", "--block", "tt"], "Did you mean 't'?"),
        (["--format", "png", "--block", "t"], "Name the report"),
        (["--format", "pdf", "--out", "all.pdf"], "2 reports do not go into one file."),
        (["--out", "pipelines.yaml"], "Name a folder."),
        (["sales", "--format", "pdf", "--out", "pipelines.yaml/x.pdf"], "Name another place as --out."),
        (["sales", "--format", "docx"], "docx"),
    ],
)
def test_what_does_not_go_together_is_told(project: Path, arguments: list[str], words: str) -> None:
    (project / "reports" / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = run_cli(["report", *arguments], cwd=project)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


MISTAKEN = """
title: Mistaken
queries:
  all: SELECT 1 AS amount, 'a' AS city, CURRENT_DATE AS sold_on
filters:
  date: {type: period, column: sold_no}
  town: {type: choice, column: citi}
blocks:
  totals: {type: figures, query: all, figures: {sales: {column: amuont, aggregate: sum}, first: {column: cty}}}
  bars: {type: bar, query: all, x: city, y: amoun, aggregate: sum}
  rows: {type: table, query: all, columns: {city: {}, zzz: {}}}
"""


def test_all_columns_that_a_report_lacks_are_told_at_once(project: Path) -> None:
    (project / "reports" / "broken.yaml").write_text(MISTAKEN, encoding="utf-8")
    result = run_cli(["report", "broken", "--json"], cwd=project)
    assert result.exit_code == 1
    assert result.document is not None
    told = [(error["message"], error["hint"]) for error in result.document["errors"]]
    assert told == [
        ("report broken, block totals: the query gives no column 'amuont'", "Did you mean amount?"),
        ("report broken, block totals: the query gives no column 'cty'", "Did you mean city?"),
        ("report broken, block bars: the query gives no column 'amoun'", "Did you mean amount?"),
        (
            "report broken, block rows: the query gives no column 'zzz'",
            "It gives: amount, city, sold_on.",
        ),
        (
            "report broken, filter date: no block with an aggregate has the column 'sold_no'",
            "Did you mean sold_on?",
        ),
        (
            "report broken, filter town: no block with an aggregate has the column 'citi'",
            "Did you mean city?",
        ),
    ]
