"""Row checks as functions for DuckDB: what a contract says of a column, or of a row, that SQL does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.decode import ABSENT, decode
from pipeline_cli.contracts.judge import judge
from pipeline_cli.sources.scan import ColumnSpec

_BASE = "urn:pipeline-cli:contract"
_numbers = count(1)  # functions of several resources stand on one connection


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """To register on the connection: `create_function(name, function, parameters, "BOOLEAN", type="arrow", …)`.

    function: takes one Arrow array a column, gives a boolean array without nulls; has no side effects.
    parameters: None, any types. It handles NULL itself (null_handling="special").
    """

    name: str
    function: Callable[..., Any]
    parameters: None = None


class Subschema:
    """A place in a contract, "/properties/price", with a validator of its own."""

    def __init__(self, contract: Contract, pointer: str) -> None:
        self._contract = contract
        self._pointer = pointer

    def is_valid(self, value: Any) -> bool:
        return bool(self._validator.is_valid(value))

    @cached_property
    def _validator(self) -> Any:
        import jsonschema_rs

        # References inside are of the whole contract, so it stands there whole, under a name of its own.
        wrapped = {"$ref": f"{_BASE}#{self._pointer}", "$defs": {"contract": self._named()}}
        return jsonschema_rs.Draft202012Validator(wrapped, validate_formats=True)

    def _named(self) -> Mapping[str, Any]:
        return {**self._contract.schema, "$id": _BASE}


def column_check(spec: ColumnSpec, schemas: Sequence[Subschema]) -> PythonFunction:
    """Whether each value of one column is exact and meets the schemas; each different value is checked once."""

    def accepts(raw: Any) -> bool:
        decoded = decode(spec, raw)
        if decoded.problem is not None:
            return False
        return decoded.seen is ABSENT or all(each.is_valid(decoded.seen) for each in schemas)

    def check(values: Any) -> Any:
        import pyarrow as pa

        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        try:
            encoded = values.dictionary_encode(null_encoding="encode")
        except pa.ArrowNotImplementedError:  # Arrow tells no two structs or lists apart: each is checked
            return pa.array([accepts(each) for each in values.to_pylist()], pa.bool_())
        verdicts = pa.array([accepts(each) for each in encoded.dictionary.to_pylist()], pa.bool_())
        return verdicts.take(encoded.indices)

    return PythonFunction(f"pipeline_check_column_{next(_numbers)}", check)


def row_check(contract: Contract, columns: Sequence[ColumnSpec]) -> PythonFunction:
    """Whether each row meets the contract as a whole; one Arrow array a column, in their order."""

    def check(*arrays: Any) -> Any:
        import pyarrow as pa

        names = [spec.source for spec in columns]
        rows = zip(*(each.to_pylist() for each in arrays), strict=True)
        verdicts = [not judge(contract, columns, dict(zip(names, row, strict=True))).reasons for row in rows]
        return pa.array(verdicts, pa.bool_())

    return PythonFunction(f"pipeline_check_row_{next(_numbers)}", check)
