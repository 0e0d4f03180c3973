"""What two tables of one kind of database have alike, found by the database: only the rest is read row by row.

Keys fall into buckets by their hash. A bucket whose rows have the same hashes on both sides holds the same rows.
Between
a DuckDB and a Postgres there is no such hash, as they write values in their own ways.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline_cli.destinations.base import Connection, quote

_COUNT = 1024
# Of one row's values, a 64-bit number that is the same in every file, or on every server, of that database.
_HASH = {
    "duckdb": "hash({columns})",
    "postgres": "hashtextextended(CAST(ROW({columns}) AS text), 0)",
}
_BUCKET = {"duckdb": f"{{hash}} % {_COUNT}", "postgres": f"{{hash}} & {_COUNT - 1}"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """keys: how many there are; rows; doubled: keys of more than one row; content: the sum of the rows' hashes."""

    keys: int
    rows: int
    doubled: int
    content: int


def has_hash(dialect: str) -> bool:
    """Whether tables of this database can be compared by it."""
    return dialect in _HASH


def read_buckets(
    connection: Connection, dialect: str, table: str, key: Sequence[str], columns: Sequence[str]
) -> dict[int, Bucket]:
    """The table's buckets. table: quoted, and with a WHERE where not all rows count. Memory: the database's own."""
    number = bucket_of(dialect, key)
    names = ", ".join(map(quote, key))
    rows = connection.query(
        "SELECT bucket, count(*), sum(n), sum(CASE WHEN n > 1 THEN 1 ELSE 0 END), sum(content) FROM ("
        f"SELECT {number} AS bucket, count(*) AS n, sum({_hash(dialect, columns)}) AS content"
        f" FROM {table} GROUP BY {names}) AS keyed GROUP BY bucket"
    )
    return {int(bucket): Bucket(*(int(each) for each in counts)) for bucket, *counts in rows}


def read_content(connection: Connection, dialect: str, table: str, columns: Sequence[str]) -> tuple[int, int]:
    """(rows, sum of their hashes) of a table, which `read_buckets` says more of."""
    [(count, content)] = connection.query(f"SELECT count(*), sum({_hash(dialect, columns)}) FROM {table}")
    return int(count), int(content or 0)


def split_alike(here: Mapping[int, Bucket], there: Mapping[int, Bucket]) -> tuple[list[Bucket], list[int]]:
    """The buckets that are alike, and the numbers of those that are to be read."""
    alike = {number for number in here if here[number] == there.get(number)}
    return [here[number] for number in sorted(alike)], sorted((here.keys() | there.keys()) - alike)


def bucket_of(dialect: str, key: Sequence[str]) -> str:
    """The number of a row's bucket, as an expression of SQL."""
    return _BUCKET[dialect].format(hash=_hash(dialect, key))


def in_buckets(dialect: str, key: Sequence[str], wanted: Collection[int]) -> str:
    """A condition of SQL: rows of these buckets; none where every bucket is wanted."""
    if len(wanted) == _COUNT:
        return ""
    return f"{bucket_of(dialect, key)} IN ({', '.join(map(str, wanted))})"


def _hash(dialect: str, columns: Sequence[str]) -> str:
    return _HASH[dialect].format(columns=", ".join(map(quote, columns)))
