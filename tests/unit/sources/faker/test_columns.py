"""Each kind of column holds what the manifest says, and its shares and weights are kept."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from pipeline_cli.errors import SourceError
from tests.unit.sources.faker.helpers import column, generate, read_source


def test_a_sequence_counts_up(tmp_path: Path) -> None:
    assert column(tmp_path, "sequence", rows=3) == [1, 2, 3]
    assert column(tmp_path, "{sequence: {start: 10, step: -5}}", rows=4) == [10, 5, 0, -5]


def test_uuids_are_version_4_and_all_different(tmp_path: Path) -> None:
    values = column(tmp_path, "uuid4", rows=20_000)
    assert len(set(values)) == 20_000
    for text in values[:2_000]:
        value = UUID(text)
        assert (value.version, value.variant, str(value)) == (4, "specified in RFC 4122", text)
    # Every other hexadecimal digit is as frequent as the rest.
    digits = Counter("".join(values).replace("-", ""))
    assert max(digits[digit] for digit in "0123567cdef") < 1.03 * min(
        digits[digit] for digit in "0123567cdef"
    )


@pytest.mark.parametrize(
    ("keys", "low", "high", "distinct"),
    [
        ("{integer: [-3, 7]}", -3, 7, 11),
        ("{integer: [0, 6000000000]}", 0, 6_000_000_000, 4_990),
        ("{decimal: [-0.05, 0.05]}", Decimal("-0.05"), Decimal("0.05"), 11),
        ("{decimal: [0.1, 0.3], places: 1}", Decimal("0.1"), Decimal("0.3"), 3),
        ("{date: [2024-02-27, 2024-03-01]}", date(2024, 2, 27), date(2024, 3, 1), 4),
        ("{date: [1969-12-30, 1970-01-02]}", date(1969, 12, 30), date(1970, 1, 2), 4),
        ("{timestamp: [2024-02-29T23:59:58, 2024-03-01]}",
         datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), 3),
        ("{timestamp: [1969-12-31T23:59:59, '1970-01-01T02:00:00+02:00']}",
         datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), 2),
        ("{double: [-1, 1]}", -1.0, 1.0, 4_990),
    ],
)  # fmt: skip
def test_a_range_is_drawn_from_end_to_end(
    tmp_path: Path, keys: str, low: object, high: object, distinct: int
) -> None:
    values = column(tmp_path, keys, rows=5_000)
    assert len(set(values)) >= distinct
    assert all(low <= value <= high for value in values)
    counts = Counter(values)
    if distinct < 20:
        assert (min(values), max(values), len(counts)) == (low, high, distinct)
        assert max(counts.values()) < 1.35 * min(counts.values())


def test_days_are_counted_from_the_reference_date(tmp_path: Path) -> None:
    values = column(tmp_path, "{date: [-2d, today]}", reference_date="2020-03-01")
    assert set(values) == {date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1)}
    today = column(tmp_path, "{date: [today, +0d]}", rows=2, reference_date="today")
    assert abs(today[0] - datetime.now(UTC).date()) <= timedelta(days=1)


@pytest.mark.parametrize("keys", [
    "{integer: [1, 1000], unique: true}", "{decimal: [0, 9.99], unique: true}",
    "{timestamp: [2025-01-01T00:00:01, 2025-01-01T00:16:40], unique: true}",
    "{ref: people.id, unique: true}",
])  # fmt: skip
def test_a_unique_range_that_just_suffices_is_used_up_in_another_order(tmp_path: Path, keys: str) -> None:
    values = column(tmp_path, keys)
    assert len(set(values)) == 1_000
    assert values != sorted(values)


def test_weights_are_kept(tmp_path: Path) -> None:
    counts = Counter(
        column(tmp_path, "{one_of: {Cash: 20, Credit Card: 75, PayPal: 5, Never: 0}}", rows=20_000)
    )
    assert counts.keys() == {"Cash", "Credit Card", "PayPal"}
    for value, share in (("Cash", 0.2), ("Credit Card", 0.75), ("PayPal", 0.05)):
        assert counts[value] / 20_000 == pytest.approx(share, abs=0.012)


def test_the_values_of_one_of_keep_their_type(tmp_path: Path) -> None:
    assert set(column(tmp_path, "{one_of: [1, 2]}")) == {1, 2}
    assert set(column(tmp_path, "{one_of: ['1', '2']}")) == {"1", "2"}
    assert set(column(tmp_path, "{one_of: {1: 1, 2: 1}}")) == {1, 2}
    assert set(map(repr, column(tmp_path, "{one_of: [1, 2.5]}"))) == {"1.0", "2.5"}
    assert set(column(tmp_path, "{one_of: [true, false]}")) == {True, False}
    assert set(column(tmp_path, "{constant: 5}")) == {5}


def test_shares_are_kept(tmp_path: Path) -> None:
    assert column(tmp_path, "{boolean: 0.1}", rows=20_000).count(True) == pytest.approx(2_000, abs=180)
    assert column(tmp_path, "boolean", rows=20_000).count(True) == pytest.approx(10_000, abs=300)
    assert column(tmp_path, "{provider: name, null: 0.05}", rows=20_000).count(None) == pytest.approx(
        1_000, abs=140
    )
    assert column(tmp_path, "{provider: name, null: 1}") == [None] * 1_000
    assert None not in column(tmp_path, "{provider: name, null: 0}")


def test_nulls_stand_where_another_column_says(tmp_path: Path) -> None:
    keys = "{after: opened, delay: [10m, 1h], null: {status: [open, pending], level: 3}}"
    beside = (
        "opened: {timestamp: [-9d, -1d]}, status: {one_of: [open, pending, closed]}, level: {one_of: [1, 3]}"
    )
    entry = read_source(tmp_path, f"tickets: {{rows: 600, columns: {{closed: {keys}, {beside}}}}}")
    rows = generate(entry, "tickets").to_pylist()
    for row in rows:
        assert (row["closed"] is None) == (row["status"] != "closed" or row["level"] == 3)
        if row["closed"]:
            assert timedelta(minutes=10) <= row["closed"] - row["opened"] <= timedelta(hours=1)
    assert 50 < sum(row["closed"] is not None for row in rows) < 150


def test_a_time_comes_after_a_day(tmp_path: Path) -> None:
    for moment in column(tmp_path, "{after: day, delay: [0s, 23h]}"):
        assert (moment.year, moment.month) == (2025, 1)


def expected_template(row: dict[str, object]) -> str:
    """The template below in plain Python, for one row."""
    name = str(row["name"])
    slug = re.sub(r"[^a-z0-9]", "", name.lower())
    start = f"{name.upper()[:1]}{slug}.{name.lower()}-{row['id']:05}@{row['day']}{{x}}"
    return f"{start} {row['at']:%Y-%m-%d %H:%M:%S} {str(row['on']).lower()} {row['price']}"


def test_a_template_is_filled_in_from_its_row(tmp_path: Path) -> None:
    template = "{name|upper|first}{name|slug}.{name|lower}-{id:05}@{day}{{x}} {at} {on} {price}"
    columns = (
        f"x: {{template: '{template}'}}, name: name, id: sequence, day: {{date: [2025-01-01, 2025-01-31]}}, "
        "at: {timestamp: [2025-01-01, 2025-01-31]}, on: boolean, price: {decimal: [0, 9.99]}"
    )
    entry = read_source(tmp_path, f"people: {{rows: 300, columns: {{{columns}}}}}")
    for row in generate(entry, "people").to_pylist():
        assert row["x"] == expected_template(row)


def test_a_template_is_null_where_a_part_is_and_may_hold_no_column(tmp_path: Path) -> None:
    entry = read_source(
        tmp_path,
        "p: {rows: 200, columns: {a: {provider: city, null: 0.5}, b: {template: 'x{a}'}, c: {template: y}}}",
    )
    for row in generate(entry, "p").to_pylist():
        assert row["b"] == (None if row["a"] is None else f"x{row['a']}")
        assert row["c"] == "y"


def test_slugs_are_small_ascii_letters(tmp_path: Path) -> None:
    columns = "n: {one_of: [Zoë O'Neil, Jürgen Groß, Łukasz, 山田]}, s: {template: '{n|slug}'}"
    rows = generate(read_source(tmp_path, f"p: {{rows: 50, columns: {{{columns}}}}}"), "p").to_pylist()
    assert {row["s"] for row in rows} == {"zoeoneil", "jurgengross", "lukasz", "shantian"}


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    columns = "id: sequence, n: name, c: {provider: city, locale: [en_US, de_DE]}, e: {provider: email, unique: true}"
    table = generate(
        read_source(tmp_path, f"p: {{rows: 0, columns: {{{columns}, t: {{template: '{{n}}'}}}}}}"), "p"
    )
    assert table.num_rows == 0
    assert table.column_names == ["id", "n", "c", "e", "t"]


def test_a_condition_that_no_value_can_meet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be values of a column that holds int64"):
        column(tmp_path, "{constant: 1, null: {id: [open]}}")
