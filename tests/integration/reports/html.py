"""A page read back: what a browser would show of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def every(self, tag: str, css_class: str | None = None) -> list[Element]:
        """All elements below with this tag, and this class where given."""
        found = [element for child in self.children for element in child.every(tag, css_class)]
        fits = self.tag == tag and (
            css_class is None or css_class in self.attributes.get("class", "").split()
        )
        return [self, *found] if fits else found

    @property
    def words(self) -> str:
        """All text below, blanks made one."""
        parts = [self.text, *(child.words for child in self.children)]
        return re.sub(r"\s+", " ", " ".join(part for part in parts if part)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.top = Element("", {})
        self.open = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def read_page(html: str) -> Element:
    """The page as a tree; every element must be closed in its turn."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.top], reader.open[-1].tag
    return reader.top


def block(page: Element, name: str) -> Element:
    (found,) = [section for section in page.every("section") if section.attributes["id"] == name]
    return found


def tiles(page: Element, name: str) -> dict[str, str]:
    """Label to value of the figures of a block."""
    return {
        tile.every("dt")[0].words: tile.every("dd", "value")[0].words
        for tile in block(page, name).every("div", "tile")
    }


def rows(page: Element, name: str) -> list[list[str]]:
    """The cells of a block's table, its headings first."""
    table = block(page, name).every("table")[0]
    return [[cell.words for cell in line.every("th") + line.every("td")] for line in table.every("tr")]
