"""The same seed gives the same rows: whatever the batches, the threads, the order, the day and the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.manifest.faker import FakerSource
from pipeline_cli.sources.faker.batches import make_batch, schema_of
from pipeline_cli.sources.faker.build import build_tables
from pipeline_cli.sources.faker.columns import Table
from tests.unit.sources.faker.helpers import generate, read_source
from tests.unit.sources.faker.samples import CUSTOMER_360

# Every kind of column, more rows than the pool so that names, addresses and emails are put together.
TABLES = """
people: {rows: 700, columns: {id: sequence, key: uuid4, name: name, street: street_address, email: email, phone: phone_number, handle: {provider: user_name, unique: true}, born: {provider: date_of_birth, arguments: {minimum_age: 18}}, active: boolean, level: {one_of: {1: 5, 2: 1}}, score: {double: [0, 1]}, city: {provider: city, locale: [en_US, de_DE]}, mail: {template: "{name|slug}.{id:04}@example.com", unique: true}}}
orders: {rows: 900, columns: {id: {integer: [1, 5000], unique: true}, key: {ref: people.key, distribution: skewed}, mail: {ref: people.mail}, handle: {ref: people.handle, null: 0.2}, at: {timestamp: [-30d, today]}, until: {after: at, delay: [1h, 2d], null: {state: [open]}}, state: {one_of: [open, closed]}, amount: {decimal: [0.01, 99.99]}, day: {date: [-30d, today]}, word: {provider: words, arguments: {nb: 2}}, first: {ref: orders.id}}}
"""  # noqa: E501


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> FakerSource:
    return read_source(tmp_path_factory.mktemp("source"), TABLES, seed=7, pool_size=100)


@pytest.mark.parametrize("table", ["people", "orders"])
@pytest.mark.parametrize(("batch_rows", "ahead"), [(31, 0), (64, 3), (333, 4), (10_000, 2)])
def test_batches_and_threads_change_nothing(
    source: FakerSource, table: str, batch_rows: int, ahead: int
) -> None:
    assert generate(source, table, batch_rows=batch_rows, ahead=ahead) == generate(source, table)


def test_the_order_of_tables_changes_nothing(source: FakerSource) -> None:
    forwards = build_tables(source, ["people", "orders"])
    backwards = build_tables(source, ["orders", "people"])
    for name in ("people", "orders"):
        whole = [make_batch(tables[name], 0, tables[name].row_count) for tables in (forwards, backwards)]
        assert whole[0] == whole[1]


@pytest.fixture(scope="module")
def orders(source: FakerSource) -> tuple[Table, dict[str, list[object]]]:
    table = build_tables(source, ["orders"])["orders"]
    return table, make_batch(table, 0, 900).to_pydict()


@given(st.lists(st.integers(0, 899), min_size=1, max_size=50))
@settings(max_examples=25, deadline=None)
def test_any_rows_can_be_computed_alone(
    orders: tuple[Table, dict[str, list[object]]], rows: list[int]
) -> None:
    table, whole = orders
    for name, values in whole.items():
        assert table.values(name, np.array(rows)).to_pylist() == [values[row] for row in rows]


def test_another_seed_gives_other_rows(source: FakerSource, tmp_path: Path) -> None:
    other = read_source(tmp_path, TABLES, seed=8, pool_size=100)
    first, second = generate(source, "people"), generate(other, "people")
    same = [name for name in first.column_names if first[name] == second[name]]
    assert same == ["id"]


def test_columns_of_one_kind_are_independent(tmp_path: Path) -> None:
    entry = read_source(
        tmp_path, "people: {rows: 200, columns: {a: uuid4, b: uuid4, c: first_name, d: first_name}}"
    )
    rows = generate(entry, "people").to_pydict()
    assert not set(rows["a"]) & set(rows["b"])
    assert sum(a == b for a, b in zip(rows["c"], rows["d"], strict=True)) < 20


def test_no_column_depends_on_the_others(source: FakerSource, tmp_path: Path) -> None:
    fewer = read_source(
        tmp_path,
        "people: {rows: 700, columns: {street: street_address, key: uuid4}}",
        seed=7,
        pool_size=100,
    )
    alone = generate(fewer, "people")
    assert alone == generate(source, "people").select(["street", "key"])


CHILD = """
import sys
from pathlib import Path
from tests.unit.sources.faker.helpers import generate, read_source
from tests.unit.sources.faker.test_determinism import TABLES, digest
entry = read_source(Path(sys.argv[1]), TABLES, seed=7, pool_size=100)
print(digest(generate(entry, "people")), digest(generate(entry, "orders")))
"""


def digest(table: pa.Table) -> str:
    return hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()


def test_another_process_gives_the_same_rows(source: FakerSource, tmp_path: Path) -> None:
    # Another order of sets, another time zone.
    env = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], env=env, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [digest(generate(source, "people")), digest(generate(source, "orders"))]


def test_the_rows_of_today_are_the_rows_of_any_other_day(tmp_path: Path) -> None:
    columns = (
        "a: past_date, b: {provider: date_of_birth, arguments: {maximum_age: 1}}, c: date_time_this_year"
    )
    tables = f"people: {{rows: 100, columns: {{{columns}}}}}"
    rows = generate(read_source(tmp_path, tables, reference_date="2020-06-15"), "people").to_pydict()
    assert {"2020-05", "2020-06"} == {f"{day:%Y-%m}" for day in rows["a"]}
    assert {day.year for day in rows["b"]} == {2018, 2019, 2020}
    assert {moment.year for moment in rows["c"]} == {2020}


def test_a_personal_number_that_holds_the_age_does_not_change_with_the_day(tmp_path: Path) -> None:
    # sv_SE reckons from datetime.now(), uk_UA draws from Python's own random numbers.
    for locale in ("sv_SE", "uk_UA"):
        entry = read_source(
            tmp_path, "p: {rows: 50, columns: {ssn: ssn}}", locale=locale, reference_date="1999-01-01"
        )
        first, second = generate(entry, "p")["ssn"].to_pylist(), generate(entry, "p")["ssn"].to_pylist()
        assert first == second
        assert len(set(first)) > 40
    made = read_source(
        tmp_path, "p: {rows: 300, columns: {ssn: ssn}}", locale="sv_SE", reference_date="1999-01-01"
    )
    born = {int(number[:2]) for number in generate(made, "p")["ssn"].to_pylist()}
    assert not born & set(range(82, 99))  # nobody is under 18


def test_faker_itself_is_left_as_it_is(source: FakerSource) -> None:
    from datetime import date

    from faker import Faker

    generate(source, "people")
    assert Faker().date_this_year(before_today=False, after_today=True) >= date.today()


def test_the_first_rows_of_the_sample_are_what_they_were(tmp_path: Path) -> None:
    """With the pinned Faker. When it is moved on purpose, so are these."""
    from tests.unit.manifest.helpers import read

    entry = read(tmp_path, f"sources:\n{CUSTOMER_360}").manifest.sources["customer_360_generator"]
    tickets = generate(entry, "tickets").slice(0, 2).to_pylist()
    names = ("ticket_id", "user_id", "status", "opened_at", "subject")
    assert [[str(row[name]) for name in names] for row in tickets] == [
        ["1", "50", "closed", "2024-08-21 09:24:11+00:00", "Mother give best drop green threat rise."],
        ["2", "410", "closed", "2024-07-28 09:41:31+00:00", 
         "Administration probably medical improve participant share fast."],
    ]  # fmt: skip


def test_the_schema_is_known_before_any_row_is_made(source: FakerSource) -> None:
    table = build_tables(source, ["orders"])["orders"]
    assert schema_of(table) == make_batch(table, 0, 10).schema
