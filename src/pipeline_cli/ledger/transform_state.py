"""Reading and writing what a transform was built from."""

from __future__ import annotations

from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.entries import TransformState
from pipeline_cli.ledger.tables import rebuilds, transforms

Key = tuple[str, str, str]  # environment, pipeline, transform


def read_state(database: Database, key: Key) -> TransformState | None:
    with reading(database) as connection:
        row = connection.row(f"SELECT * FROM transforms WHERE {transforms.is_key}", **_named(key))
    if row is None:
        return None
    return TransformState(
        clean=row.clean,
        run_id=row.run_id,
        fingerprint=row.fingerprint,
        load_ids=row.load_ids or {},
        relations=frozenset((schema, name) for schema, name in row.relations or ()),
        checks=row.checks,
    )


def write_state(database: Database, key: Key, state: TransformState) -> None:
    row = {
        **_named(key),
        "clean": state.clean,
        "run_id": state.run_id,
        "fingerprint": state.fingerprint,
        "load_ids": {dataset: list(ids) for dataset, ids in state.load_ids.items()},
        "relations": sorted(list(relation) for relation in state.relations),
        "checks": None if state.checks is None else [dict(check) for check in state.checks],
    }
    with changing(database) as connection:
        connection.replace(transforms, row)


def forget_states(database: Database, environment: str) -> None:
    with changing(database) as connection:
        connection.change("DELETE FROM transforms WHERE environment = :environment", environment=environment)
        connection.change("DELETE FROM rebuilds WHERE environment = :environment", environment=environment)


def needs_rebuild(database: Database, key: Key) -> bool:
    with reading(database) as connection:
        found = connection.row(f"SELECT run_id FROM rebuilds WHERE {rebuilds.is_key}", **_named(key))
        return found is not None


def ask_rebuild(database: Database, key: Key, run_id: str) -> None:
    with changing(database) as connection:
        connection.replace(rebuilds, {**_named(key), "run_id": run_id})


def clear_rebuild(database: Database, key: Key) -> None:
    if needs_rebuild(database, key):
        with changing(database) as connection:
            connection.change(f"DELETE FROM rebuilds WHERE {rebuilds.is_key}", **_named(key))


def _named(key: Key) -> dict[str, str]:
    return dict(zip(("environment", "pipeline", "name"), key, strict=True))
