"""The site's pages as HTML, by the path of each. Every value is escaped; pictures are markup that drawing.py made."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from pipeline_cli.lineage.graph import Column, Relation
from pipeline_cli.reports.values import write_moment
from pipeline_cli.secrets import mask
from pipeline_cli.site import places
from pipeline_cli.site.facts import SiteFacts
from pipeline_cli.site.views import Views

# Put in when the page is made: what changes with every writing must not make a page another.
_WORD_END = re.compile(r"([._:])(?=\w)")
VERSION, MADE_AT = "@@version@@", "@@made-at@@"


@dataclass(frozen=True, slots=True)
class Page:
    """version: a hash of what it shows; it is the same as long as only the time of writing differs."""

    path: str
    html: str
    version: str


def make_pages(facts: SiteFacts) -> list[Page]:
    """Every page, the overview first."""
    views = Views(facts)
    return [
        _finish(facts, path, _render(views, path, template, more)) for path, template, more in _list(views)
    ]


def _list(views: Views) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(path, template, what it needs besides) of every page."""
    facts, lineage = views.facts, views.lineage
    yield places.INDEX, "index.html.j2", {"section": places.INDEX}
    for pipeline in facts.pipelines:
        more = {"section": places.INDEX, "pipeline": pipeline}
        yield places.pipeline_page(pipeline.name), "pipeline.html.j2", more
    yield places.REPORTS, "reports.html.j2", {"section": places.REPORTS}
    yield places.TABLES, "tables.html.j2", {"section": places.TABLES}
    yield places.LINEAGE, "lineage.html.j2", {"section": places.LINEAGE}
    yield places.QUARANTINE, "quarantine.html.j2", {"section": places.QUARANTINE}
    for relation in lineage.relations.values():
        section = places.REPORTS if relation.kind == "report" else places.TABLES
        more = {"section": section, "relation": relation}
        yield places.relation_page(relation), "relation.html.j2", more


def _render(views: Views, path: str, template: str, more: Mapping[str, Any]) -> str:
    root = "../" * path.count("/")

    def href(relation: Relation, row: str | None = None) -> str:
        page = root + places.relation_page(relation)
        return page if row is None else f"{page}#{places.anchor(row)}"

    def column_href(column: Column) -> str:
        return root + places.column_place(views.lineage, column)

    script = _script()
    html: str = (
        _environment()
        .get_template(template)
        .render(
            views=views,
            facts=views.facts,
            project=views.facts.project,
            lineage=views.lineage,
            places=places,
            path=path,
            root=root,
            href=href,
            column_href=column_href,
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=_hash(script),
            version=VERSION,
            made_at=MADE_AT,
            **more,
        )
    )
    return html


def _finish(facts: SiteFacts, path: str, html: str) -> Page:
    masked = mask(html, facts.project.secrets)
    version = hashlib.sha256(masked.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    made_at = f"{write_moment(facts.made_at)} UTC"
    return Page(path, masked.replace(VERSION, version).replace(MADE_AT, made_at), version)


@cache
def _script() -> str:
    return files("pipeline_cli.site").joinpath("templates", "site.js").read_text(encoding="utf-8")


@cache
def _hash(script: str) -> str:
    """What the page's Content-Security-Policy lets run: this script, byte for byte, and no other."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def _environment() -> Any:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("pipeline_cli.site"), PackageLoader("pipeline_cli.reports")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    environment.filters["moment_or_day"] = _moment_or_day
    environment.filters["number"] = "{:,}".format
    environment.filters["took"] = _took
    environment.filters["breakable"] = _breakable
    return environment


def _moment(value: datetime | str | None) -> str:
    """'21 Nov 2026, 09:00 UTC'."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return f"{write_moment(value)} UTC" if value else "never"


def _moment_or_day(value: str) -> str:
    """A moment; of midnight the day alone, for data that go by days."""
    return _moment(value).removesuffix(", 00:00 UTC")


def _breakable(name: str) -> Markup:
    """A name that a narrow column may break where its words end."""
    return Markup(_WORD_END.sub(r"\1<wbr>", str(escape(name))))  # noqa: S704 - escaped before


def _took(seconds: float | None) -> str:
    """'3.1 s', '4 min 12 s'; nothing while it lasts."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:,.0f} min {seconds % 60:.0f} s"
