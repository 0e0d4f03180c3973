"""A rejected row's fields again: as its file or its database gave them, typed as its table is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline_cli.contracts.json_values import parse_json, plain_json
from pipeline_cli.contracts.reasons import Reason, json_path
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.quarantine import Rejected
from pipeline_cli.sources.column_types import ColumnType, column_name, declared_type
from pipeline_cli.sources.scan import ColumnSpec, Encoding, Known


def read_values(entry: Rejected, hints: Any) -> tuple[dict[str, Any], Encoding] | None:
    """The row's fields as its source gave them, and how they are written; None for a line without fields."""
    if any(reason["rule"] == "malformed" for reason in entry.reasons):
        return None
    kind = _format(entry, hints)
    if kind == "csv":
        return parse_json(entry.record), "text"
    if kind == "jsonl":
        # The line itself where it is known: the record has long numbers as texts.
        record = parse_json(entry.raw) if entry.raw and entry.line else parse_json(entry.record)
        return {name: _json_text(value) for name, value in record.items()}, "json"
    return parse_json(entry.record), "typed"


def _format(entry: Rejected, hints: Any) -> str:
    if not hasattr(hints, "file_glob"):
        return "typed"
    if hints.format is not None:
        return str(hints.format)
    from pipeline_cli.sources.files.resource import format_of

    return format_of(entry.file or "") or "csv"


def _json_text(value: Any) -> str:
    from decimal import Decimal

    return format(value, "f") if isinstance(value, Decimal) else plain_json(value)


def read_specs(
    values: Mapping[str, Any],
    encoding: Encoding,
    hints: Any,
    rules: GateRules,
    there: Mapping[str, ColumnType],
) -> Iterator[ColumnSpec]:
    """The columns of a row's fields, typed as a load into the table that is there types them."""
    csv = getattr(hints, "csv", None)
    for source in values:
        name = column_name(source)
        said = declared_type(source, hints, rules.contract, Known(there))
        data_type, precision, scale = there.get(name, ("text", None, None))
        yield ColumnSpec(
            source,
            name,
            data_type,
            precision,
            scale,
            encoding=encoding,
            date_format=csv.date_format if csv and data_type == "date" else None,
            timestamp_format=csv.timestamp_format if csv and data_type == "timestamp" else None,
            is_declared=said is not None and said[1],
        )


def key_reasons(
    rules: GateRules, specs: Sequence[ColumnSpec], record: Mapping[str, Any]
) -> tuple[Reason, ...]:
    keys = {column_name(name) for name in rules.primary_key}
    having = {spec.name for spec in specs if record.get(spec.source) is not None}
    missing = sorted(keys - having)
    return tuple(Reason(json_path((name,)), "primary_key", "the key has no value") for name in missing)
