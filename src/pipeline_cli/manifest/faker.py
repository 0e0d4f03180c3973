"""The `faker` source: tables of generated rows, said column by column.

A column is the name of a Faker provider (`city: city`), one of sequence, uuid4 and boolean, or a map with
exactly one of COLUMN_KINDS. https://faker.readthedocs.io/en/stable/providers.html lists the providers.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pipeline_cli.manifest.models import Limit, entry, key
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.manifest.sources import OnViolation

DEFAULT_REFERENCE_DATE = "2026-01-01"
# Said in plain text or as `provider:`, these are made here, row by row, and not by Faker.
OWN_PROVIDERS = ("sequence", "uuid4", "boolean")


@entry
class Sequence:
    start: int = key("The first row's number.", default=1)
    step: int = key("What each row adds.", default=1)


@entry
class FakerColumn:
    """How one column's values are made: one of COLUMN_KINDS, and what goes with every kind."""

    provider: str | None = key(
        "A Faker provider (name, city, pystr), sequence, uuid4 or boolean.", default=None
    )
    arguments: Mapping[str, Any] = key("Keyword arguments of the provider.", default={})
    locale: tuple[str, ...] = key("Locales of the provider, instead of the source's.", default=())
    sequence: Sequence | None = key("Numbers that count up.", default=None)
    one_of: Any = key("A list of values, or a map from a value to its weight.", default=None)
    integer: tuple[int, ...] = key("The smallest and the largest whole number.", default=())
    decimal: tuple[float, ...] = key("The smallest and the largest amount, exact to its places.", default=())
    places: int | None = key("Digits after the point of decimal; 2 by default.", default=None, minimum=0)
    double: tuple[float, ...] = key("Bounds of a floating-point number, the upper one left out.", default=())
    date: tuple[str, ...] = key(
        "The first and the last day: 2025-01-31, today, or counted from reference_date: -30d.", default=()
    )
    timestamp: tuple[str, ...] = key(
        "The first and the last second, in UTC, written as in date or as 2025-01-31T12:00:00.", default=()
    )
    boolean: float | None = key("The share of true.", default=None, minimum=0)
    constant: Any = key("The same value in every row.", default=None)
    template: str | None = key(
        'Text with other columns of the row: "{first_name|lower}.{id:04}@example.com".', default=None
    )
    ref: str | None = key("TABLE.COLUMN of this source: one of its values, always there.", default=None)
    distribution: Literal["uniform", "skewed"] = key(
        "skewed: a fifth of the referenced rows gets four fifths of the references.", default="uniform"
    )
    after: str | None = key("A date or timestamp column of the row that this one comes after.", default=None)
    delay: tuple[timedelta, ...] = key("The shortest and the longest time after it.", default=())
    null: Mapping[str, Any] | float | None = key(
        "The share of NULLs, or where they are: a column of the row to the values that make this one NULL.",
        default=None,
        minimum=0,
    )
    unique: bool = key("No value twice.", default=False)


# What says where values come from, with the keys that may stand beside it.
COLUMN_KINDS: Mapping[str, tuple[str, ...]] = {
    "provider": ("arguments", "locale"),
    "sequence": (),
    "one_of": (),
    "integer": (),
    "decimal": ("places",),
    "double": (),
    "date": (),
    "timestamp": (),
    "boolean": (),
    "constant": (),
    "template": (),
    "ref": ("distribution",),
    "after": ("delay",),
}


@entry
class FakerResource:
    rows: int = key("How many rows.", minimum=0)
    columns: Mapping[str, FakerColumn | str] = key(
        "By name, a provider or a map that says how the values are made.", names="resources"
    )
    primary_key: tuple[str, ...] = key("The columns that identify a row.", default=())
    write_disposition: Literal["replace", "append", "merge"] = key(
        "What loading does to rows that are there already; generated tables begin anew.", default="replace"
    )
    contract: str | None = key(
        "A JSON Schema (draft 2020-12) that every row must meet.", default=None, path="file"
    )
    on_violation: OnViolation = key("What becomes of a row that breaks its contract.", default="quarantine")
    max_rejected: Limit | None = key(
        "How many rejected rows a run may have: a count or a share.", default=None
    )


@entry
class FakerSource:
    """Generated tables: the same seed gives the same rows, on every machine and any day."""

    type: Literal["faker"]
    resources: Mapping[str, FakerResource] = key("What to generate, by table name.", names="resources")
    seed: int = key("Another seed, other rows.", default=0)
    locale: tuple[str, ...] = key("Where the people and addresses are from.", default=("en_US",))
    reference_date: str = key(
        'The day that "today" and ages are counted from; "today" is the day of the run.',
        default=DEFAULT_REFERENCE_DATE,
    )
    pool_size: int = key(
        "How many values a provider is called for at most; larger tables draw from them.",
        default=10_000,
        minimum=100,
    )
    retries: Retries | None = key(
        "How reading it is tried again; by default as the pipeline says.", default=None
    )
    lake: str | None = key(
        "A filesystem destination where the rows of each load are also kept, as files that never change.",
        default=None,
        refers_to="destinations",
    )


def as_column(spec: FakerColumn | str) -> FakerColumn:
    """The long form of a column: plain text is a provider."""
    return FakerColumn(provider=spec) if isinstance(spec, str) else spec


def kind_of(column: FakerColumn) -> str:
    """Which of COLUMN_KINDS this is; sequence and boolean also where they are said in plain text."""
    for kind in COLUMN_KINDS:
        value = getattr(column, kind)
        if value is not None and value != ():
            return value if kind == "provider" and value in OWN_PROVIDERS else kind
    return "constant"
