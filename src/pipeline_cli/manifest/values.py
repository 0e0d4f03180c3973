"""Single values: variables filled in, secrets kept out of sight, then read as the type that the key has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import LONGEST_VALUE, Findings, did_you_mean
from pipeline_cli.manifest.interpolate import (
    Variables,
    has_plain_password,
    has_plain_text,
    is_secret_reference,
)
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.nodes import Scalar
from pipeline_cli.manifest.paths import check_path, check_url
from pipeline_cli.manifest.scalars import (
    YAML_11_BOOLS,
    is_null,
    parse_duration,
    parse_limit,
    resolve,
    surprise,
)
from pipeline_cli.manifest.shapes import Field, describe, is_choice

INVALID: Any = object()  # a value whose mistake is recorded

# needed: a variable that is not set is a mistake. replayed, listed: it is noted, and something stands in.
Demand = Literal["needed", "replayed", "listed"]
_STAND_INS: dict[str, str] = {"replayed": "replayed", "listed": ""}
_TEXTS = (codes.BAD_URL, codes.BAD_PATH)  # mistakes in text whose variable may be shown
_NEUTRAL: dict[Any, Any] = {int: 0, float: 0.0, bool: False, timedelta: timedelta(), Limit: Limit(count=0)}


class Text:
    """A filled value: whether it `varies` with the environment, and whether a variable is `unset`."""

    __slots__ = ("text", "unset", "varies")

    def __init__(self, text: str, varies: bool = False, unset: bool = False) -> None:
        self.text = text
        self.varies = varies
        self.unset = unset


class Values:
    """Reads scalars. `entry` and `demand` say which entry is being read and how badly it is needed."""

    def __init__(
        self,
        findings: Findings,
        variables: Variables,
        root: Path,
        names: Mapping[str, tuple[str, ...] | None],
    ) -> None:
        self.findings = findings
        self.variables = variables
        self.root = root
        self.names = names
        self.entry = ""
        self.demand: Demand = "needed"
        self.missing: dict[str, tuple[str, ...]] = {}
        self._used: list[str] = []  # the variables of the value that is being read

    def read(self, hints: tuple[Any, ...], optional: bool, node: Scalar, field: Field) -> Any:
        """The scalar as one of the types in `hints`, or INVALID."""
        if node.plain and is_null(node.text):
            if optional:
                return None
            return self.wrong(node, f"{field.name} has no value; it must be {describe(hints)}.")
        filled = self.fill(node, secret=field.secret)
        if filled is None:
            return INVALID
        if filled.unset:
            return self._stand_in(hints, filled.text)
        if optional and filled.varies and not filled.text:
            return None  # ${env:NAME:-}: whoever sets no NAME leaves the key out
        value = self._convert(hints, node, filled, field)
        return value if value is INVALID else self._check(value, node, field)

    def read_free(self, node: Scalar, secret: bool) -> Any:
        """A value of any type: null, a bool, a number or text. secret: its key says that it is a secret."""
        if secret and not self._is_blank(node) and has_plain_text(node.text):
            return self._refuse_secret(node, node.owner.text if node.owner else "it")
        filled = self.fill(node, secret=False, sensitive=secret)
        if filled is None:
            return INVALID
        if not node.plain or filled.unset or (secret and filled.varies):
            return filled.text
        return self._number_or_text(node, filled, node.owner.text if node.owner else "an item")

    def fill(self, node: Scalar, *, secret: bool, sensitive: bool = False) -> Text | None:
        """The text with its variables, None when there is a mistake in it.

        secret: it must be one variable and nothing else. sensitive: its variables are secrets.
        """
        self._used = []
        if secret and not is_secret_reference(node.text):
            self._refuse_secret(node, node.owner.text if node.owner else "it")
            return None
        if "://" in node.text and has_plain_password(node.text):
            self._refuse_secret(node, "the password in this URL")
            return None
        if "${" not in node.text:
            return Text(node.text)
        filled = self.variables.fill(node.text, secret=secret or sensitive)
        if filled.bad:
            hint = "Write ${env:NAME} or ${env:NAME:-default}; a literal ${ is written $${."
            message = f"{self.findings.show(node)} has a placeholder that is not understood."
            self.findings.add(codes.BAD_PLACEHOLDER, node, message, hint)
            return None
        if filled.missing:
            return self._lack(node, tuple(filled.missing), secret)
        self._used = filled.used
        return Text(filled.text, varies=bool(filled.used))

    def wrong(
        self, node: Scalar, message: str, hint: str | None = None, code: str = codes.WRONG_VALUE
    ) -> Any:
        # The variable of a number, a bool or a choice may hold a secret by mistake: its value is not repeated.
        held = self.variables.describe(self._used) if code in _TEXTS else ""
        if self._used and not held:
            held = f"It comes from {', '.join(dict.fromkeys(self._used))}"
        self.findings.add(code, node, f"{message} {held}." if held else message, hint)
        return INVALID

    def _is_blank(self, node: Scalar) -> bool:
        return node.plain and (is_null(node.text) or isinstance(resolve(node.text), bool))

    def _refuse_secret(self, node: Scalar, what: str) -> Any:
        self.findings.hide(node)
        message = f"{what} is a secret and stands here in plain text."
        hint = "Write ${env:NAME} without a default, and set NAME in the environment or in .env."
        return self.wrong(node, message, hint, codes.PLAIN_SECRET)

    def _lack(self, node: Scalar, names: tuple[str, ...], secret: bool) -> Text | None:
        if self.demand == "needed":
            default = "" if secret else f", or give it a default: ${{env:{names[0]}:-value}}"
            for name in dict.fromkeys(names):
                hint = f"export {name}=..., or put {name}=... into .env{default}."
                message = f"the environment variable {name} is not set."
                self.findings.add(codes.MISSING_VARIABLE, node, message, hint)
            return None
        known = self.missing.get(self.entry, ())
        self.missing[self.entry] = tuple(dict.fromkeys((*known, *names)))
        return Text(_STAND_INS[self.demand], varies=True, unset=True)

    def _stand_in(self, hints: tuple[Any, ...], text: str) -> Any:
        """Something of the right type for an entry that will not be used."""
        if str in hints:
            return text
        return get_args(hints[0])[0] if is_choice(hints[0]) else _NEUTRAL[hints[0]]

    def _convert(self, hints: tuple[Any, ...], node: Scalar, filled: Text, field: Field) -> Any:
        if is_choice(hints[0]):
            return self._choice(get_args(hints[0]), node, filled, field)
        if hints == (str,):
            return self._text(node, filled, field)
        if hints == (bool,):
            return self._bool(node, filled, field)
        if Limit in hints:
            return self._limit(node, filled, field)
        value: Any = filled.text
        textual = str in hints
        if node.plain or (filled.varies and not textual):
            value = self._number_or_text(node, filled, field.name, textual)
        if type(value) in set(hints) or value is INVALID:
            return value
        if float in hints and type(value) is int:
            return float(value)
        duration = parse_duration(value) if timedelta in hints and isinstance(value, str) else None
        return self._unlike(hints, node, field, value) if duration is None else duration

    def _unlike(self, hints: tuple[Any, ...], node: Scalar, field: Field, value: Any) -> Any:
        hint = None
        if timedelta in hints and isinstance(value, (int, float)):
            hint = f'Give it a unit: "{node.text}s" is seconds, "{node.text}m" minutes.'
        elif not node.plain and isinstance(resolve(node.text), (int, float)):
            hint = "Remove the quotes."
        elif "_" in node.text and isinstance(resolve(node.text.replace("_", "")), int):
            hint = f"Write {node.text.replace('_', '')}."
        message = f"{field.name} must be {describe(hints)}, not {self.findings.show(node)}."
        return self.wrong(node, message, hint)

    def _number_or_text(self, node: Scalar, filled: Text, name: str, textual: bool = True) -> Any:
        """A plain value by YAML's rules, unless a reader would take it for something else."""
        reason = surprise(filled.text, textual=textual)
        if reason is None:
            return resolve(filled.text)
        if filled.varies:
            return filled.text
        message = f"{name}: {node.text[:LONGEST_VALUE]} is ambiguous: {reason}."
        hint = f'Write "{node.text[:LONGEST_VALUE]}" for text, or the number plainly.'
        return self.wrong(node, message, hint if textual else "Write the number plainly.", codes.QUOTE_IT)

    def _text(self, node: Scalar, filled: Text, field: Field) -> Any:
        value = resolve(filled.text) if node.plain and not filled.varies else filled.text
        if not isinstance(value, str):
            kind = "true or false" if isinstance(value, bool) else "a number"
            message = f"{field.name} must be text, and YAML reads {self.findings.show(node)} as {kind}."
            hint = f'Put it in quotes: "{node.text[:LONGEST_VALUE]}".'
            return self.wrong(node, message, hint, codes.QUOTE_IT)
        if field.required and not value:
            return self.wrong(node, f"{field.name} is empty.", field.doc)
        if "\0" in value:
            return self.wrong(node, f"{field.name} holds a NUL character.", "Remove it.")
        return value

    def _bool(self, node: Scalar, filled: Text, field: Field) -> Any:
        value = resolve(filled.text) if node.plain or filled.varies else None
        if isinstance(value, bool):
            return value
        message = f"{field.name} must be true or false, not {self.findings.show(node)}."
        hint = None
        if node.text.lower() in YAML_11_BOOLS:
            hint = "In YAML 1.2 only true and false are booleans; this is text."
        elif not node.plain and isinstance(resolve(node.text), bool):
            hint = "Remove the quotes."
        return self.wrong(node, message, hint)

    def _limit(self, node: Scalar, filled: Text, field: Field) -> Any:
        limit = parse_limit(filled.text)
        if limit is not None and surprise(filled.text) is None:
            return limit
        message = f"{field.name} must be {describe((Limit,))}, not {self.findings.show(node)}."
        return self.wrong(node, message, 'A share is written with its sign: "0.5%" to "100%".')

    def _choice(self, choices: tuple[Any, ...], node: Scalar, filled: Text, field: Field) -> Any:
        value = resolve(filled.text) if node.plain or filled.varies else filled.text
        for choice in choices:
            if filled.text == choice or (value == choice and type(value) is type(choice)):
                return choice
        message = f"{field.name} must be {describe((Literal[choices],))}, not {self.findings.show(node)}."
        names = tuple(map(str, choices))
        hint = did_you_mean(node.text, names, what="Allowed") if len(names) > 1 else None
        if filled.text in names:
            hint = "Remove the quotes."
        return self.wrong(node, message, hint, codes.NOT_A_CHOICE)

    def _check(self, value: Any, node: Scalar, field: Field) -> Any:
        if field.minimum is not None:
            amount = value.total_seconds() if isinstance(value, timedelta) else value
            if isinstance(amount, (int, float)) and amount < field.minimum:
                least = f"{field.minimum:g}{' seconds' if isinstance(value, timedelta) else ''}"
                return self.wrong(
                    node, f"{field.name} must be at least {least}, not {self.findings.show(node)}."
                )
        mistake = None
        if field.refers_to:
            return self._refer(value, node, field)
        if field.path:
            mistake = check_path(self.root, value, field.path)
        elif field.url:
            mistake = check_url(value)
        if mistake is None:
            return value
        code, message, hint = mistake
        return self.wrong(node, f"{field.name}: {self.findings.show(node)} {message}", hint, code)

    def _refer(self, name: str, node: Scalar, field: Field) -> Any:
        section = field.refers_to or ""
        known = self.names.get(section)
        if known is None or name in known:  # None: the section itself is broken
            return name
        message = f"{self.findings.show(node)} is not one of the {section}."
        hint = did_you_mean(node.text, known, what=f"The {section} are")
        return self.wrong(node, message, hint, codes.UNKNOWN_NAME)
