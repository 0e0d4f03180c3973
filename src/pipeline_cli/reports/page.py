"""The page: one HTML file with its style and drawings in it, and its script where it has filters; nothing from
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.blocks import View, is_blank
from pipeline_cli.reports.charts.palette import DARK, pattern_definitions, pattern_id
from pipeline_cli.reports.live import LivePage
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.script import LOADER, content_policy, script_text
from pipeline_cli.reports.values import write_moment

PAGE_WIDTH = 1120  # of the page's text, in pixels, as report.css has it
GAP, INNER = 20, 44
WIDEST = 900
PHONE_WIDTH = 330
SHORT = 110  # pixels of bars that do not fill a card as high as its neighbour
MOST_DATA_ROWS = 200  # of a chart, in the table below it


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says of itself. Times are UTC."""

    project: str
    environment: str
    pipelines: Sequence[str]
    made_at: datetime
    run_id: str | None
    as_of: AsOf | None
    loaded_at: datetime | None

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Label and value of each, for people."""
        found = [("Made", f"{write_moment(self.made_at)} UTC")]
        if self.as_of is not None:
            day = write_moment(self.as_of.moment, "date")
            found.append(
                ("Data as of", day if self.as_of.is_day else f"{write_moment(self.as_of.moment)} UTC")
            )
        if self.loaded_at is not None:
            found.append(("Loaded", f"{write_moment(self.loaded_at)} UTC"))
        found.append(("Run", self.run_id or "none"))
        return [*found, ("Environment", self.environment)]


def nothing_yet(views: Sequence[View], facts: Facts) -> str:
    """What a report without any data says, and what would bring some; nothing where there are data."""
    if not is_blank(views):
        return ""
    runs = " and ".join(f"pipeline-cli run {name}" for name in facts.pipelines)
    return "There are no data yet." + (f" They come with: {runs}" if runs else "")


def width_of(span: int, columns: int) -> int:
    """Pixels that a drawing has in a block of `span` of the page's `columns`."""
    column = (PAGE_WIDTH - GAP * (columns - 1)) / columns
    # A wider drawing would have letters too small to read once a tablet or a sheet of paper makes it smaller.
    return min(int(column * span + GAP * (span - 1) - INNER), WIDEST)


def render_page(report: Report, facts: Facts, views: Sequence[View], live: LivePage | None = None) -> str:
    """The page as HTML. Every value is escaped; drawings are markup that drawing.py made.

    live: what the script filters; without it the page has no script.
    """
    from markupsafe import Markup

    style = _environment().get_template("style.css.j2").render(dark=DARK)
    scripts = [LOADER, script_text()] if live else []
    drawings = {
        view.name: {name: Markup(svg) for name, svg in view.drawings.items()}  # noqa: S704 - made by drawing.py
        for view in views
    }
    template = _environment().get_template("report.html.j2")
    page: str = template.render(
        report=report,
        facts=facts,
        views=views,
        nothing=nothing_yet(views, facts),
        drawings=drawings,
        policy=content_policy(style, scripts),
        style=Markup(style),  # noqa: S704 - a file of ours
        loader=Markup(LOADER),  # noqa: S704 - ours
        live=live,
        shapes={view.name: _shape(view) for view in views},
        patterns=Markup(pattern_definitions()) if live or any(map(_has_patterns, views)) else "",  # noqa: S704
        most_data_rows=MOST_DATA_ROWS,
    )
    return page


def _shape(view: View) -> str:
    """Classes of a chart whose bars lie: beside a high block it stays at the top, and as low as a few bars are."""
    from pipeline_cli.reports.charts.bars import lying_height
    from pipeline_cli.reports.charts.spec import is_lying

    if view.chart is None or view.series is None or view.is_empty or not is_lying(view.chart, view.series):
        return ""
    is_short = lying_height(view.series, view.chart.type == "stacked_bar") <= SHORT
    return " lying short" if is_short else " lying"


def _has_patterns(view: View) -> bool:
    return any(f"url(#{pattern_id(1)})" in svg for svg in view.drawings.values())


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("pipeline_cli.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
