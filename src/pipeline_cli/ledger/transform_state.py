"""Reading and writing what a transform was built from."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.entries import TransformState
from pipeline_cli.ledger.tables import rebuilds, transforms

Key = tuple[str, str, str]  # environment, pipeline, transform


def _is(key: Key) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in zip(transforms.primary_key, key, strict=True)]


def read_state(engine: sa.Engine, key: Key) -> TransformState | None:
    with reading(engine) as connection:
        row = connection.execute(sa.select(transforms).where(*_is(key))).one_or_none()
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


def write_state(engine: sa.Engine, key: Key, state: TransformState) -> None:
    environment, pipeline, name = key
    with changing(engine) as connection:
        connection.execute(sa.delete(transforms).where(*_is(key)))
        connection.execute(
            transforms.insert().values(
                environment=environment,
                pipeline=pipeline,
                name=name,
                clean=state.clean,
                run_id=state.run_id,
                fingerprint=state.fingerprint,
                load_ids={dataset: list(ids) for dataset, ids in state.load_ids.items()},
                relations=sorted(list(relation) for relation in state.relations),
                checks=None if state.checks is None else [dict(check) for check in state.checks],
            )
        )


def forget_states(engine: sa.Engine, environment: str) -> None:
    with changing(engine) as connection:
        connection.execute(sa.delete(transforms).where(transforms.c.environment == environment))
        connection.execute(sa.delete(rebuilds).where(rebuilds.c.environment == environment))


def needs_rebuild(engine: sa.Engine, key: Key) -> bool:
    with reading(engine) as connection:
        return connection.execute(sa.select(rebuilds.c.run_id).where(*_asked(key))).first() is not None


def ask_rebuild(engine: sa.Engine, key: Key, run_id: str) -> None:
    names = [column.name for column in rebuilds.primary_key]
    with changing(engine) as connection:
        connection.execute(sa.delete(rebuilds).where(*_asked(key)))
        connection.execute(rebuilds.insert().values(**dict(zip(names, key, strict=True)), run_id=run_id))


def clear_rebuild(engine: sa.Engine, key: Key) -> None:
    if needs_rebuild(engine, key):
        with changing(engine) as connection:
            connection.execute(sa.delete(rebuilds).where(*_asked(key)))


def _asked(key: Key) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in zip(rebuilds.primary_key, key, strict=True)]
