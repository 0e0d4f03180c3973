"""Editions: a report is there whole or not at all, and the old ones do not pile up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_cli.errors import ReportError
from tests.integration.reports.conftest import Shelf

REPORT = """
title: Sales
keep: 3
exports: [rows]
blocks:
  rows: {type: table, sql: SELECT x FROM gold.t}
"""


@pytest.fixture
def written(duck: Shelf) -> Shelf:
    duck.add("sales", REPORT)
    duck.fill("gold", "t", [{"x": 1}])
    return duck


def names(shelf: Shelf) -> list[str]:
    return sorted(path.name for path in (shelf.root / ".pipeline/dev/reports/sales").iterdir())


def latest(shelf: Shelf) -> Path:
    return shelf.root / ".pipeline/dev/reports/sales/latest"


def test_latest_is_the_newest_edition(written: Shelf) -> None:
    first = written.write("sales", "20261121T090000-aaaaaa")
    written.execute("UPDATE gold.t SET x = 2")
    second = written.write("sales", "20261122T090000-bbbbbb")
    assert names(written) == ["20261121T090000-aaaaaa", "20261122T090000-bbbbbb", "latest"]
    assert latest(written).resolve().name == second.id
    assert (latest(written) / "sales.rows.csv").read_text() == "x\n2\n"
    assert written.read(first, ".csv") == "x\n1\n"
    about = json.loads((latest(written) / "edition.json").read_text())
    assert about["files"] == ["sales.html", "sales.rows.csv"]
    assert (about["report"], about["made_at"]) == ("sales", "2026-11-21T09:00:00.000Z")


def test_an_edition_that_would_be_the_same_is_not_written(written: Shelf) -> None:
    first = written.write("sales", "20261121T090000-aaaaaa", anew=False)
    again = written.write("sales", "20261122T090000-bbbbbb", anew=False)
    assert first.is_new
    assert not again.is_new
    assert again.id == first.id
    assert names(written) == [first.id, "latest"]


@pytest.mark.parametrize("change", ["data", "definition", "models", "lost file"])
def test_whatever_a_report_is_made_of_makes_a_new_edition(written: Shelf, change: str) -> None:
    first = written.write("sales", "20261121T090000-aaaaaa", anew=False)
    built = ()
    if change == "data":
        written.execute("UPDATE gold.t SET x = 2")
    elif change == "definition":
        written.add("sales", REPORT.replace("title: Sales", "title: Other"))
    elif change == "models":
        built = (("shop", "marts", "20261122T080000-cccccc"),)
    else:
        (first.home / first.id / "sales.html").unlink()
    assert written.write("sales", "20261122T090000-bbbbbb", anew=False, built=built).is_new


def test_only_so_many_editions_are_kept(written: Shelf) -> None:
    for day in range(1, 7):
        written.write("sales", f"202611{day:02}T090000-aaaaaa")
    assert names(written) == [*(f"202611{day:02}T090000-aaaaaa" for day in (4, 5, 6)), "latest"]


def test_two_editions_of_one_run_stand_side_by_side(written: Shelf) -> None:
    found = [written.write("sales", "20261121T090000-aaaaaa").id for _ in range(2)]
    assert found == ["20261121T090000-aaaaaa", "20261121T090000-aaaaaa-2"]
    assert latest(written).resolve().name == found[1]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("SELECT x FROM gold.gone", "report sales, block rows: .*gone"),
        ("SELECT x FROM gold.t WHERE y = 1", "report sales, block rows: .*y"),
        ("SELECT x / 'a' FROM gold.t", "report sales, block rows: .*"),
    ],
)
def test_a_query_that_fails_leaves_the_edition_before_and_nothing_else(
    written: Shelf, broken: str, message: str
) -> None:
    before = written.write("sales")
    # The export is written before the second block is asked.
    rows = "rows: {type: table, sql: SELECT x FROM gold.t}"
    written.add(
        "sales",
        REPORT.replace(
            rows,
            f'good: {{type: table, sql: SELECT x FROM gold.t}}\n  rows: {{type: table, sql: "{broken}"}}',
        ).replace("[rows]", "[good, rows]"),
    )
    with pytest.raises(ReportError, match=message) as caught:
        written.write("sales", "20261122T090000-bbbbbb")
    assert caught.value.code == "E350"
    assert "reports/sales.yaml" in (caught.value.hint or "")
    assert "pipeline-cli report sales" in (caught.value.hint or "")
    assert names(written) == [before.id, "latest"]


def test_a_column_that_the_query_does_not_give_is_told_with_the_nearest(written: Shelf) -> None:
    written.add(
        "sales",
        REPORT.replace("SELECT x FROM gold.t", "SELECT x AS revenue FROM gold.t, columns: {revenu: {}}"),
    )
    with pytest.raises(ReportError, match="block rows: the query gives no column 'revenu'") as caught:
        written.write("sales")
    assert caught.value.hint == "Did you mean revenue?"
    assert names(written) == []


def test_what_a_killed_process_left_is_removed(written: Shelf) -> None:
    left = written.root / ".pipeline/dev/reports/sales/.unfinished-4711"
    left.mkdir(parents=True)
    (left / "sales.html").write_text("half", encoding="utf-8")
    written.write("sales", "20261121T090000-aaaaaa")
    assert names(written) == ["20261121T090000-aaaaaa", "latest"]


def test_a_folder_that_cannot_be_written_is_told(written: Shelf) -> None:
    home = written.root / ".pipeline/dev/reports"
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot write the report in") as caught:
        written.write("sales")
    assert caught.value.code == "E351"
