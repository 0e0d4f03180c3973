"""What each source has given so far, field by field: beside it, the next load shows what has changed."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline_cli.drift import SourceFields, from_json, to_json
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import source_fields


def read_fields(engine: sa.Engine, environment: str, source: str) -> SourceFields:
    """Empty before the first load."""
    with reading(engine) as connection:
        found = connection.scalar(sa.select(source_fields.c.fields).where(*_is(environment, source)))
    return from_json(found or {})


def write_fields(engine: sa.Engine, environment: str, source: str, fields: SourceFields) -> None:
    row = {"environment": environment, "source": source, "fields": to_json(fields)}
    with changing(engine) as connection:
        connection.execute(sa.delete(source_fields).where(*_is(environment, source)))
        connection.execute(source_fields.insert().values(row))


def _is(environment: str, source: str) -> list[sa.ColumnElement[bool]]:
    return [source_fields.c.environment == environment, source_fields.c.source == source]
