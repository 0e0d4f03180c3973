"""`diff`: two environments of one project, table by table and model by model. Nothing is changed in either."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline_cli.comparison.sides import Side, TableName, is_same_warehouse, open_side
from pipeline_cli.comparison.tables import Depth, TableComparison, compare_table
from pipeline_cli.comparison.technical import technical_columns
from pipeline_cli.project import Project
from pipeline_cli.transforms.built import BuiltModel

BRONZE = "bronze_"
Code = Literal["same", "different", "only_here", "only_there", "unknown"]


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """code: whether both environments were built from the same. "unknown": what built it is not on this machine."""

    transform: str
    model: str
    code: Code


@dataclass(frozen=True, slots=True)
class EnvironmentComparison:
    """last_run_*: when the environment's last good run ended (UTC). same_warehouse: both are the very same tables.

    not_known: transforms of which one environment's models are not known, and in which.
    """

    here: str
    there: str
    last_run_here: datetime | None = None
    last_run_there: datetime | None = None
    tables: Sequence[TableComparison] = ()
    models: Sequence[ModelComparison] = ()
    not_known: Sequence[tuple[str, str]] = ()
    same_warehouse: bool = False

    @property
    def differs(self) -> bool:
        return any(each.status != "same" for each in self.tables) or any(
            each.code not in ("same", "unknown") for each in self.models
        )


def compare_environments(
    here: Project, there: Project, pipelines: Sequence[str], depth: Depth, ignored: Collection[str] = ()
) -> EnvironmentComparison:
    """Compare what these pipelines made in two environments. ignored: columns whose values do not count.

    Raises UsageError where one of them never ran, Busy where a run holds its warehouse, LoadError.
    """
    names = here.environment_name, there.environment_name
    shares_loads = is_same_warehouse(here, there)
    if shares_loads and not (here.is_copy or there.is_copy):
        return EnvironmentComparison(*names, same_warehouse=True)
    with open_side(here, pipelines) as ours, open_side(there, pipelines) as theirs:
        models, not_known = _compare_models(ours, theirs)
        return EnvironmentComparison(
            *names,
            ours.last_run,
            theirs.last_run,
            list(_compare_tables(ours, theirs, depth, ignored, shares_loads=shares_loads)),
            models,
            not_known,
        )


def _compare_tables(
    here: Side, there: Side, depth: Depth, ignored: Collection[str], *, shares_loads: bool
) -> Iterator[TableComparison]:
    technical: Mapping[TableName, frozenset[str]] | None = None
    for table in _tables(here, there):
        if shares_loads and table[0].startswith(BRONZE):
            continue
        found = compare_table(here, there, table, depth, ignored)
        if not table[0].startswith(BRONZE) and _other_values(found):
            # Lineage may import an engine: it is asked only where a model's values differ.
            technical = technical_columns(here, there) if technical is None else technical
            of_loading = technical.get(table, frozenset()) & here.tables[table].columns.keys()
            if of_loading:
                found = compare_table(here, there, table, depth, {*ignored, *of_loading})
        yield found


def _other_values(found: TableComparison) -> bool:
    return bool(found.content_differs or (found.keys and found.keys.changed))


def _tables(here: Side, there: Side) -> list[TableName]:
    """All tables of either side: bronze, then silver, then gold, then others."""
    layers = (BRONZE, "silver_", "gold_")

    def place(table: TableName) -> tuple[int, TableName]:
        found = [index for index, layer in enumerate(layers) if table[0].startswith(layer)]
        return (found or [len(layers)])[0], table

    return sorted({*here.tables, *there.tables}, key=place)


def _compare_models(here: Side, there: Side) -> tuple[list[ModelComparison], list[tuple[str, str]]]:
    found: list[ModelComparison] = []
    not_known: list[tuple[str, str]] = []
    for transform in here.models:
        own, others = here.models[transform], there.models[transform]
        not_known += [(transform, side.name) for side in (here, there) if side.models[transform] is None]
        ours, theirs = _by_name(own), _by_name(others)
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            code = (
                "unknown"
                if own is None or others is None
                else _compare_code(ours.get(name), theirs.get(name))
            )
            found.append(ModelComparison(transform, name, code))
    return found, not_known


def _by_name(models: Sequence[BuiltModel] | None) -> dict[str, BuiltModel]:
    return {".".join(model.table): model for model in models or ()}


def _compare_code(own: BuiltModel | None, others: BuiltModel | None) -> Code:
    if own is None:
        return "only_there"
    if others is None:
        return "only_here"
    return "same" if own.code == others.code else "different"
