"""The ranges that a faker source's columns draw from: two ends, the smaller one first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.faker_columns import ColumnNode, TableNode, TextOf, items, number
from pipeline_cli.manifest.faker_values import parse_moment
from pipeline_cli.manifest.findings import Findings, quoted
from pipeline_cli.manifest.nodes import Node, Scalar, Sequence, child
from pipeline_cli.manifest.scalars import parse_duration

_MOST_DIGITS = 18  # of a decimal: what 64 bits hold
_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LARGEST = 2**63 - 1


class RangeChecks:
    """The checks of ranges. reference: what "today" and "-30d" are counted from, None where that is wrong."""

    def __init__(self, text: TextOf, findings: Findings, reference: datetime | None) -> None:
        self.text = text
        self.findings = findings
        self.reference = reference

    def _refuse(
        self, node: Node, message: str, hint: str | None = None, code: str = codes.WRONG_VALUE
    ) -> None:
        self.findings.add(code, node, message, hint)

    def check_sequences(self, tables: Iterable[TableNode]) -> None:
        """Record sequences that stand still, or run out of numbers."""
        for table in tables:
            for column in table.columns.values():
                step = number(child(column.value, "step"), self.text) if column.kind == "sequence" else 1
                start = number(child(column.value, "start"), self.text) or 0
                if step == 0:
                    message = "step is 0: every row would have the same number."
                    self._refuse(child(column.value, "step") or column.value, message)
                elif abs(start + (step or 1) * (table.rows or 0)) > _LARGEST:
                    self._refuse(column.value, "this sequence runs out of 64 bits.", "Begin lower.")

    def check(self, kind: str, column: ColumnNode) -> int | None:
        """Check one range; how many different values it holds, None for any number or where it is wrong."""
        nodes = self._pair(column.value, kind)
        ends = [self._end(node, kind) for node in nodes]
        if kind == "decimal":
            ends = self._check_places(nodes, ends, column)
        if len(ends) != 2 or None in ends:
            return None
        low, high = ends
        if low > high:
            shown = " is more than ".join(quoted(self.text(node) or "") for node in nodes)
            self._refuse(nodes[0], f"{kind}: {shown}.", "Write the smaller one first.")
            return None
        if kind == "double":
            return None
        unit = {"date": _DAY, "timestamp": _SECOND}.get(kind, 1)
        size = int((high - low) // unit) + 1
        if size > _LARGEST:
            self._refuse(nodes[0], f"{kind}: the range is wider than 64 bits.", "Narrow it.")
        return size

    def _pair(self, value: Node, kind: str) -> list[Node]:
        nodes = list(items(value))
        if len(nodes) != 2 and isinstance(value, (Scalar, Sequence)):
            self._refuse(value, f"{kind} needs two values: the smallest and the largest.", f"{kind}: [1, 50]")
            return []
        return nodes

    def _end(self, node: Node, kind: str) -> Any:
        said = self.text(node)
        if kind not in ("date", "timestamp"):
            found = number(node, self.text)
            if isinstance(found, int) and abs(found) > _LARGEST:
                self._refuse(node, f"{kind}: {quoted(said or '')} does not fit into 64 bits.")
                return None
            return found
        if said is None or self.reference is None:
            return None
        moment = parse_moment(said, self.reference)
        if moment is None:
            hint = "Write 2025-01-31, 2025-01-31T12:00:00, today, or a time from reference_date: -30d, +2w."
            self._refuse(node, f"{kind}: {quoted(said)} is not a time.", hint)
        return moment

    def _check_places(self, nodes: list[Node], ends: list[Any], column: ColumnNode) -> list[Any]:
        """The ends in units of the last place."""
        places = number(column.setting("places"), self.text)
        scale = places if isinstance(places, int) else 2
        scaled = []
        for node, end in zip(nodes, ends, strict=True):
            try:
                found = Decimal(str(end)).scaleb(scale) if end is not None else None
            except InvalidOperation:
                found = None
            if found is not None and (abs(found) >= 10**_MOST_DIGITS or scale > _MOST_DIGITS):
                self._refuse(node, f"decimal takes {_MOST_DIGITS} digits, its places among them.")
                found = None
            elif found is not None and found != found.to_integral_value():
                self._refuse(
                    node, f"{quoted(self.text(node) or '')} has more than {scale} places.", "Raise places."
                )
                found = None
            scaled.append(found)
        return scaled

    def check_delay(self, column: ColumnNode) -> None:
        """Check the delay that a column of the kind after must have."""
        value = column.setting("delay")
        if value is None:
            hint = "delay: [10m, 14d]"
            return self._refuse(column.key, "after needs the key delay.", hint, codes.MISSING_KEY)
        nodes = self._pair(value, "delay")
        ends = [parse_duration(self.text(node) or "") for node in nodes]
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
            self._refuse(
                nodes[0], "delay: the first is longer than the second.", "Write the shorter one first."
            )
        return None
