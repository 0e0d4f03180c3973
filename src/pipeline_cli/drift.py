"""What a source gives today beside what it gave before: fields that are new, missing, renamed or of another type.

A field is missing when it had a value in every record so far and has none in those of this load: of one that is
often empty, a load without it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Literal

# The rules of schema_contract's three keys: a reason with one of them tells that the source is not as its table is.
NEW_TABLE, NEW_COLUMN, OTHER_TYPE = "new_table", "new_column", ("column_type", "precision")
VARIANT = "v_text"  # dlt's ending for the column of the texts among a column's values


ChangeKind = Literal["new", "missing", "renamed", "retyped"]
ALIKE = 0.6  # of two names, difflib's ratio from which one may have become the other


@dataclass(frozen=True, slots=True)
class Field:
    """One column's field. data_type: dlt's; rows: since it was first seen; filled: of these, those with a value."""

    data_type: str | None
    rows: int
    filled: int

    @property
    def is_always_there(self) -> bool:
        return 0 < self.rows == self.filled


@dataclass(slots=True)
class TableFields:
    """The fields of one table's rows. Of nested records, each child table has its own.

    retyped: the columns that values of the last load did not fit, which is told when it begins.
    """

    rows: int = 0
    fields: dict[str, Field] = field(default_factory=dict)
    retyped: frozenset[str] = frozenset()

    def add(self, column: str, data_type: str | None, filled: int) -> None:
        """Count more values of a column; `rows` is set when all are counted."""
        before = self.fields.get(column, Field(data_type, 0, 0))
        self.fields[column] = Field(data_type or before.data_type, 0, before.filled + filled)


SourceFields = dict[str, TableFields]  # by table


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change of a source's schema.

    data_type: dlt's, of the column as it is now. before: of a renamed field the column that it had. records: of a
    field with another type, how many records had a value that its column does not hold.
    """

    kind: ChangeKind
    table: str
    column: str
    data_type: str | None = None
    before: str | None = None
    records: int = 0

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}"
        if self.kind == "missing":
            return f"{place} is missing"
        if self.kind == "renamed":
            return f"{self.table}.{self.before} is missing, {place} is new: renamed?"
        typed = f"{place} {self.data_type or ''}".rstrip()
        if self.kind == "retyped":
            return f"{typed}: {self.records:,} record{'' if self.records == 1 else 's'} of another type"
        return typed

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, 0)}


def compare_fields(
    before: Mapping[str, TableFields], now: Mapping[str, TableFields], added: Sequence[SchemaChange] = ()
) -> list[SchemaChange]:
    """The changes: those of `added` (new columns, other types) with what is missing, or has another name now."""
    missing = {
        table: [column for column, each in _absent(before[table], found) if each.is_always_there]
        for table, found in now.items()
        if table in before and found.rows
    }
    changes: list[SchemaChange] = []
    for change in added:
        if change.kind == "retyped" and change.column in before.get(change.table, TableFields()).retyped:
            continue
        gone = missing.get(change.table, [])
        is_new = change.kind == "new"
        old = _former_name(change, gone, before, now) if is_new else None
        if old is None:
            changes.append(change)
        else:
            gone.remove(old)
            changes.append(replace(change, kind="renamed", before=old))
    changes += [
        SchemaChange("missing", table, column, before[table].fields[column].data_type)
        for table, columns in missing.items()
        for column in columns
    ]
    return changes


def add_fields(
    before: Mapping[str, TableFields], now: Mapping[str, TableFields], added: Sequence[SchemaChange] = ()
) -> SourceFields:
    """What is known after this load. A field that is missing is forgotten: it is told once."""
    known = dict(before)
    odd: dict[str, set[str]] = {}
    for change in added:
        if change.kind == "retyped":
            odd.setdefault(change.table, set()).add(change.column)
    for table, columns in odd.items():  # of a load of which nothing was accepted, that is all that is known
        known[table] = replace(known.get(table, TableFields()), retyped=frozenset(columns))
    for table, found in now.items():
        if not found.rows:
            continue
        old = known.get(table, TableFields())
        fields = {
            column: Field(each.data_type, each.rows + found.rows, each.filled)
            for column, each in _absent(old, found)
            if not each.is_always_there
        }
        for column, each in found.fields.items():
            earlier = old.fields.get(column, Field(each.data_type, 0, 0))
            if each.filled or column in old.fields:
                rows, filled = earlier.rows + found.rows, earlier.filled + each.filled
                if not (earlier.is_always_there and not each.filled):
                    fields[column] = Field(each.data_type or earlier.data_type, rows, filled)
        known[table] = TableFields(old.rows + found.rows, fields, frozenset(odd.get(table, ())))
    return known


def _absent(before: TableFields, now: TableFields) -> Iterator[tuple[str, Field]]:
    """The fields without a single value now."""
    for column, each in before.fields.items():
        found = now.fields.get(column)
        if found is None or not found.filled:
            yield column, each


def _former_name(
    change: SchemaChange,
    gone: Iterable[str],
    before: Mapping[str, TableFields],
    now: Mapping[str, TableFields],
) -> str | None:
    """The missing column that a new one stands in for: of the same type, in every record, and called alike."""
    there = now[change.table].fields.get(change.column) if change.table in now else None
    if there is None or there.filled != now[change.table].rows:
        return None
    alike = [
        (SequenceMatcher(None, name, change.column).ratio(), name)
        for name in gone
        if before[change.table].fields[name].data_type in (None, change.data_type)
    ]
    best = max(alike, default=(0.0, ""))
    return best[1] if best[0] >= ALIKE or len(alike) == 1 else None


def to_json(fields: Mapping[str, TableFields]) -> dict[str, Any]:
    """For the ledger: {table: {rows, fields: {column: [data_type, rows, filled]}, retyped: [column]}}."""
    return {
        table: {
            "rows": each.rows,
            "fields": {name: [one.data_type, one.rows, one.filled] for name, one in each.fields.items()},
            "retyped": sorted(each.retyped),
        }
        for table, each in fields.items()
    }


def from_json(document: Mapping[str, Any]) -> SourceFields:
    """What `to_json` made."""
    return {
        table: TableFields(
            each["rows"],
            {name: Field(*one) for name, one in each["fields"].items()},
            frozenset(each["retyped"]),
        )
        for table, each in document.items()
    }
