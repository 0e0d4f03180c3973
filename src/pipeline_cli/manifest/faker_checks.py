"""What a faker source's columns say, one by one: one kind each, ranges that hold something, weights that weigh."""

from __future__ import annotations

from typing import Any

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.faker import COLUMN_KINDS, DEFAULT_REFERENCE_DATE, OWN_PROVIDERS
from pipeline_cli.manifest.faker_columns import ColumnNode, TextOf, items, number, read_tables
from pipeline_cli.manifest.faker_links import FakerLinks
from pipeline_cli.manifest.faker_names import has_locale, has_provider, provider_names
from pipeline_cli.manifest.faker_ranges import RangeChecks
from pipeline_cli.manifest.faker_values import parse_reference
from pipeline_cli.manifest.findings import Findings, nearest, quoted
from pipeline_cli.manifest.nodes import Mapping, Node, Scalar, child
from pipeline_cli.manifest.scalars import is_null, resolve, surprise


class FakerChecks:
    """The checks of one faker source. text: a scalar's text with its variables filled in."""

    def __init__(self, source: Node, text: TextOf, findings: Findings) -> None:
        self.source = source
        self.text = text
        self.findings = findings
        said = text(child(source, "reference_date")) or DEFAULT_REFERENCE_DATE
        self.reference = parse_reference(said)
        self.ranges = RangeChecks(text, findings, self.reference)
        self.locales = self._known_locales(child(source, "locale")) or ["en_US"]

    def check(self) -> None:
        """Record what is wrong in the columns, and between them."""
        node = child(self.source, "reference_date")
        if self.reference is None and isinstance(node, Scalar):
            message = f"reference_date must be a day, not {quoted(node.text)}."
            self._refuse(node, message, "Write it as 2026-01-31, or today.")
        tables = read_tables(self.source, self.text)
        sizes: dict[tuple[str, str], int | None] = {}
        for table in tables.values():
            for column in table.columns.values():
                sizes[table.name, column.name] = self._check_column(column)
        self.ranges.check_sequences(tables.values())
        FakerLinks(tables, self.text, self.findings).check(sizes)

    def _refuse(
        self, node: Node, message: str, hint: str | None = None, code: str = codes.WRONG_VALUE
    ) -> None:
        self.findings.add(code, node, message, hint)

    def _check_column(self, column: ColumnNode) -> int | None:
        """Check one column; how many different values it can have, None for any number or where unknown."""
        self._check_kind(column)
        self._check_companions(column)
        for name in ("boolean", "null"):
            share = column.setting(name)
            if (number(share, self.text) or 0) > 1 and share:
                self._refuse(share, f"{name} is a share: from 0 to 1.", "5% is 0.05.")
        kind, value = column.kind, column.value
        if kind == "provider":
            self._check_provider(column)
        elif kind in ("integer", "decimal", "double", "date", "timestamp"):
            return self.ranges.check(kind, column)
        elif kind == "after":
            self.ranges.check_delay(column)
        elif kind == "one_of":
            return self._check_choices(value)
        elif kind == "constant" and not isinstance(value, Scalar):
            self._refuse(value, "constant must be a single value.", None, codes.WRONG_SHAPE)
        return {"boolean": 2, "constant": 1}.get(kind or "")

    def _check_kind(self, column: ColumnNode) -> None:
        said = [column.settings[key] for key in column.settings if key in COLUMN_KINDS]
        for entry in said:
            if isinstance(entry.value, Scalar) and entry.value.plain and is_null(entry.value.text):
                self._refuse(entry.value, f"{entry.key.text} has no value.")
        if isinstance(column.whole, Scalar) or len(said) == 1:
            return
        if said:
            kinds = " and ".join(entry.key.text for entry in said)
            message = f"{quoted(column.name)} says in several ways what its values are: {kinds}."
            self._refuse(said[1].key, message, "Keep one.")
        elif isinstance(column.whole, Mapping) and not any(
            nearest(k, [*COLUMN_KINDS]) for k in column.settings
        ):
            message = f"{quoted(column.name)} does not say what its values are."
            hint = f"Name a provider, or write one of {', '.join(COLUMN_KINDS)}."
            self._refuse(column.key, message, hint, codes.MISSING_KEY)

    def _check_companions(self, column: ColumnNode) -> None:
        owners = {companion: kind for kind, companions in COLUMN_KINDS.items() for companion in companions}
        for name, entry in column.settings.items():
            owner = owners.get(name)
            if owner is None or column.kind is None or column.kind == owner:
                continue
            what = (
                f"{column.kind} takes no {name}"
                if column.kind in OWN_PROVIDERS
                else f"{name} goes with {owner}"
            )
            self._refuse(entry.key, f"{what}.", f"Remove {name}.", codes.UNKNOWN_KEY)

    # -- providers -------------------------------------------------------------------------------------------

    def _known_locales(self, node: Node | None) -> list[str]:
        known = []
        for item in items(node):
            locale = self.text(item)
            if locale and has_locale(locale):
                known.append(locale)
            elif locale:
                message = f"Faker knows no locale {quoted(locale)}."
                self._refuse(item, message, "Write it as en_US or de_DE.", codes.NOT_A_CHOICE)
        return known

    def _check_provider(self, column: ColumnNode) -> None:
        name = self.text(column.value)
        own = column.setting("locale")
        for locale in self._known_locales(own) if own else self.locales:
            if name and not has_provider(name, locale):
                message = f"Faker has no provider {quoted(name)} for {locale}."
                near = nearest(name, [*COLUMN_KINDS, *provider_names(locale)])
                hint = f"Did you mean {near}?" if near else "They are listed at https://faker.readthedocs.io."
                self._refuse(column.value, message, hint, codes.NOT_A_CHOICE)
                return

    # -- choices ---------------------------------------------------------------------------------------------

    def _check_choices(self, value: Node) -> int | None:
        if isinstance(value, Mapping):
            return self._check_weights(value)
        nodes = list(items(value))
        if isinstance(value, Scalar) and is_null(value.text):
            return None  # told already
        if not nodes or isinstance(value, Scalar):
            self._refuse(value, "one_of needs a list of values, or a map from values to weights.")
            return None
        kinds, seen = set(), list[Any]()
        for node in nodes:
            if not isinstance(node, Scalar) or (node.plain and is_null(node.text)):
                self._refuse(
                    node, "one_of takes texts, numbers, true and false.", "For NULLs, add null: 0.05."
                )
                return None
            found = resolve(node.text) if node.plain else node.text
            kinds.add(
                float if isinstance(found, (int, float)) and not isinstance(found, bool) else type(found)
            )
            if found in seen:
                hint = f"Give weights: one_of: {{{node.text}: 2, ...}}."
                self._refuse(node, f"{quoted(node.text)} stands twice in one_of.", hint)
            seen.append(found)
        if len(kinds) > 1:
            self._refuse(
                value, "one_of mixes texts with numbers or truth values.", "Put all of them in quotes."
            )
        return len(nodes)

    def _check_weights(self, value: Mapping) -> int | None:
        weights = [number(entry.value, self.text) for entry in value.entries.values()]
        for entry, weight in zip(value.entries.values(), weights, strict=True):
            if weight is None or weight < 0:
                message = f"the weight of {quoted(entry.key.text)} must be a number from 0."
                self._refuse(entry.value, message, "Weights are shares of their sum: {Cash: 20, Card: 80}.")
            is_odd = not entry.key.plain or surprise(entry.key.text)
            if is_odd and not isinstance(resolve(entry.key.text), str):
                message = f"{quoted(entry.key.text)} would be read as a number or a truth value."
                self._refuse(entry.key, message, "Give such texts as a list, in quotes, without weights.")
        if not any(weights) and None not in weights:
            self._refuse(value, "the weights of one_of add up to 0.", "At least one must be above 0.")
        kinds = {isinstance(resolve(name), str) for name in value.entries}
        if len(kinds) > 1:
            self._refuse(value, "one_of mixes texts with numbers or truth values.")
        return len(weights)


def check_faker(source: Node, text: TextOf, findings: Findings) -> None:
    """Record what is wrong in the columns of a faker source."""
    FakerChecks(source, text, findings).check()
