"""What the parts of a report say about each other: queries that are there, blocks that can be exported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.chart_checks import check_change, check_chart
from pipeline_cli.manifest.filter_checks import check_filters
from pipeline_cli.manifest.findings import Findings, did_you_mean, nearest, quoted
from pipeline_cli.manifest.nodes import Broken, Entry, Node, Scalar, Sequence, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode

if TYPE_CHECKING:
    from pipeline_cli.manifest.interpolate import Variables

_COMMENTS = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(
    r"""e'(?:[^'\\]|\\.|'')*'|'[^']*'|"[^"]*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/""",
    re.DOTALL | re.IGNORECASE,
)
_SELECT = re.compile(r"\(*\s*(select|with)\b", re.IGNORECASE)
_ASKS = ("query", "sql")
_ONE_OF_TWO = "Write query: and one of the report's queries, or sql: and a SELECT."


class ReportReferences:
    """The checks within each report, on its nodes, so that all mistakes are told at once."""

    def __init__(self, findings: Findings, variables: Variables) -> None:
        self.findings = findings
        self.variables = variables

    def check(self, reports: Mapping[str, Entry]) -> None:
        for entry in reports.values():
            self._check_report(entry.value)

    def _check_report(self, report: Node) -> None:
        queries, blocks = child(report, "queries"), child(report, "blocks")
        names = tuple(queries.entries) if isinstance(queries, MappingNode) else ()
        self._check_sql(child(report, "as_of"))
        for entry in queries.entries.values() if isinstance(queries, MappingNode) else ():
            self._check_sql(entry.value)
        if not isinstance(blocks, MappingNode):
            return
        if not blocks.entries:
            self._refuse(blocks.owner or blocks, "a report needs at least one block.", None)
        for entry in blocks.entries.values():
            self._check_block(entry, names)
            check_chart(entry, self._type(entry), self.findings)
            figures = child(entry.value, "figures")
            for figure in figures.entries.values() if isinstance(figures, MappingNode) else ():
                check_change(figure, report, self.findings)
        check_filters(report, self.findings)
        self._check_exports(child(report, "exports"), blocks)

    def _check_block(self, block: Entry, queries: tuple[str, ...]) -> None:
        if not isinstance(block.value, MappingNode) or self._type(block) == "text":
            return
        asks = self._check_asking(block, queries)
        figures = child(block.value, "figures")
        if not isinstance(figures, MappingNode):
            known = asks or isinstance(figures, Broken) or self._type(block) == "figures"
            if not known and not _is_misspelt(block):
                self._refuse(block.key, f"{quoted(block.key.text)} has no query.", _ONE_OF_TWO)
            return
        if not figures.entries:
            self._refuse(figures.owner or figures, "figures needs at least one figure.", None)
        for figure in figures.entries.values():
            if not self._check_asking(figure, queries) and not asks and not _is_misspelt(block, figure):
                message = f"the figure {quoted(figure.key.text)} has no query, and neither has its block."
                self._refuse(figure.key, message, _ONE_OF_TWO)

    def _check_asking(self, entry: Entry, queries: tuple[str, ...]) -> bool:
        """Whether a block or figure names a query; what it names is checked."""
        if not isinstance(entry.value, MappingNode):
            return False
        given = [entry.value.entries[key] for key in _ASKS if key in entry.value.entries]
        if len(given) > 1:
            message = f"{quoted(entry.key.text)} has both query and sql."
            self._refuse(given[1].key, message, "Keep one of them.")
        self._check_sql(child(entry.value, "sql"))
        named = child(entry.value, "query")
        name = self._text(named)
        if isinstance(named, Scalar) and name is not None and name not in queries:
            hint = did_you_mean(name, queries, what="The report's queries are")
            if _SELECT.match(name):
                hint = "Write sql: instead of query: for a SELECT of the block's own."
            self.findings.add(
                codes.UNKNOWN_NAME, named, f"{quoted(name)} is not one of the report's queries.", hint
            )
        return bool(given)

    def _check_sql(self, node: Node | None) -> None:
        text = self._text(node)
        if node is None or text is None:
            return
        bare = text
        while not _SELECT.match(bare) and (comment := _COMMENTS.match(bare)) is not None:
            bare = bare[comment.end() :]
        if not _SELECT.match(bare):
            message = f"a report's query must be a SELECT, and this begins with {quoted(bare[:20])}."
            self.findings.add(codes.WRONG_VALUE, node, message, "Begin with SELECT or WITH.")
        elif ";" in _QUOTED.sub("''", text.strip().rstrip(";")):
            message = "a report's query must be one SELECT, and there is a semicolon within it."
            self.findings.add(codes.WRONG_VALUE, node, message, "Keep what stands before the semicolon.")

    def _check_exports(self, exports: Node | None, blocks: MappingNode) -> None:
        items: list[Node | None] = list(exports.items) if isinstance(exports, Sequence) else [exports]
        data = tuple(name for name, block in blocks.entries.items() if self._type(block) != "text")
        for item in items:
            name = self._text(item)
            if isinstance(item, Scalar) and name and name not in data:
                what = (
                    "a text, and has no rows" if name in blocks.entries else "not one of the report's blocks"
                )
                hint = did_you_mean(name, data, what="Blocks with rows are")
                self.findings.add(codes.UNKNOWN_NAME, item, f"{quoted(name)} is {what}.", hint)

    def _type(self, block: Entry) -> str | None:
        return self._text(child(block.value, "type"))

    def _text(self, node: Node | None) -> str | None:
        """The scalar's text with its variables; None where there is no scalar, or nothing in it."""
        return self.variables.fill(node.text).text or None if isinstance(node, Scalar) else None

    def _refuse(self, place: Node, message: str, hint: str | None) -> None:
        self.findings.add(codes.BAD_REPORT, place, message, hint)


def _is_misspelt(*entries: Entry) -> bool:
    """Whether one of them has a key that was meant to be `query`: that is told already."""
    maps = [entry.value for entry in entries if isinstance(entry.value, MappingNode)]
    return any(nearest(key, ["query"]) for node in maps for key in node.entries)
