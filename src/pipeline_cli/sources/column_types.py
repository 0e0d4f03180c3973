"""What a column is called in its table, and what type somebody has said it has."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline_cli.dlt_import import import_dlt
from pipeline_cli.drift import VARIANT

if TYPE_CHECKING:
    from pipeline_cli.contracts.contract import Contract
    from pipeline_cli.manifest.sources import ResourceHints
    from pipeline_cli.sources.scan import Known

ColumnType = tuple[str, int | None, int | None]  # dlt's data type, precision, scale

# Of these dlt's snake_case makes themselves; 63 is Postgres' limit for an identifier.
_PLAIN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 63


@cache
def column_name(name: str) -> str:
    """The name as dlt's snake_case convention gives it: "Order ID" is "order_id". May be empty for "__"."""
    if _PLAIN.fullmatch(name) and len(name) <= _LONGEST:
        return name
    import_dlt()
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return str(NamingConvention(max_length=_LONGEST).normalize_identifier(name)) if name.strip("_ ") else ""


def variant_name(column: str) -> str:
    """The column for the texts among a column's values, as dlt names it: `price__v_text`, shortened where long."""
    name = f"{column}__{VARIANT}"
    if len(name) <= _LONGEST:
        return name
    import_dlt()
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return str(NamingConvention(max_length=_LONGEST).shorten_fragments(column, VARIANT))


def declared_type(
    source_name: str, hints: ResourceHints, contract: Contract | None, known: Known
) -> tuple[ColumnType, bool] | None:
    """A column's type and whether the project says it: `columns:` first, then the contract, then the table.

    None where nobody has said anything: it is to be found out from the whole of the data.
    A text with a date's format in the contract is a date, as on the row path.
    """
    name = column_name(source_name)
    for key in (source_name, name):
        hint = hints.columns.get(key)
        if hint is not None and hint.data_type is not None:
            return (hint.data_type, hint.precision, hint.scale), True
    there = known.columns.get(name)
    types = contract.column_types() if contract else {}
    said = types.get((source_name,)) or types.get((name,))
    if said:
        # The table's own precision, where the contract only says "number".
        return (there if there and there[0] in (said, "decimal") else (said, None, None)), True
    return (there, False) if there else None
