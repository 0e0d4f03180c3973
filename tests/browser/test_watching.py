"""The harness itself: a page with a fault must not pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.watching import DESKTOP, PHONE, too_wide, watch

FAULTS = {
    "an error in the console": ("<script>console.error('lost')</script>", "console error: lost"),
    "an exception": ("<script>throw new Error('gone')</script>", "page error: gone"),
    "a picture from elsewhere": ("<img src='http://example.com/a.png'>", "request beyond file://"),
    "a missing file": ("<img src='missing.png'>", "request failed"),
    "a dialog": ("<script>alert(1)</script>", "dialog: 1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_page_with_a_fault_is_found_out(name: str, browser, tmp_path: Path) -> None:
    markup, expected = FAULTS[name]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>x</title>{markup}", encoding="utf-8")
    watched = watch(browser, page, DESKTOP)
    watched.page.wait_for_timeout(100)
    watched.page.context.close()
    assert any(fault.startswith(expected) for fault in watched.faults), watched.faults


def test_a_page_wider_than_the_phone_is_found_out(open_page: Callable, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    head = '<!doctype html><meta name="viewport" content="width=device-width"><title>x</title>'
    page.write_text(f"{head}<div id=wide style='width: 500px'>x</div>", encoding="utf-8")
    assert too_wide(open_page(page, PHONE))[0].startswith("div#wide")
    assert not too_wide(open_page(page, DESKTOP))
