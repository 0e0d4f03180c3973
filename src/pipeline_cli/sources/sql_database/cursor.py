"""Conditions of an incremental reading, in the database's own SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.sources import Incremental
from pipeline_cli.sources.sql_database.backend import Backend, DbColumn
from pipeline_cli.sources.sql_database.bookmark import Bookmark

_NUMBERS = ("bigint", "double", "decimal")
_TIMES = ("timestamp", "date")
# As on the row path: a cursor beyond this is a mistake (9999-12-31 for "open") that would hide all before it.
_FURTHEST_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A resource's cursor column in its database."""

    backend: Backend
    column: DbColumn
    incremental: Incremental
    resource: str

    @property
    def name(self) -> str:
        return self.backend.quote(self.column.name)

    @property
    def kind(self) -> str:
        return self.column.kind[0]

    def in_bounds(self) -> str:
        """Rows that can move the cursor: a value, not before the initial one, not far in the future."""
        bounds = [f"{self.name} IS NOT NULL"]
        if self.incremental.initial_value is not None:
            bounds.append(self.compare(">=", str(self.incremental.initial_value)))
        if self.incremental.end_value is not None:
            bounds.append(self.compare("<", str(self.incremental.end_value)))
        if self.kind in _TIMES:
            bounds.append(self.compare("<=", self._furthest()))
        return " AND ".join(bounds)

    def out_of_bounds(self) -> str:
        """Rows whose cursor says nothing: none, or one far in the future."""
        far = f" OR {self.compare('>', self._furthest())}" if self.kind in _TIMES else ""
        return f"({self.name} IS NULL{far})"

    def compare(self, sign: str, text: str) -> str:
        return f"{self.name} {sign} {self._literal(text)}"

    def largest(self, relation: str, where: str) -> str | None:
        """The largest cursor of these rows, as text."""
        shown = self.backend.as_text(f"max({self.name})")
        found = self.backend.fetch(f"SELECT {shown} FROM {relation} WHERE {where}")[0][0]
        text = None if found is None else repr(found) if isinstance(found, float) else str(found)
        if text is not None and self.kind == "text" and text.isdigit():
            self._refuse_digits(relation, where)
        return text

    def lower(self, bookmark: Bookmark) -> str | None:
        """Where the rows begin that may not all have been read: the bookmark's value, less the lag."""
        if bookmark.value is None:
            return None
        if bookmark.kind != self.kind:
            raise SourceError(
                f"{self.resource}: the cursor {self.column.name} was {bookmark.kind} and is {self.kind} now.",
                code="E377",
                hint="pipeline-cli run PIPELINE --full-refresh reads everything again.",
            )
        lag = self.incremental.lag
        return bookmark.value if lag is None else self._before(bookmark.value, lag)

    def _before(self, value: str, lag: Any) -> str:
        if isinstance(lag, timedelta) != (self.kind not in _NUMBERS):
            raise SourceError(
                f"{self.resource}: lag {lag} cannot be taken from the cursor {self.column.name}, a {self.kind}.",
                code="E377",
                hint="A number for numbers; a duration such as 1d for times.",
            )
        if not isinstance(lag, timedelta):
            return str(Decimal(value) - Decimal(str(lag)))
        try:
            moment = datetime.fromisoformat(value) - lag
        except (ValueError, OverflowError):
            raise SourceError(
                f"{self.resource}: the cursor {self.column.name} holds {value[:40]!r}, no time to take {lag} from.",
                code="E377",
            ) from None
        if self.kind == "date" and len(value) == 10:
            return moment.date().isoformat()
        shown = moment.isoformat(sep="T" if "T" in value else " ")
        return f"{shown.removesuffix('+00:00')}Z" if value.endswith("Z") else shown

    def _literal(self, text: str) -> str:
        if self.kind not in _NUMBERS:
            return self.backend.literal(text)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise SourceError(
                f"{self.resource}: {text[:40]!r} cannot be compared with the cursor {self.column.name}, a number.",
                code="E377",
                hint="Correct initial_value or end_value.",
            ) from None
        return format(number, "f")

    def _furthest(self) -> str:
        moment: date = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + _FURTHEST_AHEAD
        return moment.isoformat(sep=" ") if isinstance(moment, datetime) else moment.isoformat()

    def _refuse_digits(self, relation: str, where: str) -> None:
        """As texts, "10" comes before "9"."""
        sizes = self.backend.fetch(
            f"SELECT min(length({self.name})), max(length({self.name})) FROM {relation} WHERE {where}"
        )[0]
        if sizes[0] != sizes[1]:
            raise SourceError(
                f"{self.resource}: the cursor {self.column.name} holds numbers as texts of {sizes[0]} to {sizes[1]}"
                ' digits, and as a text "10" comes before "9": rows would be lost.',
                code="E377",
                hint="Use a query that casts it to a number.",
            )
