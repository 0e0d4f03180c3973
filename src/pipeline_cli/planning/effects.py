"""What a change of disposition, key, cursor or type does to the rows that are there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Effect = tuple[str, bool]  # in words; whether rows or what they hold can be lost

# What of a type a narrower one cannot hold. dlt's names.
_HOLDS: Mapping[str, frozenset[str]] = {
    "text": frozenset(
        {"text", "bigint", "double", "decimal", "wei", "bool", "timestamp", "date", "time", "json"}
    ),
    "json": frozenset({"json", "text", "bigint", "double", "bool"}),
    "decimal": frozenset({"decimal", "bigint", "wei"}),
    "wei": frozenset({"wei", "bigint"}),
    "double": frozenset({"double", "bigint"}),
    "timestamp": frozenset({"timestamp", "date"}),
}


def disposition_effect(before: str, after: str, rows: int | None, *, of_files: bool = False) -> Effect:
    """before, after: write dispositions. rows: in the table now; None where it is not there.

    of_files: what is read are files, each once.
    """
    if not rows:
        return "no rows are there yet", False
    there = count_rows(rows)
    if after == "replace" and of_files:
        return (
            f"{there} {_are(rows)} deleted once a file is new, changed or gone, and all files are read",
            True,
        )
    if after == "replace":
        return (
            f"{there} {_are(rows)} deleted by the next run, and what the source gives takes their place",
            True,
        )
    if before == "scd2":
        return f"{there} hold versions: those of a key that comes again are deleted", after == "merge"
    if after == "merge":
        return f"{there} stay; one whose key comes again is replaced", False
    if after == "scd2":
        return (
            f"{there} stay as current versions, without a beginning; a key that comes again gets a version",
            False,
        )
    return f"{there} stay; a record that comes again is there twice from now on", False


def key_effect(disposition: str, key: Sequence[str], shared: int | None, rows: int | None) -> Effect:
    """shared: rows that the new key does not tell apart (None: it is no column of the table)."""
    if not rows:
        return "no rows are there yet", False
    if disposition in ("append", "replace"):
        return f"{count_rows(rows)} stay; with {disposition} no row is looked for by its key", False
    if not key:
        return f"{count_rows(rows)} stay; nothing tells them apart any more", False
    if shared is None:
        return f"{count_rows(rows)} have no {', '.join(key)}: records that come again are there twice", True
    if shared:
        return (
            f"{shared:,} of {count_rows(rows)} share their {', '.join(key)} with another or have none: "
            "one record that comes takes the place of several"
        ), True
    return (
        f"{count_rows(rows)} stay, each with a {', '.join(key)} of its own; records are merged by it",
        False,
    )


def cursor_effect(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    standing: str | None,
    disposition: str,
    rows: int | None,
) -> Effect:
    """before, after: `incremental` of the resource, empty for none. standing: where the cursor is."""
    if not before:
        return (
            f"read from {after.get('initial_value', 'its beginning')} once more, then only what is new",
            _twice(disposition, rows),
        )
    if not after:
        return "everything is read by each run" + _again(disposition, rows), _twice(disposition, rows)
    if before.get("cursor_path") != after.get("cursor_path"):
        begin = after.get("initial_value", "its beginning")
        return (
            f"the cursor at {standing or 'its beginning'} counts no more: read again from {begin}"
            + _again(disposition, rows)
        ), True
    if before.get("end_value") != after.get("end_value"):
        return (
            f"records up to {after.get('end_value', 'the newest')} are read;"
            f" the cursor stands at {standing or 'its beginning'}",
            False,
        )
    if before.get("lag") != after.get("lag"):
        return f"each run looks back {after.get('lag', 'not at all')} from {standing or 'the cursor'}", False
    if before.get("initial_value") != after.get("initial_value"):
        return _initial_effect(standing), False
    return f"the cursor stays at {standing or 'its beginning'}", False


def _initial_effect(standing: str | None) -> str:
    if standing is None:
        return "nothing was read yet: the first run begins there"
    return f"nothing: the cursor stands at {standing}; state set or backfill reads what lies before"


def hint_effect(
    before: Mapping[str, Any], after: Mapping[str, Any], there: str | None, rows: int | None
) -> Effect:
    """before, after: the column's hints. there: its type in the warehouse, None where it has no such column."""
    if there is None:
        return "no such column is there yet", False
    if is_narrower(before, after):
        return (
            f"the column stays {there} with its {count_rows(rows or 0)}; values that do not fit are quarantined",
            True,
        )
    return f"the column stays {there} until run --full-refresh; new values are held to it", False


def is_narrower(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the hints let less through than before: a smaller type, fewer digits, no NULL."""
    old, new = before.get("data_type"), after.get("data_type")
    if old and new and old != new:
        return new not in _wider_than(old)
    if after.get("nullable") is False and before.get("nullable") is not False:
        return True
    return any(
        after.get(key) is not None and (before.get(key) is None or after[key] < before[key])
        for key in ("precision", "scale")
    )


def _wider_than(data_type: str) -> set[str]:
    return {wide for wide, held in _HOLDS.items() if data_type in held}


def _again(disposition: str, rows: int | None) -> str:
    if disposition == "append" and rows:
        return "; records that are there come twice"
    return ", and merged by key" if disposition == "merge" else ""


def _twice(disposition: str, rows: int | None) -> bool:
    return disposition == "append" and bool(rows)


def count_rows(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _are(rows: int) -> str:
    return "is" if rows == 1 else "are"
