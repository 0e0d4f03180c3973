"""CSV for spreadsheets: nothing in it is a formula, and no number is changed."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.reports.csv_files import defuse, write_csv


def written(tmp_path: Path, columns: list[str], *rows: tuple[Any, ...]) -> list[list[str]]:
    path = tmp_path / "x.csv"
    assert write_csv(path, columns, [rows]) == len(rows)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 30 1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "-"]
)
def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_defused(text: str) -> None:
    assert defuse(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "+3", "-1e5", "a=b", "x-1", "", "12", "'=1"])
def test_numbers_and_plain_texts_are_left_alone(text: str) -> None:
    assert defuse(text) == text


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    rows = written(tmp_path, ["a", "b", "c"], (-1, -1.5, Decimal("-0.10")), (0, 1e300, Decimal("1E+2")))
    assert rows[1:] == [["-1", "-1.5", "-0.10"], ["0", "1e+300", "100"]]


def test_a_columns_name_is_defused_too(tmp_path: Path) -> None:
    assert written(tmp_path, ["=cmd|' /C calc'!A0", "fine"]) == [["'=cmd|' /C calc'!A0", "fine"]]


def test_every_kind_of_value_comes_back_as_it_was(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC)
    row = (None, True, date(2026, 1, 2), moment, 'say "x", y\nz', {"a": 1}, b"\x01\xff")
    assert written(tmp_path, list("abcdefg"), row)[1] == [
        "",
        "true",
        "2026-01-02",
        "2026-11-21T09:00:01Z",
        'say "x", y\nz',
        '{"a": 1}',
        "01ff",
    ]
