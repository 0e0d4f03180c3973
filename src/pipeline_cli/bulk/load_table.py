"""The table that a resource is loaded into: made, widened or emptied as its scans ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline_cli.bulk.dispositions import VALID_FROM, VALID_TO, empty_table
from pipeline_cli.bulk.dlt_schema import TableChange, import_ahead
from pipeline_cli.bulk.reader import Workplace
from pipeline_cli.bulk.reading import POSITION, RowShape, metadata_types
from pipeline_cli.bulk.state import add_columns, create_table
from pipeline_cli.bulk.table_shape import fit_columns, refuse_collisions, require_keys
from pipeline_cli.destinations.base import quote
from pipeline_cli.drift import SchemaChange
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.sources.column_types import ColumnType, column_name
from pipeline_cli.sources.scan import ColumnSpec

_VERSIONS: Mapping[str, ColumnType] = {
    VALID_FROM: ("timestamp", None, None),
    VALID_TO: ("timestamp", None, None),
}


class LoadTable:
    """name: quoted, with its dataset. staged: the temporary table that rows go to first, where they do.

    is_made: whether this load has made the table, so that nobody else sees it yet. is_emptied: whether it lost rows.
    """

    def __init__(self, place: Workplace, rules: GateRules, shape: RowShape) -> None:
        self._place = place
        self._target = place.target
        self._rules = rules
        self._shape = shape
        self._known: frozenset[str] | None = None  # columns before this load; None where it makes the table
        self._is_prepared = False
        self.name = quote(rules.dataset, rules.table)
        self.staged: str | None = None
        self.is_made = False
        self.is_emptied = False
        self.change: TableChange | None = None
        self.new_columns: list[SchemaChange] = []
        self.notes: list[str] = []

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """Those of the table as it is now; none where it is not there."""
        return self._place.tables.get(self._rules.table, {})

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(column_name(name) for name in self._rules.primary_key)

    def prepare(self, columns: Sequence[ColumnSpec]) -> None:
        """Make the table for a scan with these columns, or add those that are new."""
        refuse_collisions(columns, self._rules)
        require_keys(columns, self._rules)
        is_first, self._is_prepared = not self._is_prepared, True
        is_anew = is_first and self._place.request.full_refresh
        if is_first and self.columns and not is_anew:
            self._known = frozenset(self.columns)
        wanted: dict[str, ColumnType] = {
            column.name: (column.data_type, column.precision, column.scale)
            for column in columns
            if not self._is_refused(column)
        }
        wanted |= _VERSIONS if self._rules.disposition == "scd2" else {}
        wanted |= {key: (kind, None, None) for key, kind in metadata_types(self._shape).items()}
        if is_anew:
            self.make_room(wanted)
        if self.columns:
            self._add({key: kind for key, kind in wanted.items() if key not in self.columns})
        else:
            create_table(self._target, self._rules.dataset, self._rules.table, wanted)
            self.is_made = True
            self._note(wanted)

    def fit(self, columns: Sequence[ColumnSpec]) -> list[ColumnSpec]:
        """The columns with the table's types; those that it takes none of, marked."""
        taken = [column for column in columns if not self._is_refused(column)]
        refused = [replace(column, is_refused=True) for column in columns if self._is_refused(column)]
        return [*fit_columns(taken, self.columns, self._rules), *refused]

    def add_texts(self, names: Sequence[str]) -> None:
        """Add columns of texts, for values of another type."""
        self._add({name: ("text", None, None) for name in names if name not in self.columns})

    def stage(self) -> str:
        """A temporary table like this one, for rows that are compared with those that are there."""
        if self.staged is None:
            # No table of ours begins with _staged, so none is taken for another.
            self.staged = self._target.create_like(f"_staged_{self._rules.table}", self.name)
            if self._shape.is_numbered:
                self._target.execute(f"ALTER TABLE {self.staged} ADD COLUMN {quote(POSITION)} BIGINT")
        return self.staged

    def make_room(self, wanted: Mapping[str, ColumnType]) -> None:
        """For --full-refresh: an empty table where the columns are as before, else none."""
        there = self.columns
        if not there:
            return
        self.is_emptied = True
        if all(
            self._target.sql_type(there.get(key, kind)) == self._target.sql_type(kind)
            for key, kind in wanted.items()
        ):
            empty_table(self._target, self.name)
        else:
            self._target.execute(f"DROP TABLE {self.name}")
            del self._place.tables[self._rules.table]

    def _is_refused(self, column: ColumnSpec) -> bool:
        is_new = self._known is not None and column.name not in self._known
        return is_new and not column.is_declared and self._rules.drift.columns != "evolve"

    def _add(self, missing: Mapping[str, ColumnType]) -> None:
        if not missing:
            return
        for key, kind in missing.items() if self.staged is not None else ():
            # A staged table was made without them.
            self._target.execute(
                f"ALTER TABLE {self.staged} ADD COLUMN {quote(key)} {self._target.sql_type(kind)}"
            )
        add_columns(self._target, self._rules.dataset, self._rules.table, missing)
        self.notes.append(f"New columns of {self._rules.dataset}.{self._rules.table}: {', '.join(missing)}.")
        self._note(missing)

    def _note(self, added: Mapping[str, ColumnType]) -> None:
        """The table has these columns now, too."""
        name = self._rules.table
        import_ahead()
        self._place.tables[name] = {**self.columns, **added}
        self.new_columns += [SchemaChange("new", name, key, kind[0]) for key, kind in added.items()]
        self.change = TableChange(
            name, self._rules.resource, self._place.tables[name], self.keys, self._rules.disposition
        )
