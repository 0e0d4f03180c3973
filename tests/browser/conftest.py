"""Pages in a real browser: `make test-browser`. See tests/browser/watching.py for what fails a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.watching import DESKTOP, LOOKS, Look, Watch, watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="a folder for a picture of every page at each test's end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium a test process."""
    from playwright.sync_api import sync_playwright

    path = subprocess.run(
        [HERE / "chromium.sh"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    home = tmp_path_factory.mktemp("browser-home")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=FLAGS, env={**os.environ, "HOME": str(home)}
        )
        yield chromium
        chromium.close()


@pytest.fixture(params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    """Light and dark, on a desktop and on a phone."""
    return request.param


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """A factory: `open_page(path or address, look, javascript=False, locale="de-DE")` gives playwright's Page.

    The test fails at its end when a page wrote an error, raised one, or asked for anything from elsewhere.
    """
    watches: list[Watch] = []

    def open_one(address: Path | str, look: Look = DESKTOP, **options: object) -> Page:
        watches.append(watch(browser, address, look, **options))
        return watches[-1].page

    yield open_one
    pictures: Path | None = request.config.getoption("--pictures", None)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    for number, watched in enumerate(watches):
        if pictures is not None:
            name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in request.node.name)
            watched.page.screenshot(path=pictures / f"{name}-{number}.png", full_page=True)
        watched.page.context.close()
    faults = [fault for watched in watches for fault in watched.faults]
    assert not faults, "\n".join(faults)
