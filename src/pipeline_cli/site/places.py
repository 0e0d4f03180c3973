"""Where each page of the site stands, relative to its folder."""

from __future__ import annotations

import re
from hashlib import sha256

from pipeline_cli.lineage.graph import ROWS, Column, Lineage, Relation
from pipeline_cli.site.diagrams import row_of

INDEX, REPORTS, TABLES, LINEAGE, QUARANTINE = (
    f"{name}.html" for name in ("index", "reports", "tables", "lineage", "quarantine")
)
VERSIONS = "version.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def pipeline_page(name: str) -> str:
    return f"pipelines/{name}.html"


def report_folder(name: str) -> str:
    return f"reports/{name}"


def docs_page(transform: str) -> str:
    """dbt's own documentation of a transform."""
    return f"dbt/{transform}.html"


def relation_page(relation: Relation) -> str:
    """The page about a table, a source's resource or a report."""
    if relation.kind == "report":
        return f"{report_folder(relation.name)}/index.html"
    prefix = "source." if relation.kind == "source" else ""
    return f"tables/{prefix}{_safe(relation.schema)}.{_safe(relation.name)}.html"


def column_place(lineage: Lineage, column: Column) -> str:
    """The place on its table's page where a column is told of; of counted rows, the page."""
    page = relation_page(lineage.relations[column.relation])
    return page if column.name == ROWS else f"{page}#{anchor(row_of(lineage, column))}"


def anchor(row: str) -> str:
    return f"column-{_safe(row)}"


def _safe(name: str) -> str:
    """A name that is a file's, and an anchor's, everywhere; two names never become one."""
    safe = _UNSAFE.sub("-", name)
    return safe if safe == name else f"{safe}~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
