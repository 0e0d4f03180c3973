"""PDF and PNG of a report, and PNG of one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.blocks import View
from pipeline_cli.reports.charts.letters import text_width, wrap
from pipeline_cli.reports.live import tell_unfiltered
from pipeline_cli.reports.page import Facts, nothing_yet
from pipeline_cli.reports.paper.cards import make_card
from pipeline_cli.reports.paper.layout import GAP, fill_pages, lay_rows
from pipeline_cli.reports.paper.pen import (
    QUIET_INK,
    TEXT_INK,
    TITLE_INK,
    Style,
    draw_line,
    make_sheet,
    place,
    write,
    write_lines,
)

WIDTH, HEIGHT = 794.0, 1123.0  # A4 at 96 pixels an inch
POINTS = 0.75  # of a pixel in a PDF
MARGIN, FOOT = 44.0, 58.0
PICTURE_WIDTH = 640.0  # of one block, as wide as a mail
SHARPNESS = 2.0  # pixels of a picture for each of ours
_TITLE, _SMALL = Style(24, TITLE_INK, bold=True), Style(10, QUIET_INK)
_LEAD, _FACT = Style(12.5, TEXT_INK), Style(10, TEXT_INK)


@dataclass(frozen=True, slots=True)
class Printout:
    """A report that is ready to be printed."""

    report: Report
    facts: Facts
    views: Sequence[View]

    def make_pdf(self) -> bytes:
        """The whole report on A4."""
        from pypdf import PdfWriter
        from vl_convert import svg_to_pdf

        head, used = self._head()
        rows = lay_rows(self.views, self.report.columns, WIDTH - 2 * MARGIN, "p")
        room = HEIGHT - MARGIN - FOOT
        pages = list(fill_pages(rows, room - used, room)) or [""]
        writer = PdfWriter()
        for number, content in enumerate(pages, start=1):
            top = used if number == 1 else 0.0
            body = (head if number == 1 else "") + place(MARGIN, MARGIN + top, content)
            sheet = make_sheet(WIDTH, HEIGHT, body + self._foot(number, len(pages)), POINTS)
            writer.append(BytesIO(svg_to_pdf(sheet)))
        writer.add_metadata({"/Title": self.report.title, "/Creator": "pipeline-cli"})
        writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
        found = BytesIO()
        writer.write(found)
        return found.getvalue()

    def make_png(self) -> bytes:
        """The whole report as one picture, as high as it needs to be."""
        head, used = self._head()
        rows = lay_rows(self.views, self.report.columns, WIDTH - 2 * MARGIN, "p")
        (content,) = fill_pages(rows, float("inf"), float("inf")) if rows else ("",)
        height = MARGIN + used + sum(row.height + GAP for row in rows) + MARGIN
        return _picture(make_sheet(WIDTH, height, head + place(MARGIN, MARGIN + used, content)))

    def make_block_png(self, name: str) -> bytes:
        """One block as a picture that stands for itself: with the report's title, and until when the data go."""
        view = next(view for view in self.views if view.name == name)
        card = make_card(view, PICTURE_WIDTH - 2 * GAP, "p")
        told = dict(self.facts.lines)
        of = (
            f"{self.report.title} · data as of {told['Data as of']}"
            if "Data as of" in told
            else self.report.title
        )
        of += f" · {self._shown}" if self._shown else ""
        height = GAP + card.height + 26
        content = place(GAP, GAP, card.draw(card.height)) + write(GAP + 2, height - 8, of, _SMALL)
        return _picture(make_sheet(PICTURE_WIDTH, height, content))

    def _head(self) -> tuple[str, float]:
        """The report's title, what it is for and what is known of its data; and the pixels that takes."""
        width = WIDTH - 2 * MARGIN
        place_ = " / ".join([self.facts.project, *self.facts.pipelines])
        titles = wrap(self.report.title, width, _TITLE.size, bold=True)
        parts = [write(0, 9, place_, _SMALL), write_lines(0, 38, titles, _TITLE, 28)]
        y = 38.0 + 28 * (len(titles) - 1) + 8
        if self.report.description:
            lines = wrap(self.report.description, min(width, 560), _LEAD.size)
            parts.append(write_lines(0, y + 14, lines, _LEAD, 17))
            y += 17 * len(lines) + 4
        y += 10
        parts.append(draw_line(0, y, width, y))
        facts, height = self._facts(width)
        parts.append(place(0, y + 6, facts))
        y += height
        nothing = nothing_yet(self.views, self.facts)
        if nothing:
            lines = wrap(nothing, width, _LEAD.size)
            parts.append(write_lines(0, y + 34, lines, _LEAD, 17))
            y += 20 + 17 * len(lines)
        return place(MARGIN, MARGIN, "".join(parts)), y + 20

    @property
    def _shown(self) -> str:
        """Of a report with filters: that none of them is applied, not even by default."""
        return tell_unfiltered(self.report).capitalize() if self.report.filters else ""

    def _facts(self, width: float) -> tuple[str, float]:
        parts, x, y = [], 0.0, 12.0
        shown = [("Shown", self._shown)] if self._shown else []
        for label, value in [*self.facts.lines, *shown]:
            first = text_width(label, _SMALL.size) + 5
            room = first + text_width(value, _FACT.size)
            if x and x + room > width:
                x, y = 0.0, y + 15
            parts += [write(x, y, label, _SMALL), write(x + first, y, value, _FACT)]
            x += room + 22
        return "".join(parts), y

    def _foot(self, number: int, count: int) -> str:
        y = HEIGHT - 28
        made = f"{self.report.title} · made by pipeline-cli on {dict(self.facts.lines)['Made']}"
        page = write(WIDTH - MARGIN, y, f"Page {number} of {count}", Style(10, QUIET_INK, anchor="end"))
        return write(MARGIN, y, made, _SMALL) + page


def _picture(sheet: str) -> bytes:
    from vl_convert import svg_to_png

    data: bytes = svg_to_png(sheet, scale=SHARPNESS)
    return data
