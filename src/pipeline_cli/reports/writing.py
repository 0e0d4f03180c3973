"""A report from its queries to its files: read everything in one snapshot, draw, write, and only then show it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import format_time
from pipeline_cli.manifest.reports import Report
from pipeline_cli.project import Project
from pipeline_cli.reports import editions
from pipeline_cli.reports.blocks import Tile, View
from pipeline_cli.reports.editions import Edition
from pipeline_cli.reports.live import LivePage
from pipeline_cli.reports.locales import written_in
from pipeline_cli.reports.reading import Reader, Reading
from pipeline_cli.reports.results import Results

if TYPE_CHECKING:
    from pipeline_cli.reports.page import Facts
    from pipeline_cli.reports.periods import AsOf

# What a page looks like is part of it: a new pipeline-cli or vl-convert draws it anew.
_DRAWN_BY = ("pipeline-cli", "vl-convert-python", "jinja2")


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What to write, and what is known of the data.

    edition_id: the new edition's folder. run_id: the run whose data they are. loaded_at: the newest load.
    pipelines: those that have the report. built: (pipeline, transform, the run that built it last).
    """

    project: Project
    warehouse: Warehouse
    name: str
    edition_id: str
    run_id: str | None
    made_at: datetime
    loaded_at: datetime | None
    pipelines: Sequence[str] = ()
    built: Sequence[tuple[str, str, str | None]] = ()

    @property
    def report(self) -> Report:
        return self.project.manifest.reports[self.name]


@dataclass(frozen=True, slots=True)
class Print:
    """What is printed beside the page: the whole report as PDF or PNG, or one block as PNG."""

    format: Literal["pdf", "png"]
    block: str | None = None

    def file_name(self, report: str) -> str:
        return f"{report}.{self.block}.{self.format}" if self.block else f"{report}.{self.format}"


def write_report(request: ReportRequest, *, anew: bool = False, prints: Sequence[Print] = ()) -> Edition:
    """Write an edition of the report; the one before it where that would come out the same.

    It would where the report's definition, its data, and what its pipelines' transforms have built are as they
    were. anew: write one in any case.
    Raises ReportError, which names the block and has the database's words; nothing is left of the attempt.
    Memory: at most 10,000 rows a query (35,000 of one that is aggregated), and one batch of an export.
    """
    home = editions.home_of(request.project.state_dir, request.name)
    before = None if anew else editions.latest(home, request.name)
    with editions.workplace(home) as folder, written_in(request.report.locale):
        reader = Reader(request.name, request.report, request.made_at, _hint(request))
        reading = reader.read(request.project, request.warehouse, folder)
        as_of, views = reading.as_of, reading.views
        fingerprint = _take_fingerprint(request, views, reading.results, folder)
        if before is not None and before.fingerprint == fingerprint:
            return before
        page = folder / f"{request.name}.html"
        _draw(views, request.report)
        page.write_text(_lay_out(request, reading), encoding="utf-8")
        for each in prints:
            (folder / each.file_name(request.name)).write_bytes(_print(request, reading, each))
        files = [page.name, *(view.csv for view in views if view.csv)]
        files += [each.file_name(request.name) for each in prints]
        edition = Edition(request.name, home, request.edition_id, files, fingerprint)
        return editions.publish(folder, edition, _about(request, as_of, views), request.report.keep)


def _take_fingerprint(request: ReportRequest, views: Sequence[View], results: Results, folder: Path) -> str:
    digest = hashlib.sha256()
    parts = [
        repr(request.report),
        repr(sorted(request.built, key=repr)),
        [request.warehouse.type, request.warehouse.location],
        [version(package) for package in _DRAWN_BY],
        [[sql, repr(rows)] for sql, rows in results.asked.items()],
        [repr(view.series.unfinished) if view.series else repr(view.rows) for view in views],
    ]
    digest.update(json.dumps(parts).encode("utf-8", "surrogatepass"))
    for view in views:
        if view.csv:
            with (folder / view.csv).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _draw(views: Sequence[View], report: Report) -> None:
    """Each chart twice: as wide as its place on a screen, and as a phone."""
    if any(view.series and not view.is_empty for view in views):
        from pipeline_cli.reports.charts.drawing import Canvas, draw_chart
        from pipeline_cli.reports.page import PHONE_WIDTH, width_of

        for number, view in enumerate(views):
            if view.series is None or view.chart is None or view.is_empty:
                continue
            wide = width_of(view.span, report.columns)
            # With filters a screen has the script's drawings; these are for paper and where no script runs.
            if report.filters:
                canvas = Canvas(wide, f"p{number}-", view.label, hover=False)
                view.drawings = {"paper": draw_chart(view.chart, view.series, canvas)}
                continue
            widths = {"wide": wide, "narrow": PHONE_WIDTH} if wide > 1.2 * PHONE_WIDTH else {"only": wide}
            for name, width in widths.items():
                canvas = Canvas(width, f"{name[0]}{number}-", view.label, hover=name != "narrow")
                view.drawings = {**view.drawings, name: draw_chart(view.chart, view.series, canvas)}


def _lay_out(request: ReportRequest, reading: Reading) -> str:
    from pipeline_cli.reports.page import render_page

    live = (
        LivePage(request.report, reading, reading.views, request.made_at) if request.report.filters else None
    )
    return render_page(request.report, _facts(request, reading), reading.views, live)


def _print(request: ReportRequest, reading: Reading, wanted: Print) -> bytes:
    from pipeline_cli.reports.paper.printing import Printout

    printout = Printout(request.report, _facts(request, reading), reading.views)
    if wanted.block is not None:
        return printout.make_block_png(wanted.block)
    return printout.make_pdf() if wanted.format == "pdf" else printout.make_png()


def _facts(request: ReportRequest, reading: Reading) -> Facts:
    from pipeline_cli.reports.page import Facts

    return Facts(
        project=request.project.manifest.name,
        environment=request.project.environment_name,
        pipelines=request.pipelines,
        made_at=request.made_at,
        run_id=request.run_id,
        as_of=reading.as_of,
        loaded_at=request.loaded_at,
    )


def _about(request: ReportRequest, as_of: AsOf | None, views: Sequence[View]) -> dict[str, Any]:
    """What edition.json says of the edition; its figures as the page has them are for mails."""
    return {
        "report": request.name,
        "run_id": request.run_id,
        "made_at": format_time(request.made_at),
        "data_as_of": format_time(as_of.moment if as_of else request.loaded_at),
        "figures": [
            [view.title, [[tile.label, tile.value.text, _describe_tile(tile)] for tile in view.tiles]]
            for view in views
            if view.tiles
        ],
    }


def _describe_tile(tile: Tile) -> str:
    """What stands below a figure: its detail, and how it changed."""
    change = f"{tile.change.arrow} {tile.change.words}" if tile.change else ""
    return ", ".join(filter(None, (tile.detail.text if tile.detail else "", change)))


def _hint(request: ReportRequest) -> str:
    file = f"reports/{request.name}.yaml"
    place = file if (request.project.root / file).is_file() else "pipelines.yaml"
    build = "".join(f"; what it reads is built by pipeline-cli run {name}" for name in request.pipelines[:1])
    return f"Correct the query in {place}, then: pipeline-cli report {request.name}{build}"
