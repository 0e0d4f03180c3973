"""tests/sql/lint.py, which `make test` runs, reads all SQL, and can find something in each kind of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sql.lint import Statement, cover, find_statements, lint

ROOT = Path(__file__).parents[2]


def test_all_models_tests_audits_and_reports_are_linted() -> None:
    found = {statement.place for statement in find_statements()}
    generated = {"macros", "target", "dbt_packages"}

    files = {path.relative_to(ROOT) for path in ROOT.glob("transforms/**/*.sql")}
    assert found >= {path.as_posix() for path in files if not generated & set(path.parts)}
    assert found >= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("reports/*.yaml")}


@pytest.fixture
def own_modules() -> Iterator[None]:
    """SQLFluff imports our stand-in for dbt's macros under dbt's name: others of this process want dbt itself."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "dbt"}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "dbt" and name not in before]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("own_modules")
@pytest.mark.parametrize(
    ("kind", "sql", "rule"),
    [
        ("dbt", "select a.x from {{ ref('a') }} as a\nleft join {{ ref('b') }} as b on a.y = x\n", "RF02"),
        ("dbt", "select cast(a.x as from {{ ref('a') }} as a\n", "PRS"),
        ("sqlmesh", "MODEL (\n  name m\n);\n\nSELECT\n  X,\n  y\nfrom t\n", "CP01"),
        ("sqlmesh", "AUDIT (\n  name a\n);\n\nSELECT\n  x,\n    y\nFROM @this_model\n", "LT02"),
        ("report", "SELECT a, FROM t WHERE\n", "PRS"),
    ],
)
def test_what_is_wrong_is_found(kind: str, sql: str, rule: str) -> None:
    found = lint(Statement("x.sql", sql if kind != "sqlmesh" else cover(sql), kind))

    assert [line for line in found if f"  {rule}  " in line], found


def test_a_covered_header_leaves_everything_at_its_place() -> None:
    sql = (ROOT / "transforms/retail_daily/audits/foreign_key.sql").read_text(encoding="utf-8")

    covered = cover(sql)

    assert [len(line) for line in covered.splitlines()] == [len(line) for line in sql.splitlines()]


def test_a_query_of_a_report_is_found_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    report = "title: T\nas_of: SELECT 1\nqueries:\n  all: |\n    SELECT 2\nblocks:\n  a: {type: table, sql: SELECT 3}\n"
    (tmp_path / "reports" / "r.yaml").write_text(report, encoding="utf-8")

    assert [(each.line, each.sql) for each in find_statements(tmp_path)] == [
        (2, "SELECT 1\n"),
        (5, "SELECT 2\n"),
        (7, "SELECT 3\n"),
    ]
