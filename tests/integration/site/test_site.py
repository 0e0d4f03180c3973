"""`pipeline-cli site` on the reference project after a run, and on projects where something is amiss."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.integration.site.world import WrittenSite, rows, section
from tests.reference import built_reference, copy_reference

__all__ = ["built_reference", "copy_reference"]

SITE = Path(".pipeline/dev/site/latest")


def write(project: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[WrittenSite, CliResult]:
    result = run_cli(["site", "--json", *arguments], cwd=project, env=env)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.document is not None
    return WrittenSite(project / Path(result.document["page"]).parent), result


@pytest.fixture(scope="module")
def site(built_reference: Path) -> WrittenSite:
    return write(built_reference)[0]


def test_every_link_leads_somewhere(site: WrittenSite) -> None:
    assert len(site.pages) > 80
    assert site.broken_links() == []


def test_the_overview_shows_every_pipeline_report_and_run(site: WrittenSite) -> None:
    page = site.pages["index.html"]
    words = page.words
    for name in ("fakestore", "crm", "customer_360", "retail_daily", "marketing"):
        assert "succeeded" in section(page, name).words
    for title in (
        "Daily sales",
        "Sales",
        "Executive overview",
        "Acquisition and ads",
        "Customer revenue analysis",
    ):
        assert title in words
    assert "7 records" in words


def test_a_pipelines_page_has_its_steps_loads_tables_and_checks(site: WrittenSite) -> None:
    page = site.pages["pipelines/customer_360.html"]
    assert [row[0] for row in rows(section(page, "Steps of the last run"))] == [
        "ingest:customer_360",
        "transform:customer_360",
        "test:customer_360",
    ]
    loaded = {row[0]: row[1:] for row in rows(section(page, "What was loaded"))}
    assert loaded["bronze_customer_360.orders"] == ["406", "400", "0", "6"]
    made = {row[0]: row[2] for row in rows(section(page, "Tables it makes"))}
    assert made["gold_customer_360.customer_360"] == "120"
    assert "43 of 43 passed" in section(page, "Checks of the last run").words


def test_a_tables_page_has_descriptions_types_rows_and_origins(site: WrittenSite) -> None:
    page = site.pages["tables/gold_fakestore.mart_sales_overview.html"]
    found = {row[0]: row[1:] for row in rows(section(page, "Columns"))}
    revenue = next(row for name, row in found.items() if name.startswith("line_revenue"))
    assert revenue[0] == "quantity times unit_price."
    assert "fact_cart_items.line_revenue" in revenue[1]
    assert "products[].quantity" in revenue[2] and "products: price" in revenue[2]
    facts = {one.every("dt")[0].words: one.every("dd")[0].words for one in page.every("dl")[0].every("div")}
    assert facts["Rows"].startswith("33")
    assert facts["Made by"] == "SQLMesh model, full"
    assert facts["Defined in"] == "transforms/fakestore/models/gold/mart_sales_overview.sql"


def test_a_bronze_tables_page_says_what_the_contract_and_the_loader_say(site: WrittenSite) -> None:
    words = site.pages["tables/bronze_fakestore.products.html"].words
    assert "Price of one unit" in words
    assert "The load package that the row came in." in words


def test_pictures_have_a_label_and_the_same_in_a_list(site: WrittenSite) -> None:
    for name, page in site.pages.items():
        pictures = page.every("svg")
        assert all(picture.attributes["aria-label"] for picture in pictures), name
        if pictures:
            assert page.every("table") or page.every("ul"), name


def test_what_is_in_quarantine_is_counted_by_rule_and_shown_in_part(site: WrittenSite) -> None:
    page = site.pages["quarantine.html"]
    counted = {(rule, field): count for rule, field, count in rows(section(page, "customer_360.orders"))}
    assert counted[("enum", "status")] == "2"
    assert counted[("minimum", "amount")] == "1"
    assert counted[("malformed", "the record")] == "1"
    assert len(page.every("article")) == 7


def test_values_are_never_markup(site: WrittenSite) -> None:
    html = site.text("quarantine.html")
    assert "<script>alert(" not in html and "<img" not in html
    assert "&lt;script&gt;alert(" in html and "&lt;img src=x onerror=alert(" in html


def test_every_page_lets_its_own_script_run_and_nothing_else(site: WrittenSite) -> None:
    for name in site.pages:
        html = site.text(name)
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
        assert (
            policy.startswith("default-src 'none';")
            and "'unsafe-inline'" not in policy.partition("script-src")[2]
        )
        assert len(re.findall(r"<script", html)) == 1
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', html), name


def test_the_reports_are_there_with_their_files_and_a_way_back(site: WrittenSite) -> None:
    html = site.text("reports/daily_sales/daily_sales.html")
    assert 'href="../../index.html"' in html
    assert (site.folder / "reports/daily_sales/daily_sales.by_product.csv").is_file()
    assert (site.folder / "dbt/customer_360.html").is_file()
    assert "2 edition" not in site.pages["reports.html"].words


def test_a_site_without_news_is_not_written_again(copy_reference: Callable[[], Path]) -> None:
    project = copy_reference()
    first, result = write(project)
    assert result.document["status"] == "succeeded"
    edition = first.folder.resolve()
    _, again = write(project)
    assert again.document["status"] == "unchanged"
    assert first.folder.resolve() == edition
    names = sorted(path.name for path in first.folder.parent.iterdir())
    assert len(names) == 2 and "latest" in names


def test_while_a_run_holds_the_warehouse_the_site_says_what_is_stale(
    copy_reference: Callable[[], Path],
) -> None:
    project = copy_reference()
    write(project)
    with duckdb.connect(str(project / ".pipeline/dev/warehouse.duckdb")):
        site, result = write(project)
    assert result.document["stale"] is True
    assert "A run holds the warehouse" in result.document["notes"][0]
    assert "A run holds the warehouse" in site.pages["tables.html"].words
    assert "Last read" in site.pages["index.html"].words
    loaded = rows(section(site.pages["tables.html"], "bronze_customer_360"))
    assert {row[0]: row[3] for row in loaded}["users"] == "120"
    assert len(site.pages["quarantine.html"].every("article")) == 7
    assert site.broken_links() == []


def test_the_first_site_while_a_run_holds_the_warehouse_has_what_the_ledger_knows(
    copy_reference: Callable[[], Path],
) -> None:
    project = copy_reference()
    for path in (project / ".pipeline/dev/lineage").glob("*.json"):
        path.unlink()
    with duckdb.connect(str(project / ".pipeline/dev/warehouse.duckdb")):
        site, result = write(project)
    assert result.document["stale"] is True
    made = rows(section(site.pages["pipelines/retail_daily.html"], "Tables it makes"))
    assert {row[0]: row[2] for row in made}["gold_retail_daily.daily_kpis"] == "30"
    assert "Nobody has looked into the warehouse yet." in site.pages["quarantine.html"].words
    assert site.broken_links() == []


def test_a_report_on_no_pipeline_is_in_the_lineage(tmp_path: Path) -> None:
    report = "title: Mine\nqueries: {all: SELECT n FROM gold_shop.sales}\nblocks: {all: {type: table, query: all}}\n"
    page = write(make_project(tmp_path, files={"reports/mine.yaml": report}))[0].pages["lineage.html"]
    assert "report mine" in section(page, "In no pipeline").words
    assert "gold_shop.sales" in section(page, "In no pipeline").words


def test_a_project_that_never_ran_has_a_site_that_says_what_to_do(tmp_path: Path) -> None:
    from pipeline_cli.scaffold import copy_scaffold

    copy_scaffold(tmp_path / "shop")
    site, result = write(tmp_path / "shop")
    assert result.document["stale"] is False
    assert "pipeline-cli run fakestore" in site.pages["index.html"].words
    assert "No run yet." in site.pages["index.html"].words
    assert "never run" in site.pages["pipelines/crm.html"].words
    assert "not written yet" in site.pages["reports.html"].words
    assert not (tmp_path / "shop/.pipeline/dev/warehouse.duckdb").exists()
    assert site.broken_links() == []


def change_run(project: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Make another document of the project's run."""
    with sqlite3.connect(project / ".pipeline/runs.db") as ledger:
        run_id, text = ledger.execute("SELECT run_id, document FROM runs").fetchone()
        document = json.loads(text)
        change(document)
        ledger.execute("UPDATE runs SET document = ? WHERE run_id = ?", (json.dumps(document), run_id))


