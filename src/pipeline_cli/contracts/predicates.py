"""A contract as one SQL condition over columns: where it is true, the row check would accept the row as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.contracts.conditions import compile_condition
from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.fallbacks import PythonFunction, Subschema, column_check, row_check
from pipeline_cli.contracts.json_texts import is_null
from pipeline_cli.contracts.record_schema import ColumnRules, read_rules
from pipeline_cli.contracts.subjects import Reference, find_subject, needs_row_check
from pipeline_cli.contracts.terms import FALSE, TRUE, UnsupportedError, all_of
from pipeline_cli.contracts.texts import exact_condition, exact_or_absent
from pipeline_cli.contracts.typed_values import is_plain_json
from pipeline_cli.sources.scan import ColumnSpec

_Builder = Callable[[Reference, Reference], str]  # for a row
_ValueBuilder = Callable[[str, str], str]  # for a value that says something


@dataclass(frozen=True, slots=True)
class Predicates:
    """functions: by name, to be registered on the connection before the condition is used there."""

    columns: Sequence[ColumnSpec]
    functions: Mapping[str, PythonFunction]
    _conditions: Sequence[_Builder]

    def sql(self, raw: Reference, value: Reference) -> str:
        """One boolean, never NULL. raw, value: the SQL of a column's raw and of its typed value (`value_sql`)."""
        condition = all_of([build(raw, value) for build in self._conditions])
        return condition if condition in (TRUE, FALSE) else f"CASE WHEN {condition} THEN true ELSE false END"


def compile_predicates(contract: Contract | None, columns: Sequence[ColumnSpec]) -> Predicates:
    """Compile once, for one scan. contract: None checks exactness alone."""
    compiler = _Compiler(contract)
    rules = read_rules(contract, [spec.source for spec in columns])
    conditions: list[_Builder]
    if rules is None:
        conditions = [compiler.row_condition(columns)]
    elif rules.is_impossible:
        conditions = [lambda raw, value: FALSE]
    else:
        conditions = [compiler.column_condition(spec, rules.columns[spec.source]) for spec in columns]
    return Predicates(tuple(columns), compiler.functions, conditions)


class _Compiler:
    """Makes the conditions of one contract, and the functions that they call."""

    def __init__(self, contract: Contract | None) -> None:
        self._contract = contract
        self._root: Mapping[str, Any] = contract.schema if contract else {}
        self.functions: dict[str, PythonFunction] = {}

    def row_condition(self, columns: Sequence[ColumnSpec]) -> _Builder:
        """The whole contract by Python; that SQL's values are exact stays SQL's to say."""
        assert self._contract is not None
        function = self._keep(row_check(self._contract, columns))

        def build(raw: Reference, value: Reference) -> str:
            exact = [
                f"{raw(each)} IS NULL OR ({_is_json(each, raw(each), value(each))})"
                if needs_row_check(each)
                else exact_or_absent(each, raw(each), value(each))
                for each in columns
            ]
            arguments = ", ".join(_argument(each, raw(each)) for each in columns)
            return all_of([*exact, f"{function.name}({arguments})"])

        return build

    def column_condition(self, spec: ColumnSpec, rules: ColumnRules) -> _Builder:
        schemas = [Subschema(self._contract, place) for _, place in rules.schemas] if self._contract else []
        meets = self._compiled(spec, rules) or self._checked(spec, schemas)
        takes_null = spec.encoding == "json" and all(each.is_valid(None) for each in schemas)

        def build(raw: Reference, value: Reference) -> str:
            certain = f"({meets(raw(spec), value(spec))})"
            if takes_null:
                certain = f"({certain} OR {is_null(raw(spec))})"
            if rules.is_required:
                return f"{raw(spec)} IS NOT NULL AND {certain}"
            return f"{raw(spec)} IS NULL OR {certain}"

        return build

    def _compiled(self, spec: ColumnSpec, rules: ColumnRules) -> _ValueBuilder | None:
        """Exactness and schemas in SQL alone; None where SQL does not say them."""
        if needs_row_check(spec):
            return None
        if not rules.schemas:
            return lambda raw, value: exact_condition(spec, raw, value)
        subject = find_subject(spec)
        if subject is None:
            return None

        def meets(raw: str, value: str) -> str:
            about = subject(raw, value)
            said = [compile_condition(schema, about.subject, self._root) for schema, _ in rules.schemas]
            return all_of([exact_condition(spec, raw, value), about.guard, *said])

        try:
            meets("raw", "value")  # whether it can be said is the same for any reference
        except UnsupportedError:
            return None
        return meets

    def _checked(self, spec: ColumnSpec, schemas: Sequence[Subschema]) -> _ValueBuilder:
        """The schemas by Python, for this column alone."""
        if spec.data_type == "bool":  # two values: Python judges them now
            allowed = [each for each in (True, False) if all(one.is_valid(each) for one in schemas)]
            return lambda raw, value: all_of([exact_condition(spec, raw, value), _is_one_of(value, allowed)])
        function = self._keep(column_check(spec, schemas))
        exact = _is_json if needs_row_check(spec) else exact_condition  # the function looks at exactness too
        return lambda raw, value: all_of(
            [exact(spec, raw, value), f"{function.name}({_argument(spec, raw)})"]
        )

    def _keep(self, function: PythonFunction) -> PythonFunction:
        self.functions[function.name] = function
        return function


def _argument(spec: ColumnSpec, raw: str) -> str:
    return raw if spec.encoding == "typed" else f"CAST({raw} AS VARCHAR)"


def _is_json(spec: ColumnSpec, raw: str, value: str) -> str:
    is_there = f"{value} IS NOT NULL"
    return all_of([is_there, is_plain_json(raw)]) if spec.encoding == "typed" else is_there


def _is_one_of(value: str, allowed: Sequence[bool]) -> str:
    if len(allowed) == 2:
        return TRUE
    return f"{value} = {str(allowed[0]).lower()}" if allowed else FALSE
