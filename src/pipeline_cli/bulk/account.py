"""The account of a column load, before its commit: what the source gave, what was written, what the warehouse holds."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_cli.bulk.target import Target
from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.document import ResourceResult
from pipeline_cli.errors import LoadError

_HINT = "Nothing of this source was loaded. This should never happen: look for triggers on the table, keep the log."


@dataclass(frozen=True, slots=True)
class Counts:
    """What our statements say that they wrote. inserted: before earlier rows of a key were removed again."""

    loaded: int
    inserted: int
    only_adds: bool


def require_closed(target: Target, result: ResourceResult, load_id: str, counts: Counts) -> None:
    """Raise LoadError unless extracted = loaded + quarantined + deduplicated, and the table holds what is loaded."""
    name = f"{result.dataset}.{result.table}"
    if not result.balances:
        raise LoadError(
            f"{name}: the account does not close: {result.extracted} extracted, but {result.loaded} loaded + "
            f"{result.quarantined} quarantined + {result.deduplicated} deduplicated.",
            code="E321",
            hint=_HINT,
        )
    if not counts.inserted:
        return
    held = _held(target, quote(result.dataset, result.table), load_id, counts)
    if held != counts.loaded:
        raise LoadError(
            f"{name}: the account does not close: {counts.loaded} rows were loaded, the table holds {held} of them.",
            code="E321",
            hint=_HINT,
        )


def _held(target: Target, table: str, load_id: str, counts: Counts) -> int:
    """How many rows of this load the table holds."""
    if target.dialect == "postgres":
        # The server's own counters of this transaction: to count in the table would read all of it.
        found = target.query(
            f"SELECT pg_stat_get_xact_tuples_inserted({literal(table)}::regclass),"
            f" pg_stat_get_xact_tuples_deleted({literal(table)}::regclass), current_setting('track_counts')"
        )
        inserted, deleted, is_counting = found[0]
        if is_counting == "on":
            return (
                int(inserted) - (counts.inserted - counts.loaded) - (int(deleted) if counts.only_adds else 0)
            )
    statement = f"SELECT count(*) FROM {table} WHERE _dlt_load_id = {literal(load_id)}"
    return int(target.query(statement)[0][0])


def require_all_read(where: str, given: int | None, taken: int) -> None:
    """Raise LoadError unless every row that the source gave was written or judged. given: None where nobody counted."""
    if given is not None and given != taken:
        raise LoadError(
            f"{where}: the account does not close: the source gave {given} rows, and {taken} were written or judged.",
            code="E321",
            hint=_HINT,
        )
