"""The site in a browser: from the disk and served, light and dark, on a desktop and on a phone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline_cli.testing import run_cli
from tests.browser.watching import DESKTOP, PHONE, Look, too_wide, watch
from tests.reference import built_reference, copy_reference

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["built_reference", "copy_reference"]

LATEST = Path(".pipeline/dev/site/latest")
ONE_OF_EACH = (
    "index.html",
    "pipelines/customer_360.html",
    "reports.html",
    "reports/daily_sales/index.html",
    "tables.html",
    "tables/gold_fakestore.mart_sales_overview.html",
    "tables/bronze_fakestore.carts.html",
    "tables/source.fakestore.carts.html",
    "tables/gold_marketing.fact_orders.html",
    "lineage.html",
    "quarantine.html",
)
MART = "tables/gold_fakestore.mart_sales_overview.html"


@pytest.fixture(scope="module")
def site(built_reference: Path) -> Path:
    result = run_cli(["site"], cwd=built_reference)
    assert result.exit_code == 0, result.stderr
    return built_reference / LATEST


@contextmanager
def served(project: Path) -> Iterator[str]:
    """`pipeline-cli site --serve` as a process; its address."""
    command = [
        sys.executable,
        "-c",
        "from pipeline_cli.cli import main; main()",
        "site",
        "--serve",
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield re.findall(r"http://\S+", process.stdout.readline())[0]
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_every_kind_of_page_fits_the_screen_and_has_no_errors(
    site: Path, open_page: Callable, look: Look
) -> None:
    for name in ONE_OF_EACH:
        page: Page = open_page(site / name, look)
        assert page.locator("h1").count() == 1, name
        assert too_wide(page) == [], name
        picture = "svg.narrow" if look.is_phone else "svg.wide"
        assert page.locator("svg.lineage").count() == 0 or page.locator(picture).first.is_visible(), name


def test_links_lead_from_the_overview_to_a_sources_field(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / "index.html")
    page.get_by_role("link", name="fakestore", exact=True).click()
    page.get_by_role("link", name="gold_fakestore.mart_sales_overview").first.click()
    assert page.locator("h1").inner_text() == "mart_sales_overview"
    row = page.locator("#column-line_revenue")
    row.get_by_role("link", name="fact_cart_items.line_revenue").click()
    assert page.url.endswith("gold_fakestore.fact_cart_items.html#column-line_revenue")
    page.locator("#column-line_revenue").get_by_role("link", name="fakestore.products: price").click()
    assert page.locator("h1").inner_text() == "products"
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Open the report").first.click()
    page.get_by_role("link", name="‹ shop").click()
    assert page.url.endswith("index.html")


def test_a_column_that_is_pointed_at_shows_what_it_is_made_of(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / MART)
    picture = page.locator("svg.wide")
    picture.locator('.subject [data-row$="\tline_revenue"]').hover()
    lit = picture.locator(".row.lit").evaluate_all(
        "rows => rows.map((row) => row.dataset.row.replace('\\t', '.'))"
    )
    assert "source:fakestore.products.price" in lit
    assert "silver_fakestore.stg_cart_items.quantity" in lit
    assert "gold_fakestore.mart_sales_overview.customer_city" not in lit
    page.mouse.move(0, 0)
    assert picture.locator(".row.lit").count() == 0 or "traced" not in (picture.get_attribute("class") or "")


def test_a_column_in_the_picture_is_clicked_and_its_page_shows_it(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / MART)
    page.locator('svg.wide [data-row$="stg_products\tprice"]').click()
    assert page.url.endswith("tables/silver_fakestore.stg_products.html#column-price")
    assert "traced" in (page.locator("svg.wide").get_attribute("class") or "")
    assert page.locator("svg.wide .subject .row.lit").count() == 1


def test_on_a_phone_a_table_in_the_picture_is_touched(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / MART, PHONE)
    page.locator('svg.narrow [data-node="silver_fakestore.stg_products"]').tap()
    page.wait_for_url("**/tables/silver_fakestore.stg_products.html")


def test_the_list_of_tables_is_narrowed_down(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / "tables.html")
    page.get_by_label("Find a table or a column").fill("lifetime")
    assert page.locator("tr[data-search]:visible").count() == 1
    page.get_by_label("Find a table or a column").fill("line_rev")
    assert "line_revenue" in page.locator(".matches:visible").first.inner_text()
    assert page.get_by_role("status").inner_text().startswith("2 of ")
    page.get_by_label("Find a table or a column").fill("")
    assert page.locator("tr[data-search]:visible").count() > 50


def test_without_a_script_everything_is_there_but_the_search(site: Path, open_page: Callable) -> None:
    page: Page = open_page(site / "tables.html", javascript=False)
    assert page.locator("#search").is_hidden()
    assert page.locator("tr[data-search]:visible").count() > 50


def test_dbts_documentation_opens_and_asks_for_nothing_from_elsewhere(site: Path, browser: Browser) -> None:
    """dbt's page has faults of its own (icons whose names are templates); beyond the disk it must not reach."""
    watched = watch(browser, site / "dbt/crm.html", DESKTOP)
    watched.page.get_by_text("Welcome to the auto-generated documentation").wait_for()
    watched.page.context.close()
    assert [fault for fault in watched.faults if "beyond" in fault or "page error" in fault] == []


def test_a_served_page_is_another_after_a_run(
    copy_reference: Callable[[], Path], open_page: Callable
) -> None:
    project = copy_reference()
    with served(project) as address:
        page: Page = open_page(f"{address}pipelines/fakestore.html")
        assert page.locator("section", has_text="Runs").last.locator("tbody tr").count() == 1
        assert run_cli(["run", "fakestore", "--quiet"], cwd=project).exit_code == 0
        page.locator("section", has_text="Runs").last.locator("tbody tr").nth(1).wait_for(timeout=90_000)
        page.get_by_text("nothing new").first.wait_for(timeout=90_000)
        tables: Page = open_page(f"{address}tables.html", DESKTOP)
        tables.locator(".banner").wait_for(state="detached", timeout=90_000)  # the run has let go by then
