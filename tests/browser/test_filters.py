"""Filters of a report in a real browser: what they choose, where they keep it, and that data stay data."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.shop import AS_OF, EVIL, REPORT, chosen, make_rows, write_shop
from tests.browser.watching import DESKTOP, Look, too_wide, watch

ROWS = make_rows()
# Every choice of every filter: the selects' values, and what the tiles and the drawings then are.
EVERY_CHOICE = """async () => {
    const form = document.querySelector('form.filters');
    const [times, channels, countries] = ['date', 'channel', 'country'].map((name) => [...form.elements[name].options]);
    const found = [];
    for (const time of times) for (const channel of channels) for (const country of countries) {
        form.elements.date.value = time.value;
        form.elements.channel.value = channel.value;
        form.elements.country.value = country.value;
        form.dispatchEvent(new Event('change', {bubbles: true}));
        const tiles = [...document.querySelectorAll('#totals .tile')];
        found.push({
            time: time.value, channel: channel.textContent, country: country.textContent,
            tiles: Object.fromEntries(tiles.map((tile) =>
                [tile.querySelector('dt').textContent, tile.querySelector('.value.live').textContent])),
            broken: [...document.querySelectorAll('.drawing.live *')].flatMap((element) => [...element.attributes])
                .map((one) => `${one.name}=${one.value}`)
                .filter((text) => /NaN|Infinity|undefined|null/.test(text)).slice(0, 3),
        });
    }
    return found;
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"), ROWS)


@pytest.fixture
def page(shop: Path, open_page: Callable) -> Any:
    return ready(open_page(shop, locale="en-US"))


def ready(page: Any) -> Any:
    page.wait_for_selector("body[data-ready]")
    return page


def tile(page: Any, label: str) -> str:
    tiles = page.locator("#totals .tile", has=page.get_by_text(label, exact=True))
    return tiles.locator(".value.live").inner_text()


def choose(page: Any, name: str, label: str) -> None:
    page.locator(f"form.filters select[name={name}]").select_option(label=label)


def within(key: str) -> tuple[date, date]:
    """The days of a time, first and last, in plain Python."""
    if key.startswith("last_"):
        return AS_OF - timedelta(days=int(key.split("_")[1]) - 1), AS_OF
    year = int(key[:4])
    if "Q" in key:
        last = int(key[-1]) * 3
        return date(year, last - 2, 1), date(year, last, monthrange(year, last)[1])
    if "-" in key:
        month = int(key[5:])
        return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    return date(year, 1, 1), date(year, 12, 31)


def written(label: str, value: Any) -> str:
    """A figure as an American reads it."""
    if value is None:
        return "–"
    if label == "Last order":
        return f"{value:%b} {value.day}, {value.year}"
    if label == "Repeat rate":
        percent = (value * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
        if percent < 10 and value and value < Decimal("0.1"):
            percent = (value * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return f"{percent:,}%"
    if label in ("Orders", "Customers"):
        return f"{value:,}"
    cents = Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'-' if cents < 0 else ''}${abs(cents):,}"


def test_every_choice_shows_what_plain_python_makes_of_the_rows(page: Any) -> None:
    found = page.evaluate(EVERY_CHOICE)
    assert len(found) == len({one["time"] for one in found}) * 6 * 4
    for one in found:
        first, last = within(one["time"]) if one["time"] != "all" else (None, None)

        def keep(row: Any, one: Any = one, first: Any = first, last: Any = last) -> bool:
            in_time = first is None or (row["ordered_on"] is not None and first <= row["ordered_on"] <= last)
            return in_time and all(
                one[name] == "All" or one[name] == ("(none)" if row[name] is None else row[name])
                for name in ("channel", "country")
            )

        expected = {label: written(label, value) for label, value in chosen(ROWS, keep).items()}
        assert one["tiles"] == {**expected, "All orders": str(len(ROWS))}, one
        assert not one["broken"]


def test_the_times_on_offer_are_those_of_the_data(page: Any) -> None:
    labels = page.locator("select[name=date] option").all_inner_texts()
    assert labels[:4] == ["All time", "Last 7 days", "Last 28 days", "Last 90 days"]
    assert labels[4:6] == ["Oct 2026 (so far)", "Sep 2026"]
    assert labels[-3:] == ["Q3 2026", "Q2 2026", "2026 (so far)"] or labels[-1] == "2026 (so far)"
    groups = page.locator("select[name=date] optgroup")
    assert [group.get_attribute("label") for group in groups.all()] == ["Days", "Months", "Quarters", "Years"]


def test_charts_and_tables_follow_the_choice(page: Any) -> None:
    choose(page, "country", "DE")
    german = [row for row in ROWS if row["country"] == "DE"]
    counts: dict[str, int] = {}
    for row in german:
        counts[row["contact"]] = counts.get(row["contact"], 0) + 1
    orders = page.locator("#contacts .scroll.live tbody td:nth-child(2)").all_inner_texts()
    assert orders == [str(count) for count in sorted(counts.values(), reverse=True)[:3]]
    assert page.locator("#contacts .note.live").inner_text() == f"The first 3 of {len(counts)} rows."
    page.locator("#customers summary").click()
    cells = page.locator("#customers details tbody td").all_inner_texts()
    months = {row["ordered_on"].replace(day=1) for row in german if row["ordered_on"]}
    by_month = {
        f"{month:%b %Y}": str(
            len({r["contact"] for r in german if r["ordered_on"] and r["ordered_on"].replace(day=1) == month})
        )
        for month in sorted(months)
    }
    by_month["–"] = str(len({row["contact"] for row in german if row["ordered_on"] is None}))
    shown = dict(zip(cells[::2], cells[1::2], strict=True))
    assert {name.removesuffix(" (not over yet)"): number for name, number in shown.items()} == by_month
    assert "Oct 2026 (not over yet)" in shown


def test_a_period_that_is_not_over_or_only_partly_chosen_is_marked(page: Any) -> None:
    note = page.locator("#by_month .note.live")
    assert note.inner_text() == "Oct 2026 is not complete yet: drawn pale or dashed."
    choose(page, "date", "Sep 2026")
    assert not note.is_visible()
    assert page.locator("#by_month .drawing.live [stroke-dasharray]").count() == 0
    choose(page, "date", "Last 28 days")
    assert (
        note.inner_text()
        == "Of Sep 2026 and Oct 2026 only the chosen days are counted: drawn pale or dashed."
    )
    assert page.locator("#by_month .drawing.live [stroke-dasharray]").count() > 0


def test_changes_follow_the_choice(page: Any) -> None:
    change = page.locator("#totals .change.live")
    assert change.locator(".than").inner_text().startswith("Sep 2026: $")
    choose(page, "date", "Last 28 days")
    assert " after $" in change.locator(".than").inner_text()
    assert change.locator(".than").inner_text().endswith("in the 28 days before")
    choose(page, "date", "Oct 2026 (so far)")
    days = [row for row in ROWS if row["ordered_on"] and row["revenue"] is not None]
    now = sum(row["revenue"] for row in days if row["ordered_on"] >= date(2026, 10, 1))
    before = sum(row["revenue"] for row in days if date(2026, 9, 1) <= row["ordered_on"] <= date(2026, 9, 18))
    share = abs(now - before) / before * 100
    assert change.locator(".by").inner_text() == f"{'Up' if now > before else 'Down'} {share:.1f}%"
    assert change.locator(".than").inner_text().endswith("in as many days of Sep 2026")


def test_what_is_chosen_stands_in_the_address_and_is_there_again_after_a_reload(page: Any) -> None:
    choose(page, "date", "Last 28 days")
    choose(page, "channel", EVIL[0])
    choose(page, "country", "(none)")
    address, orders = page.url, tile(page, "Orders")
    assert "date=last_28_days" in address
    page.reload()
    ready(page)
    assert page.url == address
    assert tile(page, "Orders") == orders
    assert page.locator("select[name=channel] option:checked").inner_text() == EVIL[0]
    page.get_by_role("button", name="Reset").click()
    assert "#" not in page.url
    assert tile(page, "Orders") == str(len(ROWS))


def test_an_address_from_elsewhere_is_followed_and_nonsense_in_it_is_not(
    shop: Path, open_page: Callable
) -> None:
    page = ready(
        open_page(f"{shop.as_uri()}#country=DE&date=yesterday&channel=nobody&x.is=all", locale="en-US")
    )
    assert tile(page, "Orders") == str(sum(row["country"] == "DE" for row in ROWS))
    page.evaluate("location.hash = 'country=US'")
    page.wait_for_function("document.querySelector('select[name=country]').selectedOptions[0].text === 'US'")
    assert tile(page, "Orders") == str(sum(row["country"] == "US" for row in ROWS))


def test_values_from_data_are_never_markup(page: Any) -> None:
    options = page.locator("select[name=channel] option").all_inner_texts()
    assert set(options) == {"All", "email", "(none)", *EVIL}
    assert page.locator("img, b, body script:not(#page-data)").count() == 2  # the loader's and ours
    words = page.locator("#by_channel .drawing.live text").all_text_contents()
    assert any(text.startswith("</script>") for text in words)
    assert page.evaluate("window.reportPage === undefined")


def test_nothing_else_than_the_pages_own_script_may_run(shop: Path, browser: Any) -> None:
    watched = watch(browser, shop, DESKTOP)
    ready(watched.page)
    watched.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert watched.page.evaluate("window.ran") is None
    watched.page.context.close()
    assert any("Content Security Policy" in fault for fault in watched.faults)


def test_filters_are_chosen_with_the_keyboard_and_told_to_who_hears_the_page(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "date"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    status = page.get_by_role("status")
    germans = sum(row["country"] == "DE" for row in ROWS)
    assert status.inner_text().startswith("Country: DE")
    assert f"Orders {germans}" in status.text_content()
    assert status.get_attribute("aria-live") == "polite" or status.get_attribute("role") == "status"
    assert page.get_by_role("combobox", name="Country").input_value() == "0"


def test_a_block_that_follows_not_every_filter_says_so(page: Any) -> None:
    assert page.locator("#unfollowed .unfollowed").inner_text() == "Not filtered by Date and Country."
    tiles = page.locator("#totals .tile", has=page.get_by_text("All orders", exact=True))
    assert tiles.locator(".unfollowed").inner_text() == "Not changed by the filters."
    assert page.locator("#by_day .unfollowed").count() == 0


def test_a_choice_without_rows_says_so(tmp_path: Path, open_page: Callable) -> None:
    rows = [row for row in ROWS if row["channel"] != "email" or row["country"] == "DE"]
    page = ready(open_page(write_shop(tmp_path, rows), locale="en-US"))
    choose(page, "channel", "email")
    choose(page, "country", "US")
    assert page.locator("#by_day .drawing.live .empty").inner_text() == "No data for this choice."
    assert page.locator("#contacts .note.live").inner_text() == "No data for this choice."
    assert (tile(page, "Orders"), tile(page, "Average"), tile(page, "Repeat rate")) == ("0", "–", "–")


def test_numbers_and_dates_are_the_readers(shop: Path, open_page: Callable) -> None:
    page = ready(open_page(shop, locale="de-DE"))
    revenue = sum(row["revenue"] for row in ROWS if row["revenue"] is not None)
    german = f"{revenue:,.2f}".translate(str.maketrans(",.", ".,"))
    assert tile(page, "Revenue") == f"${german}"
    assert tile(page, "Repeat rate").endswith("\u00a0%")
    assert "Okt. 2026 (so far)" in page.locator("select[name=date] option").all_inner_texts()


def test_without_scripts_and_on_paper_the_report_is_unfiltered(shop: Path, open_page: Callable) -> None:
    plain = open_page(shop, javascript=False)
    assert not plain.locator("form.filters").is_visible()
    assert plain.locator("#by_day svg").count() == 1
    assert not plain.locator(".unfollowed").first.is_visible()
    page = ready(open_page(shop, locale="en-US"))
    choose(page, "country", "DE")
    page.emulate_media(media="print")
    assert not page.locator("form.filters").is_visible()
    assert not page.locator("#by_day .drawing.live").is_visible()
    assert page.locator("#by_day .drawing.still").is_visible()
    shown = page.locator("#totals .value:not(.live)").all_inner_texts()
    assert shown[0] == str(len(ROWS))
    assert page.locator(".on-paper").inner_text() == "Without the filters of the screen (Country: DE)."


def test_the_page_fits_its_window_in_every_look(shop: Path, open_page: Callable, look: Look) -> None:
    page = ready(open_page(f"{shop.as_uri()}#date=last_90_days", look))
    assert not too_wide(page)
    for drawing in page.locator(".drawing.live svg").all():
        box, view = drawing.bounding_box(), drawing.get_attribute("viewBox")
        assert box is not None
        assert abs(box["width"] - float(str(view).split()[2])) < 2  # drawn for this width, not enlarged


def test_drawings_grow_with_the_window(page: Any) -> None:
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_timeout(200)
    wide = page.locator("#by_day .drawing.live svg").get_attribute("viewBox")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(200)
    assert page.locator("#by_day .drawing.live svg").get_attribute("viewBox") != wide
    assert not too_wide(page)


def test_a_filter_may_begin_with_a_choice(tmp_path: Path, open_page: Callable) -> None:
    report = REPORT.replace("column: ordered_on}", "column: ordered_on, default: latest_month}", 1)
    report = report.replace("column: country}", "column: country, default: US}", 1)
    page = ready(open_page(write_shop(tmp_path, ROWS, report), locale="en-US"))
    kept = [
        r for r in ROWS if r["country"] == "US" and r["ordered_on"] and r["ordered_on"] >= date(2026, 10, 1)
    ]
    assert tile(page, "Orders") == str(len(kept))
    assert "#" not in page.url
    choose(page, "country", "All")
    assert page.url.endswith("#country.is=all")
    choose(page, "country", "US")
    assert not re.search("#.", page.url)
