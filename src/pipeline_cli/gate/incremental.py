"""dlt's incremental step, which the carriers of rejected records pass by.

It looks for the cursor in whatever it is given, and fails, or drops what has none, as the source's author said: of
records, not of carriers. And it compares texts letter by letter: times of several offsets, or with and without a
fraction of a second, are compared as the moments that they are, or the later one would be dropped as the earlier.
"""

from __future__ import annotations

from typing import Any

from dlt.extract import DltResource
from dlt.extract.incremental import IncrementalResourceWrapper
from dlt.extract.incremental.transform import JsonIncremental

from pipeline_cli.gate.cursor import moment_of
from pipeline_cli.gate.records import REJECTED, received_page


class MomentText(str):
    """The text of a time, compared by its moment; with what is none, as text."""

    __slots__ = ()

    def _order(self, other: str) -> tuple[Any, Any]:
        mine, others = moment_of(self), moment_of(other)
        return (str(self), str(other)) if mine is None or others is None else (mine, others)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return False
        mine, others = self._order(other)
        return bool(mine == others)

    def __lt__(self, other: str) -> bool:
        mine, others = self._order(other)
        return bool(mine < others)

    def __gt__(self, other: str) -> bool:
        mine, others = self._order(other)
        return bool(mine > others)

    __hash__ = str.__hash__


class MomentIncremental(JsonIncremental):
    """dlt's comparison of records with the cursor, of texts that are times by their moments."""

    def find_cursor_value(self, row: Any) -> Any:
        value = super().find_cursor_value(row)
        # Texts of one length and offset are in the order of their moments: most sources have no others.
        if type(value) is str and isinstance(self.last_value, str) and not _alike(value, self.last_value):
            return MomentText(value)
        return value


class PassedByCarriers(IncrementalResourceWrapper):
    """An incremental step that sees records alone."""

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if received_page(item) is not None:
            return item  # only of resources without a cursor
        carriers = [each for each in item if REJECTED in each]
        if not carriers:
            return self._compare(item, meta)
        records = [each for each in item if REJECTED not in each]
        return [*((self._compare(records, meta) if records else None) or ()), *carriers]

    def _compare(self, records: Any, meta: Any) -> Any:
        incremental = self._incremental
        if incremental is None:
            return super().__call__(records, meta)
        transformer = incremental._get_transform(records)
        if type(transformer) is JsonIncremental:
            transformer.__class__ = MomentIncremental
        kept = super().__call__(records, meta)
        if isinstance(transformer.last_value, MomentText):  # a state holds plain texts
            plain: Any = str(transformer.last_value)
            transformer.last_value = incremental._current_last_value = plain
            incremental._cached_state["last_value"] = plain
        return kept


_DIGITS = str.maketrans("123456789", "000000000")


def _alike(one: str, other: str) -> bool:
    return one.translate(_DIGITS) == other.translate(_DIGITS) and _offset(one) == _offset(other)


def _offset(text: str) -> str:
    return text[-6:] if text[-6:-5] in ("+", "-") else text[-1:] if text.endswith(("Z", "z")) else ""


def let_carriers_pass(resource: DltResource) -> None:
    """Change the resource's incremental step, where it has one."""
    step = resource.incremental
    if isinstance(step, IncrementalResourceWrapper):
        step.__class__ = PassedByCarriers
