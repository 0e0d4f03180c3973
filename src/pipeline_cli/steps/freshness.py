"""Whether a transform has anything to do, found out without its engine (importing SQLMesh takes 1.4 s)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from pipeline_cli.destinations.base import Warehouse, quote
from pipeline_cli.ledger import Ledger, TransformState
from pipeline_cli.project import Project
from pipeline_cli.steps.fingerprint import take_fingerprint

Relation = tuple[str, str]
LOADS_TABLE = "_dlt_loads"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a transform would be built from now, and which relations are there.

    load_ids: bronze dataset -> ids of the load packages that are committed in it.
    """

    fingerprint: str
    load_ids: Mapping[str, Sequence[str]]
    relations: frozenset[Relation]


def look(
    project: Project, warehouse: Warehouse, pipeline: str, transform: str, state: TransformState | None
) -> Standing:
    """The standing of a transform of a pipeline. Two queries on the warehouse."""
    entry = project.manifest.transforms[transform]
    bronze = [f"bronze_{source}" for source in project.manifest.pipelines[pipeline].sources]
    schemas = {schema for schema, _ in state.relations} if state else set()
    relations = frozenset(warehouse.relations(sorted({*bronze, *schemas})))
    return Standing(
        fingerprint=take_fingerprint(project.resolve(entry.path), entry, warehouse),
        load_ids=_load_ids(warehouse, [name for name in bronze if (name, LOADS_TABLE) in relations]),
        relations=relations,
    )


def find_fresh(
    ledger: Ledger, environment: str, state: TransformState | None, now: Standing
) -> frozenset[Relation] | None:
    """The (dataset, table) that received rows since the transform last succeeded; None: not known.

    It is not known before the first success, when a relation that it made is gone, when loads have vanished,
    and when there are loads that the ledger knows nothing of (a run was killed, or someone used dlt alone).
    """
    if state is None or state.run_id is None or not state.relations <= now.relations:
        return None
    built = {(dataset, load_id) for dataset, ids in state.load_ids.items() for load_id in ids}
    there = {(dataset, load_id) for dataset, ids in now.load_ids.items() for load_id in ids}
    if built - there:
        return None
    new = {load_id for _, load_id in there - built}
    known = ledger.loaded_tables(environment, sorted(new)) if new else {}
    if new - known.keys():
        return None
    # dlt's own tables change with every load, and no model reads them.
    return frozenset(
        table for tables in known.values() for table in tables if not table[1].startswith("_dlt_")
    )


def new_loads(state: TransformState | None, now: Standing) -> dict[str, list[str]]:
    """dataset -> ids of the loads since the transform last succeeded; none before the first time."""
    if state is None:
        return {}
    found = {
        dataset: set(ids) - set(state.load_ids.get(dataset, ())) for dataset, ids in now.load_ids.items()
    }
    return {dataset: sorted(ids) for dataset, ids in found.items() if ids}


def is_unchanged(state: TransformState | None, now: Standing, fresh: frozenset[Relation] | None) -> bool:
    """Whether the transform's last build succeeded and would come out the same."""
    return state is not None and state.clean and state.fingerprint == now.fingerprint and fresh == frozenset()


def _load_ids(warehouse: Warehouse, datasets: Sequence[str]) -> dict[str, list[str]]:
    if not datasets:
        return {}
    # status 0: dlt has committed the package.
    query = " UNION ALL ".join(
        f"SELECT CAST(? AS varchar), load_id FROM {quote(dataset, LOADS_TABLE)} WHERE status = 0"
        for dataset in datasets
    )
    found: dict[str, list[str]] = {}
    with closing(warehouse.connect()) as connection:
        for dataset, load_id in connection.query(query, list(datasets)):
            found.setdefault(str(dataset), []).append(str(load_id))
    return {dataset: sorted(ids) for dataset, ids in found.items()}
