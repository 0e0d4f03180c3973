"""What `diff` found, as lines for people and as the document of --json."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline_cli.document import format_time

if TYPE_CHECKING:
    from pipeline_cli.comparison.environments import EnvironmentComparison
    from pipeline_cli.comparison.merging import KeyComparison
    from pipeline_cli.comparison.tables import TableComparison

EXAMPLES = 5


def to_document(
    found: EnvironmentComparison, places: tuple[str, str], pipelines: Sequence[str]
) -> dict[str, Any]:
    """The fields of the document. here: the environment of --env; there: the one it is compared with."""
    return {
        "status": "different" if found.differs else "same",
        "pipelines": list(pipelines),
        "here": {"environment": found.here, "location": places[0], "last_run": _time(found.last_run_here)},
        "there": {"environment": found.there, "location": places[1], "last_run": _time(found.last_run_there)},
        "same_warehouse": found.same_warehouse,
        "tables": [{**asdict(each), "table": ".".join(each.table)} for each in found.tables],
        "models": [asdict(each) for each in found.models],
        "models_not_known": [
            {"transform": transform, "environment": environment} for transform, environment in found.not_known
        ],
        "errors": [],
    }


def describe(
    found: EnvironmentComparison, places: tuple[str, str], next_command: str, width: int
) -> list[str]:
    """The lines for people, at most `width` wide: what differs, then the verdict and the next command."""
    here, there = found.here, found.there
    if found.same_warehouse:
        told = f"{here} and {there} are the very same tables: both are in {places[0]}."
        return [*_wrap(told, width), f"Next: {next_command} --env {there}"]
    lines: list[str] = []
    for table in found.tables:
        if table.status != "same":
            lines += _table(table, here, there, width)
    lines += _models(found, width)
    if found.differs:
        lines = [
            *_wrap(f"{here}: {places[0]}{_ended(found.last_run_here)}", width),
            *_wrap(f"{there}: {places[1]}{_ended(found.last_run_there)}", width),
            "",
            *lines,
            "",
        ]
    return [*lines, *_wrap(_verdict(found), width), f"Next: {next_command} --env {_behind(found)}"]


# -- one table -----------------------------------------------------------------------------------------------


def _table(table: TableComparison, here: str, there: str, width: int) -> Iterator[str]:
    name = ".".join(table.table)
    if table.status in ("only_here", "only_there"):
        only, rows = (here, table.rows_here) if table.status == "only_here" else (there, table.rows_there)
        counted = "" if rows is None else f", {_many(rows, 'row')}"
        yield from _wrap(f"{name}: only in {only}{counted}", width)
        return
    yield name
    names = {"here": here, "there": there}
    for line in [*_columns(table, names), *_rows(table, names), *_keys(table.keys, names)]:
        yield from _wrap(f"  {line}", width)
    if table.content_differs:
        yield from _wrap("  as many rows, with other content; no key is known that would say which", width)


def _columns(table: TableComparison, names: dict[str, str]) -> Iterator[str]:
    for side, name in names.items():
        only = [
            f"{each.name} ({getattr(each, side)})"
            for each in table.columns
            if None in (each.here, each.there) and getattr(each, side)
        ]
        if only:
            yield f"{'columns' if len(only) > 1 else 'column'} only in {name}: {', '.join(only)}"
    for each in table.columns:
        if each.here and each.there:
            yield f"column {each.name}: {each.here} in {names['here']}, {each.there} in {names['there']}"


def _rows(table: TableComparison, names: dict[str, str]) -> Iterator[str]:
    if table.rows_here != table.rows_there:
        yield f"rows: {table.rows_here:,} in {names['here']}, {table.rows_there:,} in {names['there']}"


def _keys(keys: KeyComparison | None, names: dict[str, str]) -> Iterator[str]:
    if keys is None:
        return
    key = ", ".join(keys.key)
    told = {
        "only_here": f"only in {names['here']}",
        "only_there": f"only in {names['there']}",
        "changed": "in both, with other values",
    }
    for kind, words in told.items():
        count = getattr(keys, kind)
        if not count:
            continue
        more = ", …" if count > EXAMPLES else ""
        shown = (
            "; ".join(keys.examples[kind][:EXAMPLES])
            if len(keys.key) > 1
            else ", ".join(keys.examples[kind][:EXAMPLES])
        )
        yield f"{words}: {_many(count, 'key')} ({key} {shown}{more})"
    if keys.changed_columns:
        by_count = sorted(keys.changed_columns.items(), key=lambda each: -each[1])
        listed = ", ".join(f"{name} in {count:,}" for name, count in by_count)
        yield f"other values: {listed}"
    for side, name in names.items():
        doubled = getattr(keys, f"doubled_{side}")
        if doubled and keys.differs:
            yield f"{_many(doubled, 'key')} of {name} in more than one row"


# -- models and the verdict -----------------------------------------------------------------------------------


def _models(found: EnvironmentComparison, width: int) -> Iterator[str]:
    told = {
        "different": "models of other code",
        "only_here": f"models only in {found.here}",
        "only_there": f"models only in {found.there}",
    }
    for code, words in told.items():
        named = [each.model for each in found.models if each.code == code]
        if named:
            yield from _wrap(f"{words}: {', '.join(named)}", width)
    for transform, environment in found.not_known:
        yield from _wrap(
            f"models of {transform}: what {environment} was built with is not known on this machine", width
        )


def _verdict(found: EnvironmentComparison) -> str:
    here, there = found.here, found.there
    tables = len(found.tables)
    if not found.differs:
        rows = sum(each.rows_here or 0 for each in found.tables)
        keys = sum(each.keys.same for each in found.tables if each.keys)
        counted = [_many(tables, "table")]
        counted += [_many(rows, "row")] if any(each.rows_here is not None for each in found.tables) else []
        counted += [_many(keys, "key")] if any(each.keys for each in found.tables) else []
        return f"{here} and {there} are the same: {', '.join(counted)}."
    told = []
    different = sum(each.status != "same" for each in found.tables)
    if different:
        told.append(f"{different} of {_many(tables, 'table')}")
    models = sum(each.code not in ("same", "unknown") for each in found.models)
    if models:
        told.append(f"{models} of {_many(len(found.models), 'model')}")
    return f"{here} and {there} differ: {' and '.join(told)}."


def _behind(found: EnvironmentComparison) -> str:
    """The environment that ran longer ago, where that is known."""
    here, there = found.last_run_here, found.last_run_there
    return found.here if here and there and here < there else found.there


def _ended(moment: Any) -> str:
    return f", last good run {moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _time(moment: Any) -> str | None:
    return format_time(moment) if moment else None


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _wrap(line: str, width: int) -> list[str]:
    """The line, broken at blanks; what follows stands deeper than its beginning."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_on_hyphens=False,
        break_long_words=False,
    )
