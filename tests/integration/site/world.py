"""A site read back: its pages as trees, and where their links lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.integration.reports.html import Element, read_page


class Pages(Mapping[str, Element]):
    """Each is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._read: dict[str, Element] = {}
        self._paths = {
            name: path
            for path in sorted(folder.rglob("*.html"))
            if not (name := path.relative_to(folder).as_posix()).startswith("dbt/")
            and (not name.startswith("reports/") or path.name == "index.html")
        }

    def __getitem__(self, name: str) -> Element:
        if name not in self._read:
            html = self._paths[name].read_text(encoding="utf-8")
            self._read[name] = read_page(html.replace("<wbr>", ""))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@dataclass
class WrittenSite:
    """`folder`: the newest edition."""

    folder: Path

    @cached_property
    def pages(self) -> Pages:
        """The site's own pages, by path; not dbt's and not the reports'."""
        return Pages(self.folder)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def broken_links(self) -> list[tuple[str, str]]:
        """(page, href) of links that lead to no file, or to no place in it."""
        return [
            (name, href)
            for name, page in self.pages.items()
            for href in {link.attributes["href"] for link in page.every("a")}
            if not self._leads_somewhere(name, href)
        ]

    def _leads_somewhere(self, page: str, href: str) -> bool:
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            return False
        target = (self.folder / page).parent.joinpath(unquote(parts.path)).resolve() if parts.path else None
        name = target.relative_to(self.folder.resolve()).as_posix() if target else page
        if not (self.folder / name).is_file():
            return False
        if not parts.fragment or name not in self.pages:
            return True
        return unquote(parts.fragment) in self._anchors(name)

    def _anchors(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [self.pages[name]]
        while waiting:
            element = waiting.pop()
            found.add(element.attributes.get("id", ""))
            waiting += element.children
        return found


def section(page: Element, heading: str) -> Element:
    """The block under this heading."""
    for block in page.every("section"):
        if any(title.words.startswith(heading) for title in (*block.every("h2"), *block.every("h3"))):
            return block
    raise AssertionError(f"no block is called {heading!r}")


def rows(block: Element) -> list[list[str]]:
    """The cells of a block's first table, without its heading."""
    return [[cell.words for cell in row.every("td")] for row in block.every("tbody")[0].every("tr")]
