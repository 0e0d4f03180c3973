"""A contract as one SQL condition over columns: where it is true, the row check would accept the row as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.contracts.conditions import (
    FALSE,
    TRUE,
    UnsupportedError,
    all_of,
    compile_condition,
    resolve,
)
from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.fallbacks import PythonFunction, Subschema, column_check, row_check
from pipeline_cli.contracts.json_texts import is_null
from pipeline_cli.contracts.subjects import Reference, find_subject, needs_row_check
from pipeline_cli.contracts.texts import exact_condition, exact_or_absent
from pipeline_cli.sources.scan import ColumnSpec

# Keywords of the root that speak of several columns at once, or that nobody should read but the validator.
_OF_ROWS = frozenset(
    ("not", "if", "anyOf", "oneOf", "enum", "const", "minProperties", "maxProperties", "propertyNames")
)
_OF_ROWS |= {"dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties", "$anchor"}
_OF_ROWS |= {"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"}
_DEEPEST = 20


@dataclass(slots=True)
class _Column:
    """What the contract says of one column. schemas: with their places in the contract."""

    schemas: list[tuple[Any, str]] = field(default_factory=list)
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Predicates:
    """functions: by name, to be registered on the connection before the condition is used there."""

    columns: Sequence[ColumnSpec]
    functions: Mapping[str, PythonFunction]
    _conditions: Sequence[Callable[[Reference, Reference], str]]

    def sql(self, raw: Reference, value: Reference) -> str:
        """One boolean, never NULL. raw, value: the SQL of a column's raw and of its typed value (`value_sql`)."""
        condition = all_of([build(raw, value) for build in self._conditions])
        return condition if condition in (TRUE, FALSE) else f"CASE WHEN {condition} THEN true ELSE false END"


def compile_predicates(contract: Contract | None, columns: Sequence[ColumnSpec]) -> Predicates:
    """Compile once, for one scan. contract: None checks exactness alone."""
    compiler = _Compiler(contract, columns)
    conditions = compiler.compile()
    return Predicates(tuple(columns), compiler.functions, conditions)


class _RowCheckError(Exception):
    """The contract speaks of several columns together."""


