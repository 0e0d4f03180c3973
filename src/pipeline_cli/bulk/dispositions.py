"""What loading does to the rows that are there: append, replace, merge by key, or keep versions (scd2).

append and replace write straight into the table. merge and scd2 fill a temporary table first; the database then
compares by key and `_record_hash`. All of it stands in the load's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline_cli.bulk.reading import timestamp_literal
from pipeline_cli.bulk.target import Target
from pipeline_cli.destinations.base import quote

VALID_FROM, VALID_TO = "_dlt_valid_from", "_dlt_valid_to"


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did with the staged rows, each counted by the statement that did it.

    left_out: rows that stand in the table unchanged, and earlier ones of a key that came again.
    """

    written: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a resource's rows go. table: quoted; keys, columns: names in the table, metadata included.

    order: SQL of the staged rows' order; None where they stand in it.
    """

    table: str
    keys: Sequence[str]
    columns: Sequence[str]
    order: str | None = None


def empty_table(target: Target, table: str) -> int:
    """For replace: readers see the old rows until the commit. Returns how many there were."""
    # Not TRUNCATE: on Postgres that locks every reader out until the load's end.
    return target.execute(f"DELETE FROM {table}")


def merge_rows(target: Target, staged: str, destination: Destination) -> Merged:
    """Bring the staged rows into the table by key, the last of each key; unchanged ones are left.

    A NULL is no key: such rows have been rejected before.
    """
    left_out = _prepare_staged(target, staged, destination)
    table, row_id = destination.table, target.row_id
    # One join of the two tables, which is most of the work; rows are then removed by their addresses.
    matched = target.create_temp(
        "_matched",
        f"SELECT staged.{row_id} AS staged_at, there.{row_id} AS there_at,"
        ' coalesce(staged."_record_hash" = there."_record_hash", false) AS is_same'
        f" FROM {staged} AS staged JOIN {table} AS there ON {_equal('staged', 'there', destination.keys)}",
    )
    left_out += _delete_at(target, staged, f"SELECT staged_at FROM {matched} WHERE is_same")
    _delete_at(target, table, f"SELECT there_at FROM {matched} WHERE NOT is_same")
    target.execute(f"DROP TABLE {matched}")
    return Merged(_copy_rows(target, staged, table, destination.columns), left_out)


def _delete_at(target: Target, table: str, addresses: str) -> int:
    row_id = target.row_id
    # Postgres goes to the addresses of an array, and would join a list of rows with the whole table.
    listed = f"= ANY(ARRAY({addresses}))" if target.dialect == "postgres" else f"IN ({addresses})"
    return target.execute(f"DELETE FROM {table} WHERE {row_id} {listed}")


def has_twice(target: Target, table: str, keys: Sequence[str]) -> bool:
    """Whether any key stands in more than one row."""
    names = ", ".join(quote(name) for name in keys)
    return bool(target.query(f"SELECT 1 FROM {table} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"))


def keep_last(target: Target, table: str, keys: Sequence[str], order: str) -> int:
    """Of the rows of one key, the last stays; all must be of this load. order: SQL. Returns how many are gone."""
    if not has_twice(target, table, keys):
        return 0
    names = ", ".join(quote(name) for name in keys)
    numbered = (
        f"SELECT {target.row_id} AS address,"
        f" row_number() OVER (PARTITION BY {names} ORDER BY {order} DESC) AS n FROM {table}"
    )
    earlier = f"SELECT address FROM ({numbered}) AS numbered WHERE n > 1"
    return target.execute(f"DELETE FROM {table} WHERE {target.row_id} IN ({earlier})")


def add_versions(
    target: Target, staged: str, destination: Destination, moment: datetime, *, is_whole: bool
) -> Merged:
    """Write a new version of each staged row that has changed, and end the one before.

    is_whole: the source gave all of its rows, so a key that is not among them has ended.
    """
    left_out = _prepare_staged(target, staged, destination)
    table, now = destination.table, timestamp_literal(moment)
    same = _equal("staged", "there", destination.keys)
    current = f"there.{quote(VALID_TO)} IS NULL"
    ending = f"UPDATE {table} AS there SET {quote(VALID_TO)} = {now}"
    if is_whole:
        target.execute(
            f"{ending} WHERE {current} AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE {same})"
        )
    left_out += target.execute(
        f"DELETE FROM {staged} AS staged USING {table} AS there"
        f' WHERE {current} AND {same} AND staged."_record_hash" = there."_record_hash"'
    )
    target.execute(f"{ending} FROM {staged} AS staged WHERE {current} AND {same}")
    target.execute(f"UPDATE {staged} SET {quote(VALID_FROM)} = {now}")
    return Merged(_copy_rows(target, staged, table, [*destination.columns, VALID_FROM]), left_out)


def _prepare_staged(target: Target, staged: str, destination: Destination) -> int:
    """Keep the last row of each key; how many are gone."""
    keys = destination.keys
    removed = keep_last(target, staged, keys, destination.order or target.row_id)
    if target.dialect == "postgres":
        # A temporary table has no statistics by itself; the join needs those of the keys.
        target.execute(f"ANALYZE {staged} ({', '.join(quote(name) for name in keys)})")
    return removed


def _equal(left: str, right: str, keys: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in keys)


def _copy_rows(target: Target, staged: str, table: str, columns: Sequence[str]) -> int:
    names = ", ".join(quote(name) for name in columns)
    return target.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staged}")
