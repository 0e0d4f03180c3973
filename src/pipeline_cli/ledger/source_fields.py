"""What each source has given so far, field by field: beside it, the next load shows what has changed."""

from __future__ import annotations

from pipeline_cli.drift import SourceFields, from_json, to_json
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import source_fields


def read_fields(database: Database, environment: str, source: str) -> SourceFields:
    """Empty before the first load."""
    with reading(database) as connection:
        found = connection.value(
            f"SELECT fields FROM source_fields WHERE {source_fields.is_key}",
            environment=environment,
            source=source,
        )
    return from_json(found or {})


def write_fields(database: Database, environment: str, source: str, fields: SourceFields) -> None:
    row = {"environment": environment, "source": source, "fields": to_json(fields)}
    with changing(database) as connection:
        connection.replace(source_fields, row)
