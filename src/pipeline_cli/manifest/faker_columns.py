"""The columns of a faker source as they stand in the manifest: what each is, and where that is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline_cli.manifest.faker import COLUMN_KINDS, OWN_PROVIDERS
from pipeline_cli.manifest.frozen import freeze
from pipeline_cli.manifest.nodes import Entry, Mapping, Node, Scalar, Sequence, child
from pipeline_cli.manifest.scalars import resolve

TextOf = Callable[[Node | None], str | None]


@freeze
class ColumnNode:
    """One column. kind: one of COLUMN_KINDS or uuid4, None where it has none or several.

    value: where the kind is said; whole: all of the column; settings: its map, empty for plain text.
    """

    table: str
    name: str
    key: Scalar
    kind: str | None
    value: Node
    whole: Node
    settings: dict[str, Entry]

    def setting(self, name: str) -> Node | None:
        return self.settings[name].value if name in self.settings else None


@freeze
class TableNode:
    """One table. rows: None where that is no number; keys: of its primary key."""

    name: str
    key: Scalar
    rows: int | None
    keys: list[Node]
    columns: dict[str, ColumnNode]


def read_tables(source: Node, text: TextOf) -> dict[str, TableNode]:
    """The tables of a faker source, by name; what is of another shape is left out, as that is told elsewhere."""
    tables = {}
    resources = child(source, "resources")
    for name, entry in resources.entries.items() if isinstance(resources, Mapping) else ():
        rows = number(child(entry.value, "rows"), text)
        columns = child(entry.value, "columns")
        found = columns.entries.items() if isinstance(columns, Mapping) else ()
        read = {each: _read_column(name, each, column, text) for each, column in found}
        keys = list(items(child(entry.value, "primary_key")))
        tables[name] = TableNode(name, entry.key, rows if isinstance(rows, int) else None, keys, read)
    return tables


def _read_column(table: str, name: str, entry: Entry, text: TextOf) -> ColumnNode:
    node = entry.value
    settings = node.entries if isinstance(node, Mapping) else {}
    kinds = [key for key in settings if key in COLUMN_KINDS]
    value = settings[kinds[0]].value if kinds else node
    kind = kinds[0] if len(kinds) == 1 else None
    if isinstance(node, Scalar) or kind == "provider":
        said = text(value)
        kind = said if said in OWN_PROVIDERS else "provider"
    return ColumnNode(table, name, entry.key, kind, value, node, settings)


def number(node: Node | None, text: TextOf) -> int | float | None:
    """The number that stands there, None where it is none."""
    said = text(node)
    found = resolve(said) if said else None
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def items(node: Node | None) -> Iterator[Node]:
    """The items of a list; a single value is a list of one."""
    yield from node.items if isinstance(node, Sequence) else [node] if isinstance(node, Scalar) else []


def is_true(node: Node | None, text: TextOf) -> bool:
    said = text(node)
    return bool(said) and resolve(said or "") is True


def is_unique(column: ColumnNode, text: TextOf) -> bool:
    """Whether no value of the column stands twice."""
    return column.kind in ("sequence", "uuid4") or is_true(column.setting("unique"), text)
