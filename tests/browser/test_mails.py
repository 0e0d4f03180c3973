"""Mails as a mail program shows them: nothing stands out of a phone's window, nothing is loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.alerts.mail import render_html
from pipeline_cli.alerts.message import Item, Message
from tests.browser.watching import Look, too_wide

LONG = "a_model_with_a_very_long_name_that_no_mail_program_can_break_by_itself." * 3
COMMAND = "pipeline-cli retry 20261121T200000-3f9c2a --env prod"
FACTS = [("Run", "20261121T200000-3f9c2a"), ("At", "21 Nov 2026, 20:00 UTC")]


def item(pipeline: str, **more: Any) -> Item:
    return Item(
        pipeline,
        f"test:{pipeline} failed: {LONG}",
        step=f"test:{pipeline}",
        tries=2,
        since="2026-11-20T09:00:00Z",
        runs=4,
        details=[("Failing check", LONG), ("Hint", f"Fix the model, then: {COMMAND}")],
        stopped=[f"report:{LONG}"],
        affected=["report sales stays as it was", "pipeline marketing reads crm, too"],
        **more,
    )


MESSAGES = {
    "failure": Message(
        "failure", "shop", "prod", f"crm failed at {LONG}", LONG, "", items=[item("crm"), item("shop")],
        facts=FACTS, log=f"{COMMAND} --step {LONG}", next=COMMAND, log_file=f".pipeline/logs/{LONG}.log",
    ),
    "recovery": Message(
        "recovery", "shop", "prod", "crm is well again after 3 h", "Over.", "",
        items=[item("crm", lasted_s=10_800)], facts=FACTS,
    ),
    "success": Message(
        "success", "shop", "prod", "crm succeeded", "All 3 steps are done.", "", items=[Item("crm", "")],
        steps=[(f"transform:{LONG}", "succeeded", "8 models built"), ("test:crm", "nothing new", "")],
        facts=FACTS,
    ),
    "report": Message(
        "report", "shop", "prod", "Daily sales", "What was sold. Data as of 31 Dec 2025.", "",
        items=[Item("retail_daily", "")],
        figures=[("Key figures", [("Total sales", "$2,522,968.35", ""), ("Top product", LONG, "53,272.69")])],
        facts=FACTS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_mail_fits_every_window(tmp_path: Path, open_page: Any, look: Look, kind: str) -> None:
    attached = ["daily_sales.html", f"{LONG}.csv"] if kind == "report" else []
    path = tmp_path / "mail.html"
    path.write_text(render_html(MESSAGES[kind], attached=attached), encoding="utf-8")
    page = open_page(path, look)
    assert not too_wide(page)
    assert page.locator("h1").inner_text().startswith(MESSAGES[kind].title[:20])
