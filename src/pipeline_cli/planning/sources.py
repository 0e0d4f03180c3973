"""What the manifest and contracts change at sources, and what that does to the rows that are there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline_cli.deployed.parts import Part
from pipeline_cli.manifest.names import table_name
from pipeline_cli.planning.before import Before, find_resource
from pipeline_cli.planning.changes import Change
from pipeline_cli.planning.contracts import compare_contracts
from pipeline_cli.planning.effects import cursor_effect, disposition_effect, hint_effect, key_effect
from pipeline_cli.planning.facts import Asking, Facts

# Keys of a resource that have lines of their own; the others are how it is read.
_OWN = ("write_disposition", "primary_key", "incremental", "contract", "contract_schema", "columns")
_RULES = ("on_violation", "max_rejected", "keep_raw", "max_table_nesting", "schema_contract")


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source for comparing. file: where it is declared."""

    name: str
    part: Part
    file: str
    facts: Facts
    asking: Asking

    @property
    def is_of_files(self) -> bool:
        return bool(self.part.content["type"] == "filesystem")

    @property
    def dataset(self) -> str:
        return f"bronze_{self.name}"

    def rows(self, resource: str) -> int | None:
        return self.facts.rows(self.dataset, table_name(resource))


def compare_source(view: SourceView, before: Before | None) -> Iterator[Change]:
    """The lines of a source that the manifest has. before: None where it never ran here."""
    now: Mapping[str, Any] = view.part.content.get("resources", {})
    if before is None:
        yield _added_source(view, now)
        return
    if before.keys is None:
        yield from _whole_source(view, before.content)
    for name, hints in now.items():
        was = find_resource(before.resources, name)
        if was is None:
            yield _line(
                view,
                name,
                "resource",
                "added",
                "new resource",
                effect=f"read into {view.dataset}.{table_name(name)}",
            )
        else:
            yield from _compare_resource(view, name, was, hints, before.keys)
    known = {table_name(name) for name in now} | set(now)
    for name in before.resources:
        # A Python source's resources need not stand in the manifest.
        if name not in known and not (view.part.content["type"] == "python" and before.keys is not None):
            yield _removed_resource(view, name)


def removed_source(view_facts: Facts, name: str, reason: str) -> Change:
    """A source that ran here and that no pipeline has any more."""
    tables = {
        table: facts.rows or 0
        for (schema, table), facts in view_facts.catalog.tables.items()
        if schema == f"bronze_{name}" and not table.startswith("_")
    }
    effect = f"not read any more; {_count(len(tables), 'table')} of bronze_{name} stay"
    return Change(
        "sources", name, "", "source", "removed", "removed", reason, effect=effect, rows=sum(tables.values())
    )


def _added_source(view: SourceView, resources: Mapping[str, Any]) -> Change:
    listed = f": {', '.join(resources)}" if resources else ""
    return _line(
        view,
        "",
        "source",
        "added",
        f"new source{listed}",
        effect=f"read into {view.dataset}, from its beginning",
    )


def _whole_source(view: SourceView, was: Mapping[str, Any]) -> Iterator[Change]:
    now = view.part.content
    for key in sorted({*was, *now} - {"resources"}):
        if was.get(key) == now.get(key):
            continue
        if key == "type":
            effect = (
                "read by another loader; what was read stays, and its cursors do not count for the new one"
            )
        elif key in ("code", "function", "arguments"):
            effect = "its code is run by the next run; cursors stay where they are"
        elif key == "keep_raw":
            effect = "for new rows; those that are there stay as they are"
        else:
            effect = "cursors and rows stay; the next run reads with it"
        yield _line(view, "", key, "changed", f"{key}: {_differ(was.get(key), now.get(key))}", effect=effect)


