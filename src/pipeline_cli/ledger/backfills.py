"""Which chunks of a backfill are done."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from pipeline_cli.document import utc_now
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


def read_chunk(engine: sa.Engine, key: ChunkKey) -> ChunkState | None:
    """What the ledger knows of the chunk; None where nobody has begun it."""
    query = sa.select(backfill_chunks.c.run_id, backfill_chunks.c.status).where(*_is(key))
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else ChunkState(row.run_id, row.status)


def write_chunk(engine: sa.Engine, key: ChunkKey, state: ChunkState) -> None:
    with changing(engine) as connection:
        connection.execute(sa.delete(backfill_chunks).where(*_is(key)))
        row = {**asdict(key), **asdict(state), "changed_at": utc_now()}
        connection.execute(backfill_chunks.insert().values(row))


def _is(key: ChunkKey) -> list[sa.ColumnElement[bool]]:
    return [backfill_chunks.c[name] == value for name, value in asdict(key).items()]
