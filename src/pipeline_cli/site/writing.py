"""The site from its facts to its folder: every page, the reports and dbt's documentation, exchanged whole.

.pipeline/<environment>/site/
    20261121T090000-3f9c2a/     one edition
    latest -> 2026…             the newest: index.html in it is the overview
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import escape

from pipeline_cli.document import format_time
from pipeline_cli.ledger import Ledger, new_run_id
from pipeline_cli.locks import hold_lock
from pipeline_cli.project import Project
from pipeline_cli.reports import editions
from pipeline_cli.reports.editions import Edition
from pipeline_cli.site import places
from pipeline_cli.site.facts import ReportFacts, SiteFacts, gather
from pipeline_cli.site.pages import Page, make_pages

KEPT = 2  # someone may still be reading the one before


@dataclass(frozen=True, slots=True)
class Site:
    """What was written.

    is_new: False where the site would come out as it was. is_stale: what is in the warehouse is from before.
    notes: what people should know, that included.
    """

    folder: Path
    pages: int
    is_new: bool
    is_stale: bool
    notes: Sequence[str]

    @property
    def index(self) -> Path:
        return self.folder / places.INDEX


def site_home(project: Project) -> Path:
    return project.state_dir / "site"


def write_site(project: Project, ledger: Ledger) -> Site:
    """Write the site, unless it is as it was.

    Raises ReportError where it cannot be written, Busy where another process is writing it.
    """
    home = site_home(project)
    with hold_lock(project.state_dir / "locks" / "site.lock", "the site", "site"):
        facts = gather(project, ledger)
        pages = make_pages(facts)
        fingerprint = _take_fingerprint(facts, pages)
        before = editions.latest(home, "site")
        is_new = before is None or before.fingerprint != fingerprint
        if is_new:
            with editions.workplace(home) as folder:
                _write(folder, facts, pages)
                files = [page.path for page in pages]
                edition = Edition("site", home, new_run_id(), files, fingerprint)
                editions.publish(folder, edition, {"made_at": format_time(facts.made_at)}, KEPT)
    found = facts.collected
    return Site(home / editions.LATEST, len(pages), is_new, found.is_stale, found.notes)


def _write(folder: Path, facts: SiteFacts, pages: Sequence[Page]) -> None:
    for page in pages:
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.html, encoding="utf-8", errors="backslashreplace")
    for report in facts.reports:
        _take_report(folder, facts, report)
    for transform, docs in facts.docs.items():
        _take_file(docs, folder / places.docs_page(transform))
    versions = {"pages": {page.path: page.version for page in pages}}
    (folder / places.VERSIONS).write_text(json.dumps(versions), encoding="utf-8")


def _take_report(folder: Path, facts: SiteFacts, report: ReportFacts) -> None:
    """The newest edition's files; its page gets a way back."""
    edition = report.edition
    if edition is None:
        return
    target = folder / places.report_folder(report.name)
    target.mkdir(parents=True, exist_ok=True)
    for name in edition.files:
        source = edition.home / edition.id / name
        if name.endswith(".html"):
            html = source.read_text(encoding="utf-8")
            (target / name).write_text(_with_way_back(html, facts.project.manifest.name), encoding="utf-8")
        else:
            _take_file(source, target / name)


def _with_way_back(html: str, name: str) -> str:
    """A link to the site above the report. The page is ours, and has one <main>."""
    link = (
        '<p class="eyebrow" style="margin-bottom:12px"><a style="color:inherit" href="../../index.html">'
        f"‹ {escape(name)}</a></p>"
    )
    return html.replace("<main>", f"<main>\n{link}", 1)


def _take_file(source: Path, target: Path) -> None:
    """The same file under another name; a copy where that cannot be. Editions never change."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _take_fingerprint(facts: SiteFacts, pages: Sequence[Page]) -> str:
    digest = hashlib.sha256()
    for page in pages:
        digest.update(json.dumps([page.path, page.version]).encode())
    for report in facts.reports:
        digest.update(json.dumps([report.name, report.edition.id if report.edition else None]).encode())
    for transform, docs in facts.docs.items():
        digest.update(json.dumps([transform, docs.stat().st_mtime_ns]).encode())
    return digest.hexdigest()