def test_a_failed_run_is_shown_with_its_error_and_hint(copy_reference: Callable[[], Path]) -> None:
    def fail(document: dict[str, Any]) -> None:
        crm = next(one for one in document["pipelines"] if one["name"] == "crm")
        document["status"] = crm["status"] = crm["steps"][1]["status"] = "failed"
        error = {
            "code": "E330",
            "step": "transform:crm",
            "message": "no such column <b>",
            "line": 3,
            "column": 1,
        }
        document["errors"] = [{**error, "hint": "Fix the model.", "file": "transforms/crm/models/dim.sql"}]

    project = copy_reference()
    change_run(project, fail)
    site, _ = write(project)
    failure = section(site.pages["pipelines/crm.html"], "transform:crm failed").words
    assert "no such column <b>" in failure and "transforms/crm/models/dim.sql:3" in failure
    assert "Fix the model." in failure
    assert "failed" in section(site.pages["index.html"], "crm").words
    assert "failed" not in section(site.pages["index.html"], "fakestore").words


def test_a_transform_that_cannot_be_read_is_told_and_the_rest_is_there(
    copy_reference: Callable[[], Path],
) -> None:
    project = copy_reference()
    (project / "transforms/fakestore/models/gold/dim_users.sql").write_text("MODEL (name", encoding="utf-8")
    site, result = write(project)
    assert (
        "Transform fakestore: the SQLMesh project transforms/fakestore cannot be read"
        in result.document["notes"][0]
    )
    assert "tables/gold_crm.dim_customers.html" in site.pages
    assert site.broken_links() == []


