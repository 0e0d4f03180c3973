"""Cards of a report in a real browser: a table that goes on is seen to, and a few bars leave no empty card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.watching import DESKTOP
from tests.integration.reports.conftest import DUCKDB, Shelf

REPORT = """
title: Cards
queries: {all: SELECT * FROM gold.cards}
blocks:
  few: {type: bar, query: all, x: city, y: amount, aggregate: sum}
  wide: {type: table, query: all, limit: 40}
"""
ROWS: list[dict[str, Any]] = [
    {"city": "Kilcoole", "amount": n, **{f"a_long_name_of_column_{place}": n for place in range(12)}}
    for n in range(40)
]
# How dark the table's edge is: 0 where it is as light as its middle.
SHADE = """async (encoded) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${encoded}`;
    await picture.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0);
    const light = (x) => context.getImageData(x, 1, 1, 1).data[0];
    return [light(0), light(picture.width - 1)].map((edge) => 255 - edge);
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shelf = Shelf(tmp_path_factory.mktemp("cards"), DUCKDB)
    shelf.add("cards", REPORT)
    shelf.fill("gold", "cards", ROWS)
    shelf.write("cards")
    return shelf.root / ".pipeline" / "dev" / "reports" / "cards" / "latest" / "cards.html"


def shades(page: Any) -> list[int]:
    import base64

    picture = base64.b64encode(page.locator("#wide .scroll").screenshot()).decode()
    return list(page.context.new_page().evaluate(SHADE, picture))


def test_a_table_that_goes_on_beyond_its_card_has_a_shade_at_that_edge(
    path: Path, open_page: Callable
) -> None:
    page = open_page(path, DESKTOP)
    left, right = shades(page)
    assert left < 5 < 30 < right
    page.locator("#wide .scroll").evaluate("element => { element.scrollLeft = 100000; }")
    left, right = shades(page)
    assert right < 5 < 30 < left


def test_one_bar_beside_a_high_table_has_a_card_of_its_own_height(path: Path, open_page: Callable) -> None:
    page = open_page(path, DESKTOP)
    few, wide = (page.locator(name).bounding_box() for name in ("#few", "#wide"))
    assert few["y"] == wide["y"]
    assert few["height"] < 250 < 600 < wide["height"]
