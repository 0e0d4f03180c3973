"""Every kind of chart in a real browser: nothing overlaps or is cut, all is read by eyes and by a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.watching import Look, too_wide
from tests.integration.reports.conftest import DUCKDB, Shelf

CHANNELS = ["email", "paid social", "paid search", "organic", "direct", "referral", "affiliate"]
ROWS: list[dict[str, Any]] = [
    {
        "day": date(2026, 1, 5) + timedelta(days=n),
        "channel": channel,
        "campaign": f"Campaign {n // 3 % 9}",
        "revenue": Decimal(100 + (n * 37) % 900 + place * 50),
        "spend": Decimal((n * 13) % 400 + 20 * place),
        "orders": 1 + (n + place) % 7,
    }
    for n in range(0, 300, 3)
    for place, channel in enumerate(CHANNELS)
]
REPORT = """
title: Charts
as_of: SELECT MAX(day) FROM gold.sales
currency: "$"
queries: {all: SELECT * FROM gold.sales ORDER BY day}
%s
blocks:
  totals:
    type: figures
    query: all
    figures:
      revenue: {aggregate: sum, format: money, change: month, change_column: day}
      orders: {aggregate: sum, change: quarter, change_column: day}
  one_line: {type: line, query: all, x: day, y: revenue, format: money, period: month, aggregate: sum}
  lines:
    {type: line, query: all, x: day, y: revenue, color: channel, format: money, period: week, aggregate: sum, span: 2}
  long: {type: area, query: all, x: day, y: revenue, format: money, period: day, aggregate: sum, span: 2}
  areas: {type: area, query: all, x: day, y: revenue, color: channel, format: money, period: month, aggregate: sum}
  bars: {type: bar, query: all, x: day, y: [revenue, spend], format: money, period: month, aggregate: sum}
  lying: {type: bar, query: all, x: channel, y: [revenue, spend], format: money, aggregate: sum}
  stacked:
    {type: stacked_bar, query: all, x: day, y: revenue, color: channel, format: money, period: month, aggregate: sum}
  lying_stack: {type: stacked_bar, query: all, x: channel, y: [revenue, spend], format: money, aggregate: sum}
  both:
    {type: combined, query: all, x: day, y: revenue, format: money, line: orders, period: month, aggregate: sum}
  by_channel: {type: combined, query: all, x: channel, y: [revenue, spend], format: money, line: orders, aggregate: sum}
  parts: {type: donut, query: all, x: channel, y: revenue, format: money, aggregate: sum}
  places:
    type: scatter
    query: all
    name: campaign
    x: spend
    x_format: money
    y: revenue
    format: money
    size: orders
    aggregate: sum
  grouped: {type: scatter, query: all, name: campaign, x: spend, y: revenue, color: channel, aggregate: sum}
"""
FILTERS = "filters: {date: {type: period, column: day}, channel: {type: choice, column: channel}}"
CHARTS = 13
SCRIPT = (Path(__file__).parent / "drawings.js").read_text(encoding="utf-8")
LOOK_AT_DRAWINGS, CONTRASTS = (
    f"() => {{ {SCRIPT}; return {name}(); }}" for name in ("lookAtDrawings", "findContrasts")
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("charts"), DUCKDB)
    shelf.add("still", REPORT % "")
    shelf.add("live", REPORT % FILTERS)
    shelf.fill("gold", "sales", ROWS)
    for name in ("still", "live"):
        shelf.write(name)
    return shelf


@pytest.fixture(params=["still", "live"])
def page(request: pytest.FixtureRequest, shelf: Shelf, open_page: Callable, look: Look) -> Any:
    name = request.param
    path = Path(shelf.root) / ".pipeline" / "dev" / "reports" / name / "latest" / f"{name}.html"
    page = open_page(path, look, locale="en-US")
    if name == "live":
        page.wait_for_selector("body[data-ready]")
    return page


def test_no_text_of_a_drawing_is_cut_or_covers_another(page: Any) -> None:
    assert not too_wide(page)
    drawings = page.evaluate(LOOK_AT_DRAWINGS)
    assert len(drawings) == CHARTS
    assert {drawing["name"]: drawing["faults"] for drawing in drawings if drawing["faults"]} == {}


def test_every_drawing_has_words_and_a_table_for_a_screen_reader(page: Any) -> None:
    for drawing in page.evaluate(LOOK_AT_DRAWINGS):
        assert drawing["role"] == "img", drawing["name"]
        assert "table" in drawing["label"], drawing["name"]
        assert drawing["rows"] >= 7, drawing["name"]


def test_every_text_and_line_is_seen_on_its_card(page: Any) -> None:
    found = page.evaluate(CONTRASTS)
    assert len(found) > 100
    assert [(kind, name) for kind, name, ratio in found if ratio < (4.5 if kind == "text" else 3)] == []


def test_changes_are_words_and_not_colours_alone(page: Any) -> None:
    tiles = page.locator("#totals .tile").all()
    assert len(tiles) == 2
    for tile in tiles:
        change = tile.locator(".change").first
        assert change.locator(".arrow").get_attribute("aria-hidden") == "true"
        assert change.locator(".by").inner_text().split()[0] in ("Up", "Down", "Unchanged")