def test_secrets_are_masked_wherever_they_stand(copy_reference: Callable[[], Path]) -> None:
    project = copy_reference()
    secret = "hunter2&secret"
    error = dict.fromkeys(("step", "hint", "file", "line", "column"))
    change_run(
        project, lambda document: document.update(errors=[{**error, "code": "E1", "message": f"no {secret}"}])
    )
    with duckdb.connect(str(project / ".pipeline/dev/warehouse.duckdb")) as warehouse:
        warehouse.execute(
            "UPDATE bronze_customer_360._quarantine SET record = ?", [json.dumps({"token": secret})]
        )
    site, _ = write(project, env={"CRM_TOKEN": secret})
    kept = (project / ".pipeline/dev/lineage/quarantine.json").read_text(encoding="utf-8")
    for text in [*(site.text(name) for name in site.pages), kept]:
        assert "hunter2" not in text
    assert "no ***" in site.pages["pipelines/crm.html"].words
    assert "***" in site.pages["quarantine.html"].words


def test_what_is_shown_of_a_large_quarantine_is_bounded(copy_reference: Callable[[], Path]) -> None:
    project = copy_reference()
    with duckdb.connect(str(project / ".pipeline/dev/warehouse.duckdb")) as warehouse:
        warehouse.execute(
            "INSERT INTO bronze_customer_360._quarantine BY NAME"
            " SELECT q.* REPLACE (q.id || n AS id, repeat('x', 20000) AS record)"
            " FROM bronze_customer_360._quarantine AS q, range(200) AS t(n)"
        )
    site, _ = write(project)
    assert "1,206 records" in site.pages["quarantine.html"].words
    assert len(site.pages["quarantine.html"].every("article")) == 20
    assert len(site.text("quarantine.html")) < 80_000


def test_the_site_of_postgres_counts_its_tables_and_its_quarantine(tmp_path: Path, postgres_url: str) -> None:
    manifest = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: warehouse}}
destinations: {warehouse: {type: postgres, credentials: "${env:POSTGRES_URL}"}}
sources:
  files:
    type: filesystem
    bucket_url: data
    resources:
      things: {file_glob: "things*.csv", contract: things.schema.json, on_violation: quarantine}
pipelines: {things: {sources: [files]}}
"""
    files = {
        "data/things.csv": "id,name\n1,a\n2,b\nx,c\n",
        "things.schema.json": json.dumps(
            {"properties": {"id": {"type": "integer", "description": "Its key."}}}
        ),
    }
    project = make_project(tmp_path / "shop", manifest, files)
    env = {"POSTGRES_URL": postgres_url}
    assert run_cli(["run"], cwd=project, env=env).exit_code == 0
    site, result = write(project, env=env)
    assert result.document["notes"] == []
    things = {row[0]: row[3] for row in rows(section(site.pages["tables.html"], "bronze_files"))}
    assert things["things"] == "2"
    assert rows(section(site.pages["quarantine.html"], "files.things")) == [["type", "id", "1"]]
    assert "Its key." in site.pages["tables/bronze_files.things.html"].words
    assert postgres_url not in "".join(site.text(name) for name in site.pages)
