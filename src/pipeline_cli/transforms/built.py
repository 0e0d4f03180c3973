"""The models that an environment was last built with, as the engines' own records tell: no engine is imported."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_cli.destinations.base import Connection, literal, quote
from pipeline_cli.manifest.environments import SQLMESH_DEFAULT
from pipeline_cli.transforms.described import TableName

_COLUMN = re.compile(r'"?([A-Za-z_]\w*)"?')
_DBT_CODE = ("sql", "config", "macros")
_UNIQUE = {"unique_values", "unique_combination_of_columns"}  # SQLMesh's audits


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """code: a hash of what makes its rows, the same for the same code in any database.

    keys: columns that the project says are unique together, the best known first.
    """

    schema: str
    name: str
    code: str
    keys: tuple[tuple[str, ...], ...] = ()

    @property
    def table(self) -> TableName:
        return self.schema, self.name


def read_sqlmesh_built(
    connection: Connection, transform: str, environment: str = SQLMESH_DEFAULT
) -> list[BuiltModel] | None:
    """A SQLMesh project's models as they are promoted in this warehouse; None where its state cannot be read.

    environment: SQLMesh's name of it.
    The caller has seen that the schema `sqlmesh_<transform>` is there. Raises LoadError.
    """
    state = f"sqlmesh_{transform}"
    rows = connection.query(
        f"SELECT snapshots FROM {quote(state, '_environments')} WHERE name = {literal(environment)}"
    )
    try:
        promoted = {
            each["name"]: each["fingerprint"]
            for each in (_parsed(rows[0][0]) if rows else [])
            if each["kind_name"] != "EXTERNAL"
        }
        names = ", ".join(map(literal, promoted)) or "NULL"
        kept = connection.query(
            f"SELECT name, fingerprint, snapshot FROM {quote(state, '_snapshots')} WHERE name IN ({names})"
        )
        nodes = {
            name: _parsed(snapshot)["node"]
            for name, fingerprint, snapshot in kept
            if _parsed(fingerprint) == promoted[name]
        }
        return [_sqlmesh_model(name, promoted[name], nodes.get(name, {})) for name in promoted]
    except (KeyError, TypeError, ValueError):
        return None


def read_dbt_built(nodes: Mapping[str, Any]) -> list[BuiltModel] | None:
    """A dbt project's models. nodes: of its last good build (dbt_nodes.py); None where there are none."""
    try:
        return _dbt_models(nodes) if nodes else None
    except (KeyError, TypeError, ValueError):
        return None


# -- SQLMesh -------------------------------------------------------------------------------------------------


def _sqlmesh_model(fqn: str, fingerprint: Mapping[str, Any], node: Mapping[str, Any]) -> BuiltModel:
    """fqn: "catalog"."schema"."name", as SQLMesh quotes it."""
    _, schema, name = (part.replace('""', '"') for part in re.findall(r'"((?:[^"]|"")*)"', fqn))
    return BuiltModel(schema, name, str(fingerprint["data_hash"]), tuple(_sqlmesh_keys(node)))


def _sqlmesh_keys(node: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    kind = node.get("kind") or {}
    told = [
        *(node.get("grains") or ()),
        *(arguments.get("columns") for audit, arguments in node.get("audits") or () if audit in _UNIQUE),
        kind.get("unique_key"),
    ]
    if kind.get("name") in ("SCD_TYPE_2_BY_TIME", "SCD_TYPE_2_BY_COLUMN", "SCD_TYPE_2"):
        told.pop()  # its rows are versions: each key comes once a version
    for each in told:
        columns = _columns(each)
        if columns:
            yield columns


def _columns(told: Any) -> tuple[str, ...]:
    """("a", "b") of "(a, b)", "a" or ["a", "b"]; nothing where one of them is an expression."""
    if isinstance(told, str):
        stripped = told.strip()
        told = stripped[1:-1].split(",") if stripped[:1] in ("(", "[") else [stripped]
    found = [_COLUMN.fullmatch(str(each).strip()) for each in told or ()]
    return tuple(match[1] for match in found if match) if all(found) else ()


def _parsed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


# -- dbt -----------------------------------------------------------------------------------------------------


def _dbt_models(nodes: Mapping[str, Any]) -> list[BuiltModel]:
    keys: dict[str, list[tuple[str, ...]]] = {}
    for test in nodes["tests"].values():
        keys.setdefault(str(test["model"]), []).append(_columns(test.get("unique")))
    found = []
    for name, model in nodes["models"].items():
        told = (*keys.get(name, ()), _columns(model.get("unique")))
        code = hashlib.sha256(json.dumps([model[part] for part in _DBT_CODE]).encode()).hexdigest()
        found.append(BuiltModel(model["schema"], model["name"], code, tuple(filter(None, told))))
    return found