def _compare_resource(
    view: SourceView, name: str, was: Mapping[str, Any], now: Mapping[str, Any], known: frozenset[str] | None
) -> Iterator[Change]:
    rows = view.rows(name)
    table = (view.dataset, table_name(name))
    old, new = was.get("write_disposition", "append"), now["write_disposition"]
    if old != new:
        effect, destructive = disposition_effect(old, new, rows, of_files=view.is_of_files)
        yield _line(
            view,
            name,
            "write_disposition",
            "changed",
            f"write_disposition: {old} -> {new}",
            effect,
            destructive,
        )
    old_key, new_key = was.get("primary_key", []), now.get("primary_key", [])
    if [table_name(each) for each in old_key] != [table_name(each) for each in new_key]:
        shared = _shared_rows(view, table, new_key)
        effect, destructive = key_effect(new, new_key, shared, rows)
        summary = f"primary_key: {_names(old_key)} -> {_names(new_key)}"
        yield _line(view, name, "primary_key", "changed", summary, effect, destructive)
    if known is not None:
        return
    yield from _compare_cursor(view, name, was.get("incremental"), now.get("incremental"), new)
    yield from _compare_hints(view, name, was, now)
    yield from (
        replace(
            _line(view, name, "contract", "changed", summary, effect), reason=_contract_file(view, was, now)
        )
        for summary, effect in compare_contracts(was, now)
    )
    for key in _RULES:
        if was.get(key) != now.get(key):
            yield _line(
                view,
                name,
                key,
                "changed",
                f"{key}: {_differ(was.get(key), now.get(key))}",
                "for what is read from now on",
            )
    for key in sorted(key for key in {*was, *now} - {*_OWN, *_RULES} if was.get(key) != now.get(key)):
        summary = f"{key}: {_differ(was.get(key), now.get(key))}"
        yield _line(view, name, key, "changed", summary, _reading_effect(view, new, rows))


def _reading_effect(view: SourceView, disposition: str, rows: int | None) -> str:
    """What becomes of the rows where a resource is read in another way."""
    if view.is_of_files:
        return "for files that are new or changed; rows of those that are done stay"
    return "rows and cursor stay; the next run reads so" if disposition != "replace" else _replaced(rows)


def _compare_cursor(
    view: SourceView,
    name: str,
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    disposition: str,
) -> Iterator[Change]:
    if was == now:
        return
    old, new = was or {}, now or {}
    standing = view.asking.cursor(view.name, name) if old else None
    effect, destructive = cursor_effect(old, new, standing, disposition, view.rows(name))
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    shown = (
        f"cursor: {old.get('cursor_path', 'none')} -> {new.get('cursor_path', 'none')}"
        if "cursor_path" in keys
        else ", ".join(f"{key}: {_differ(old.get(key), new.get(key))}" for key in keys)
    )
    yield _line(view, name, "cursor", "changed", shown, effect, destructive)


def _compare_hints(
    view: SourceView, name: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[Change]:
    old, new = was.get("columns", {}), now.get("columns", {})
    table = view.facts.table(view.dataset, table_name(name))
    for column in {**old, **new}:
        before, after = old.get(column), new.get(column)
        if before == after:
            continue
        if view.part.content["type"] == "faker":
            yield _line(
                view,
                name,
                "columns",
                "changed",
                f"{column}: {_differ(before, after)}",
                _replaced(view.rows(name)),
            )
            continue
        there = table.columns.get(table_name(column)) if table else None
        effect, destructive = hint_effect(before or {}, after or {}, there, view.rows(name))
        yield _line(
            view,
            name,
            "columns",
            "changed",
            f"{column}: {_differ(before, after)}",
            effect,
            destructive,
            column,
        )


def _contract_file(view: SourceView, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Where a contract differs: in its file, unless pipelines.yaml names another one."""
    return str(now["contract"]) if was.get("contract") == now.get("contract") else view.file


def _removed_resource(view: SourceView, name: str) -> Change:
    rows = view.rows(name)
    return _line(
        view,
        name,
        "resource",
        "removed",
        "removed",
        effect=f"not read any more; {_rows(rows)} of {view.dataset}.{table_name(name)} stay",
    )


def _line(
    view: SourceView,
    resource: str,
    what: str,
    action: Any,
    summary: str,
    effect: str = "",
    destructive: bool = False,
    name: str = "",
) -> Change:
    return Change(
        "sources",
        view.name,
        resource,
        what,
        action,
        summary,
        view.file,
        name,
        effect,
        view.rows(resource) if resource else None,
        destructive,
    )


def _shared_rows(view: SourceView, table: tuple[str, str], key: list[str]) -> int | None:
    """Rows that the new key does not tell apart; None where it cannot be asked."""
    found = view.facts.table(*table)
    columns = [table_name(each) for each in key]
    if found is None or not columns or not set(columns) <= set(found.columns):
        return None
    return view.asking.count_shared_keys(table, columns)


def _replaced(rows: int | None) -> str:
    return f"the next run replaces {_rows(rows)}, as each run does"


def _differ(before: Any, after: Any) -> str:
    return f"{_show(before)} -> {_show(after)}"


def _show(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace('"', "")
    return text if len(text) <= 40 else f"{text[:39]}…"


def _names(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _rows(rows: int | None) -> str:
    return "its rows" if rows is None else _count(rows, "row")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
