"""Fields that a source gives differently from what its tables hold: new, missing, renamed, retyped. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pipeline_cli.drift import ALIKE, ChangeKind
from pipeline_cli.lineage.fields import TECHNICAL

Columns = Mapping[str, str]  # column -> dlt's data type

# A column that nearly every row fills and that none of N records has is missing; one seldom filled may just be empty.
_CHANCE = 0.01
_SHARED = 0.5  # of the values
_CLASSES = {
    **dict.fromkeys(("bigint", "double", "decimal", "wei"), "number"),
    **dict.fromkeys(("text", "timestamp", "date", "time"), "text"),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """before, after: names of columns for "renamed", data types for "retyped"; one is empty for the others.

    evidence: why it is taken for that, in words.
    """

    kind: ChangeKind
    table: str
    column: str
    before: str = ""
    after: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table and what the source's records would put into it.

    there: its columns; given: those of the records; records: how many were read; filled: share of rows with a value,
    of columns that are not given; shared: share of a given column's values that a column of the table holds, by
    (column there, column given).
    """

    name: str
    there: Columns
    given: Columns
    records: int
    filled: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[tuple[str, str], float] = field(default_factory=dict)


def not_given(there: Columns, given: Columns) -> list[str]:
    """The columns of the source's own that no record has."""
    return [name for name in there if name not in given and not is_own(name)]


def is_own(column: str) -> bool:
    """Whether the loader adds the column; also a column that dlt made for values of another type (`v__v_text`)."""
    return column in TECHNICAL or column.startswith("_dlt_") or "__v_" in column


def compare_fields(view: TableView) -> Iterator[FieldChange]:
    """The differences, in the order of the records' columns; nothing where no record was read."""
    if not view.records or not view.given:
        return
    missing = [name for name in not_given(view.there, view.given) if _is_missing(view, name)]
    new = [name for name in view.given if name not in view.there and not is_own(name)]
    renamed = _pair(view, missing, new)
    for name in view.given:
        if name in renamed:
            before, evidence = renamed[name]
            yield FieldChange("renamed", view.name, name, before, name, evidence)
        elif name in new:
            yield FieldChange("new", view.name, name, after=view.given[name])
        elif name in view.there and _class(view.there[name]) != _class(view.given[name]):
            yield FieldChange("retyped", view.name, name, view.there[name], view.given[name])
    for name in missing:
        if name not in {before for before, _ in renamed.values()}:
            yield FieldChange("missing", view.name, name, before=view.there[name])


def _is_missing(view: TableView, name: str) -> bool:
    share = view.filled.get(name, 0.0)
    chance = (1.0 - share) ** view.records
    return bool(chance < _CHANCE)


def _class(data_type: str) -> str:
    return _CLASSES.get(data_type, data_type)


def _pair(view: TableView, missing: list[str], new: list[str]) -> dict[str, tuple[str, str]]:
    """New column -> (the missing one that it was, why), the surest pairs first."""
    candidates = []
    for before in missing:
        for after in new:
            if _class(view.there[before]) != _class(view.given[after]):
                continue
            alike = SequenceMatcher(None, before, after).ratio()
            shared = view.shared.get((before, after), 0.0)
            if shared >= _SHARED or alike >= ALIKE:
                candidates.append((shared, alike, before, after))
    found: dict[str, tuple[str, str]] = {}
    taken: set[str] = set()
    for shared, _, before, after in sorted(candidates, reverse=True):
        if after in found or before in taken:
            continue
        taken.add(before)
        why = (
            f"{shared:.0%} of its values are those of {before}"
            if shared >= _SHARED
            else "by its name and type"
        )
        found[after] = before, why
    return found
