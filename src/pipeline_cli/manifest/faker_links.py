"""What a faker source's columns say of one another: references, templates, uniqueness, circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.faker_columns import (
    ColumnNode,
    TableNode,
    TextOf,
    is_true,
    is_unique,
    items,
    number,
)
from pipeline_cli.manifest.faker_values import Part, parse_template
from pipeline_cli.manifest.findings import Findings, did_you_mean, quoted
from pipeline_cli.manifest.names import table_name
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.nodes import Node, child

Place = tuple[str, str]  # table, column
_TIMES = ("date", "timestamp", "after")


class FakerLinks:
    """The checks between the columns of one source."""

    def __init__(self, tables: Mapping[str, TableNode], text: TextOf, findings: Findings) -> None:
        self.tables = tables
        self.text = text
        self.findings = findings

    def check(self, sizes: Mapping[Place, int | None]) -> None:
        """Record what does not fit together. sizes: how many different values a column can have, where known."""
        uses: dict[Place, list[Place]] = {}
        for table in self.tables.values():
            self._check_names(table)
            for node in table.keys:
                self._other(table, None, self.text(node), node)
            for column in table.columns.values():
                uses[table.name, column.name] = list(self._uses(table, column))
                if is_true(column.setting("unique"), self.text):
                    self._check_unique(table, column, sizes[table.name, column.name])
        self._check_circles(uses)

    def _refuse(
        self, node: Node, message: str, hint: str | None = None, code: str = codes.WRONG_VALUE
    ) -> None:
        self.findings.add(code, node, message, hint)

    def _check_names(self, table: TableNode) -> None:
        named: dict[str, str] = {}
        for name, column in table.columns.items():
            normal = table_name(name)
            if normal in named:
                message = f"{quoted(name)} and {quoted(named[normal])} would both be the column {normal}."
                self._refuse(column.key, message, "Give one of them another name.", codes.NAMES_COLLIDE)
            named.setdefault(normal, name)

    # -- what a column is computed from ----------------------------------------------------------------------

    def _uses(self, table: TableNode, column: ColumnNode) -> Iterator[Place]:
        if column.kind == "ref":
            yield from self._check_ref(table, column)
        elif column.kind == "after":
            other = self._other(table, column, self.text(column.value), column.value)
            if other is not None and other.kind not in _TIMES:
                message = f"{quoted(other.name)} is no date and no timestamp: nothing comes after it."
                self._refuse(column.value, message, "Name a column of the kind date, timestamp or after.")
            yield from [(table.name, other.name)] if other else []
        elif column.kind == "template":
            for part in self._parts(column):
                found = self._other(table, column, part.column, column.value) if part.column else None
                yield from [(table.name, found.name)] if found else []
        null = column.setting("null")
        for name, entry in null.entries.items() if isinstance(null, MappingNode) else ():
            found = self._other(table, column, name, entry.key)
            yield from [(table.name, name)] if found else []
            if not list(items(entry.value)):
                self._refuse(entry.value, "null takes a value or a list of values for a column.")

    def _other(
        self, table: TableNode, column: ColumnNode | None, name: str | None, node: Node
    ) -> ColumnNode | None:
        """The column of the same row that is meant; a mistake where there is none."""
        if name is None or name in table.columns:
            return table.columns[name] if name else None
        message = f"{quoted(name)} is not a column of {table.name}."
        others = [each for each in table.columns if column is None or each != column.name]
        hint = did_you_mean(name, others, what="The columns are")
        self._refuse(node, message, hint, codes.UNKNOWN_NAME)
        return None

    def _parts(self, column: ColumnNode) -> tuple[Part, ...]:
        said = self.text(column.value)
        try:
            return parse_template(said) if said is not None else ()
        except ValueError as error:
            self._refuse(column.value, f"template {error}.")
            return ()

    def _check_ref(self, table: TableNode, column: ColumnNode) -> Iterator[Place]:
        said = self.text(column.value) or ""
        parent_name, _, name = said.partition(".")
        parent = self.tables.get(parent_name)
        if not name:
            return self._refuse(column.value, f"ref must be TABLE.COLUMN, not {quoted(said)}.")
        if parent is None or name not in parent.columns:
            known = list(self.tables) if parent is None else list(parent.columns)
            what, missing = (
                ("resources", parent_name) if parent is None else (f"columns of {parent_name}", name)
            )
            message = f"{quoted(missing)} is not one of the {what}."
            hint = did_you_mean(missing, known, what=f"The {what} are")
            return self._refuse(column.value, message, hint, codes.UNKNOWN_NAME)
        target = parent.columns[name]
        if target.kind is not None and not is_unique(target, self.text):
            message = f"{said} may hold a value twice, so a reference to it names no row."
            hint = "Refer to a sequence, to a uuid4, or to a column with unique: true."
            return self._refuse(column.value, message, hint)
        if target.setting("null") is not None:
            message = f"{said} has NULLs, which nothing can refer to."
            self._refuse(column.value, message, f"Remove null from {quoted(name)}.")
        if parent.rows == 0 and table.rows:
            self._refuse(column.value, f"{parent_name} has no rows to refer to.", f"Give {parent_name} rows.")
        yield parent_name, name

    # -- uniqueness ------------------------------------------------------------------------------------------

    def _check_unique(self, table: TableNode, column: ColumnNode, size: int | None) -> None:
        node = column.setting("unique") or column.key
        if column.kind in ("double", "after"):
            return self._refuse(
                node, f"{column.kind} cannot be unique.", "Take a timestamp, decimal or integer."
            )
        if column.kind == "template":
            return self._check_unique_template(table, column, node)
        if column.kind == "ref":
            parent = self.tables.get((self.text(column.value) or "").partition(".")[0])
            size = parent.rows if parent else None
        if size is not None and table.rows is not None and table.rows > size:
            message = f"{quoted(column.name)} can have {size} different values, and {table.name} has {table.rows} rows."
            self._refuse(node, message, "Widen the range, ask for fewer rows, or remove unique.")
        return None

    def _check_unique_template(self, table: TableNode, column: ColumnNode, node: Node) -> None:
        """A template is unique where its first or last placeholder is, and where that one begins can be told."""
        filled = [part for part in self._parts(column) if part.column is not None]
        if any(part.column not in table.columns for part in filled):
            return  # told already
        is_alone = len(filled) == 1
        borders = [filled[1].literal, filled[-1].literal] if len(filled) > 1 else [""]
        for part, border in zip([filled[0], filled[-1]] if filled else [], borders, strict=False):
            if self._tells_apart(table.columns[part.column or ""], part, border, is_alone):
                return
        hint = "Begin or end it with a unique column, a sign between it and the next: {name}.{id}@example.com"
        self._refuse(node, "this template may give one text twice.", hint)

    def _tells_apart(self, column: ColumnNode, part: Part, border: str, is_alone: bool) -> bool:
        """Whether texts differ where the column's values do. border: what stands between it and the next."""
        if not is_unique(column, self.text) or "first" in part.modifiers:
            return False
        if column.kind == "uuid4":
            return True  # all are of one length
        if column.kind in ("sequence", "integer") and "slug" not in part.modifiers:
            # A sign of less than 0 belongs to the number; a border is what cannot.
            digits = "0123456789" if self._is_positive(column) else "-0123456789"
            return is_alone or (bool(border) and not set(border) & set(digits))
        return is_alone and not part.modifiers and not part.width

    def _is_positive(self, column: ColumnNode) -> bool:
        if column.kind == "integer":
            ends = [number(node, self.text) for node in items(column.value)]
        else:
            ends = [number(child(column.value, name), self.text) or 0 for name in ("start", "step")]
        return all(end is not None and end >= 0 for end in ends)

    # -- circles ---------------------------------------------------------------------------------------------

    def _check_circles(self, uses: Mapping[Place, list[Place]]) -> None:
        told: set[Place] = set()
        for place in uses:
            above, waiting = set[Place](), list(uses[place])
            while waiting:
                each = waiting.pop()
                if each not in above:
                    above.add(each)
                    waiting.extend(uses.get(each, ()))
            if place in above and not above & told:
                told |= above
                table, name = place
                message = f"{table}.{name} is computed from itself, by way of what it refers to."
                node = self.tables[table].columns[name].key
                self._refuse(node, message, "Break the circle.", codes.BAD_RESOURCE_REFERENCE)
