"""Everything lineage is made from, collected: from the engines where their models changed, else as it was kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.errors import Busy, StepError, TransformError
from pipeline_cli.lineage.assembly import Parts, assemble
from pipeline_cli.lineage.catalog import Catalog, keep_catalog, kept_catalog, read_catalog
from pipeline_cli.lineage.graph import Lineage
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask
from pipeline_cli.steps.fingerprint import take_fingerprint
from pipeline_cli.transforms.described import DescribedColumn, DescribedModel, describe_models

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Collected:
    """catalog: None where the warehouse was never read. is_stale: it is from before, for the reason in `notes`.

    models: of each transform. notes: what people should know, a sentence each.
    """

    lineage: Lineage
    models: dict[str, list[DescribedModel]]
    catalog: Catalog | None
    is_stale: bool = False
    notes: Sequence[str] = field(default_factory=tuple)


def collect(project: Project, visit: Callable[[Warehouse, Catalog], None] | None = None) -> Collected:
    """The project's lineage as of now. Opens the warehouse for a moment, unless another process holds it.

    visit: called while the warehouse is open, for what else is to be read in it.
    """
    warehouse = open_warehouse(project)
    notes: list[str] = []
    models: dict[str, list[DescribedModel]] = {}
    for transform in project.manifest.transforms:
        try:
            models[transform] = read_models(project, transform, warehouse)
        except TransformError as error:
            models[transform] = []
            notes.append(f"Transform {transform}: {error.message}.")
    catalog, reason = _catalog(project, warehouse, models, visit)
    if reason:
        notes.append(reason)
    columns = catalog.columns() if catalog else {}
    lineage = assemble(Parts(project, models, columns, warehouse.type))
    return Collected(lineage, models, catalog, bool(reason), [mask(note, project.secrets) for note in notes])


def schemas_of(project: Project, models: Mapping[str, Sequence[DescribedModel]]) -> list[str]:
    """The warehouse's schemas that are the project's."""
    made = {model.schema for found in models.values() for model in found}
    return sorted(made | {f"bronze_{source}" for source in project.manifest.sources})


def _catalog(
    project: Project,
    warehouse: Warehouse,
    models: dict[str, list[DescribedModel]],
    visit: Callable[[Warehouse, Catalog], None] | None,
) -> tuple[Catalog | None, str | None]:
    """The catalog, and why it is not of now."""
    path = project.state_dir / "lineage" / "catalog.json"
    try:
        catalog = read_catalog(warehouse, schemas_of(project, models), place=project.model_schema)
        if visit is not None:
            visit(warehouse, catalog)
    except Busy:
        return kept_catalog(path), "A run holds the warehouse: its tables are shown as they were before."
    except StepError as error:
        return kept_catalog(path), f"The warehouse cannot be read: {error.message}."
    finally:
        warehouse.release()
    keep_catalog(path, catalog)
    return catalog, None


# -- what engines say, kept until the models change --------------------------------------------------------------


def read_models(project: Project, transform: str, warehouse: Warehouse) -> list[DescribedModel]:
    """A transform's models, as describe_models has them. Raises TransformError. Opens no warehouse."""
    entry = project.manifest.transforms[transform]
    if entry.engine != "sqlmesh":
        return describe_models(project, transform)
    folder = project.resolve(entry.path)
    key = hashlib.sha256(take_fingerprint(folder, entry, warehouse).encode())
    with suppress(OSError):  # the columns of bronze, which are not the user's and so not in the fingerprint
        key.update((folder / "external_models.yaml").read_bytes())
    path = project.state_dir / "lineage" / f"{transform}.json"
    kept = _kept(path, key.hexdigest())
    if kept is None:
        kept = describe_models(project, transform)
        _keep(path, key.hexdigest(), kept)
    return kept


def _keep(path: Path, key: str, models: Sequence[DescribedModel]) -> None:
    document = {"format": FORMAT, "key": key, "models": [asdict(model) for model in models]}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(json.dumps(document, default=sorted), encoding="utf-8")
        aside.replace(path)


def _kept(path: Path, key: str) -> list[DescribedModel] | None:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if (document["format"], document["key"]) != (FORMAT, key):
            return None
        return [_model(fields) for fields in document["models"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _model(fields: dict[str, Any]) -> DescribedModel:
    made_of = fields.pop("made_of")
    return DescribedModel(
        **{
            **fields,
            "columns": {name: DescribedColumn(**facts) for name, facts in fields["columns"].items()},
            "parents": frozenset((schema, name) for schema, name in fields["parents"]),
            "made_of": None
            if made_of is None
            else {
                name: frozenset((schema, table, column) for schema, table, column in origins)
                for name, origins in made_of.items()
            },
        }
    )
