"""Which chunks of a backfill are done."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pipeline_cli.document import utc_now
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import backfill_chunks


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """resources: their names, sorted, with commas. start, end: as texts; the end is left out."""

    environment: str
    source: str
    resources: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class ChunkState:
    run_id: str
    status: str


def read_chunk(database: Database, key: ChunkKey) -> ChunkState | None:
    """What the ledger knows of the chunk; None where nobody has begun it."""
    query = f"SELECT run_id, status FROM backfill_chunks WHERE {backfill_chunks.is_key}"
    with reading(database) as connection:
        row = connection.row(query, **asdict(key))
    return None if row is None else ChunkState(row.run_id, row.status)


def write_chunk(database: Database, key: ChunkKey, state: ChunkState) -> None:
    row = {**asdict(key), **asdict(state), "changed_at": utc_now()}
    with changing(database) as connection:
        connection.replace(backfill_chunks, row)