class _Compiler:
    def __init__(self, contract: Contract | None, columns: Sequence[ColumnSpec]) -> None:
        self._contract = contract
        self._specs = columns
        self._columns = {spec.source: _Column() for spec in columns}
        self._is_impossible = False
        self.functions: dict[str, PythonFunction] = {}

    def compile(self) -> list[Callable[[Reference, Reference], str]]:
        if self._contract is not None:
            try:
                if _has_names(list(self._contract.schema.values())):
                    raise _RowCheckError
                self._read(self._contract.schema, "", 0)
            except (_RowCheckError, UnsupportedError):
                return [self._row_condition(self._contract)]
        if self._is_impossible:
            return [lambda raw, value: FALSE]
        return [self._column_condition(spec) for spec in self._specs]

    # -- the root ------------------------------------------------------------------------------------------------

    def _read(self, schema: Any, pointer: str, depth: int) -> None:
        """Sort what a schema of the whole record says by column; what it says of several raises."""
        if schema is True:
            return
        if not isinstance(schema, Mapping) or depth > _DEEPEST or _OF_ROWS & schema.keys():
            raise _RowCheckError
        for keyword, argument in schema.items():
            if keyword == "allOf":
                for index, each in enumerate(argument):
                    self._read(each, f"{pointer}/allOf/{index}", depth + 1)
            elif keyword == "$ref" and self._contract is not None:
                self._read(resolve(argument, self._contract.schema), argument.removeprefix("#"), depth + 1)
            elif keyword == "type":
                self._is_impossible |= "object" not in ([argument] if isinstance(argument, str) else argument)
        self._read_columns(schema, pointer)

    def _read_columns(self, schema: Mapping[str, Any], pointer: str) -> None:
        for name in schema.get("required", ()):
            if name in self._columns:
                self._columns[name].is_required = True
            else:
                self._is_impossible = True
        properties = schema.get("properties", {})
        patterns = {each: _Pattern(each) for each in schema.get("patternProperties", {})}
        for name, column in self._columns.items():
            matched = [each for each, pattern in patterns.items() if pattern.matches(name)]
            if name in properties:
                column.schemas.append((properties[name], f"{pointer}/properties/{_escape(name)}"))
            for each in matched:
                place = f"{pointer}/patternProperties/{_escape(each)}"
                column.schemas.append((schema["patternProperties"][each], place))
            if name not in properties and not matched and "additionalProperties" in schema:
                column.schemas.append((schema["additionalProperties"], f"{pointer}/additionalProperties"))

    # -- columns -------------------------------------------------------------------------------------------------

    def _row_condition(self, contract: Contract) -> Callable[[Reference, Reference], str]:
        function = row_check(contract, self._specs)
        self.functions[function.name] = function
        specs = self._specs

        def build(raw: Reference, value: Reference) -> str:
            exact = [
                exact_or_absent(each, raw(each), value(each)) for each in specs if not needs_row_check(each)
            ]
            arguments = ", ".join(_argument(each, raw(each)) for each in specs)
            return all_of([*exact, f"{function.name}({arguments})"])

        return build

    def _column_condition(self, spec: ColumnSpec) -> Callable[[Reference, Reference], str]:
        column = self._columns[spec.source]
        subschemas = (
            [Subschema(self._contract, place) for _, place in column.schemas] if self._contract else []
        )
        meets = self._schema_condition(spec, column, subschemas)
        takes_null = spec.encoding == "json" and all(each.is_valid(None) for each in subschemas)

        def build(raw: Reference, value: Reference) -> str:
            given, typed = raw(spec), value(spec)
            certain = meets(given, typed)
            if takes_null:
                certain = f"({certain}) OR {is_null(given)}"
            if column.is_required:
                return f"{given} IS NOT NULL AND ({certain})"
            return f"{given} IS NULL OR ({certain})"

        return build

    def _schema_condition(
        self, spec: ColumnSpec, column: _Column, subschemas: Sequence[Subschema]
    ) -> Callable[[str, str], str]:
        """The condition for a value that is there, exactness included."""
        subject = find_subject(spec)
        root = self._contract.schema if self._contract else {}
        if subject is not None:
            try:
                for schema, _ in column.schemas:  # whether it can be said is the same for any reference
                    compile_condition(schema, subject("r", "v").subject, root)
            except UnsupportedError:
                subject = None
        if subject is None and (column.schemas or needs_row_check(spec)):
            return self._checked(spec, subschemas)

        def meets(raw: str, value: str) -> str:
            exact = exact_condition(spec, raw, value)
            if subject is None or not column.schemas:
                return exact
            about = subject(raw, value)
            said = [compile_condition(schema, about.subject, root) for schema, _ in column.schemas]
            return all_of([exact, about.guard, *said])

        return meets

    def _checked(self, spec: ColumnSpec, subschemas: Sequence[Subschema]) -> Callable[[str, str], str]:
        if spec.data_type == "bool":
            allowed = [each for each in (True, False) if all(one.is_valid(each) for one in subschemas)]
            return lambda raw, value: all_of([exact_condition(spec, raw, value), _is_one_of(value, allowed)])
        function = column_check(spec, subschemas)
        self.functions[function.name] = function
        if needs_row_check(spec):  # the function looks at exactness too
            return lambda raw, value: f"{value} IS NOT NULL AND {function.name}({_argument(spec, raw)})"
        return lambda raw, value: all_of(
            [exact_condition(spec, raw, value), f"{function.name}({_argument(spec, raw)})"]
        )


class _Pattern:
    """A pattern of property names, matched by the validator itself."""

    def __init__(self, pattern: str) -> None:
        import jsonschema_rs

        self._validator = jsonschema_rs.Draft202012Validator({"pattern": pattern})

    def matches(self, name: str) -> bool:
        return bool(self._validator.is_valid(name))


def _argument(spec: ColumnSpec, raw: str) -> str:
    return raw if spec.encoding == "typed" else f"CAST({raw} AS VARCHAR)"


def _has_names(schemas: Any) -> bool:
    """Whether a schema inside has an `$id`: references there mean something else."""
    stack = [schemas]
    while stack:
        current = stack.pop()
        if isinstance(current, Mapping):
            if isinstance(current.get("$id"), str):
                return True
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
    return False


def _is_one_of(value: str, allowed: Sequence[bool]) -> str:
    if len(allowed) == 2:
        return TRUE
    return f"{value} = {str(allowed[0]).lower()}" if allowed else FALSE


def _escape(name: str) -> str:
    """A name as a step of a JSON pointer in a reference."""
    from urllib.parse import quote

    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
