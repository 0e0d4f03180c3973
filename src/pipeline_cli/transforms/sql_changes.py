"""What a change of a SELECT means for its columns and rows, by SQLGlot's reading of both. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.transforms.planned import Category, ColumnChanges

_CONFIG = re.compile(r"\{\{\s*config\(.*?\)\s*\}\}", re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_CALL = re.compile(r"""\{\{\s*(?:ref|source)\(\s*['"](\w+)['"]\s*(?:,\s*['"](\w+)['"]\s*)?\)\s*\}\}""")
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SqlChange:
    """category: breaking where rows or values that were there may be others.

    is_read: whether SQLGlot could read both.
    """

    category: Category
    columns: ColumnChanges = field(default_factory=ColumnChanges)
    rows_differ: bool = False
    is_read: bool = True


def compare_sql(before: str, after: str, dialect: str) -> SqlChange:
    """Compare two SELECTs. Layout, comments and the order of keywords' letters are no change of the data.

    Only columns that are added leave what was there as it was: that is non-breaking.
    """
    old, new = _parse(before, dialect), _parse(after, dialect)
    if old is None or new is None:
        same = " ".join(before.split()) == " ".join(after.split())
        return SqlChange("metadata only" if same else "breaking", rows_differ=not same, is_read=False)
    if _text(old, dialect) == _text(new, dialect):
        return SqlChange("metadata only")
    old_columns, new_columns = _columns(old, dialect), _columns(new, dialect)
    columns = ColumnChanges(
        added=tuple(name for name in new_columns if name not in old_columns),
        removed=tuple(name for name in old_columns if name not in new_columns),
        changed=tuple(name for name, text in new_columns.items() if old_columns.get(name, text) != text),
    )
    rows_differ = _without_columns(old, dialect) != _without_columns(new, dialect)
    only_added = bool(columns.added) and not (columns.removed or columns.changed or rows_differ)
    return SqlChange(
        "non-breaking" if only_added and not _depends_on_columns(new) else "breaking", columns, rows_differ
    )


def plain_jinja(text: str) -> str:
    """A dbt model's SQL with names in place of its Jinja: what is left can be read where no block stands in it."""
    text = _COMMENT.sub("", _CONFIG.sub("", text))
    text = _CALL.sub(lambda found: "__".join(part for part in found.groups() if part), text)
    return _EXPRESSION.sub(lambda found: f"jinja_{_short_hash(found[0])}", text)


def _short_hash(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


def _parse(sql: str, dialect: str) -> Any:
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    if "{%" in sql:
        return None
    try:
        found = sqlglot.parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError, ValueError):
        return None
    return found if isinstance(found, (sqlglot.exp.Select, sqlglot.exp.SetOperation)) else None


def _text(query: Any, dialect: str) -> str:
    return str(query.sql(dialect=dialect, comments=False, normalize=True, pretty=False))


def _columns(query: Any, dialect: str) -> dict[str, str]:
    """The outermost SELECT's columns, each with what it is made of."""
    return {
        each.alias_or_name: _text(each.unalias(), dialect) for each in query.selects if each.alias_or_name
    }


def _without_columns(query: Any, dialect: str) -> str:
    """Everything but the outermost columns: which rows there are."""
    copied = query.copy()
    if hasattr(copied, "set") and copied.args.get("expressions") is not None:
        copied.set("expressions", [])
    return _text(copied, dialect)


def _depends_on_columns(query: Any) -> bool:
    """Whether a column more makes other rows: DISTINCT looks at all of them, and one may stand for several rows."""
    from sqlglot import exp

    if query.args.get("distinct") is not None or isinstance(query, exp.SetOperation):
        return True
    return any(each.find(exp.UDTF, exp.Explode) is not None for each in query.selects)
