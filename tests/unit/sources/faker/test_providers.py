"""Faker's values: enough different ones, of the locale asked for, of one type, and clear refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.faker.pools import Pools, as_array
from tests.unit.sources.faker.helpers import column, generate, read_source

TODAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "distinct"),
    [("email", 1.0), ("user_name", 1.0), ("ascii_company_email", 1.0), ("address", 0.99), ("street_address", 0.99),
     ("phone_number", 0.99), ("name", 0.6), ("company", 0.3)],
)  # fmt: skip
def test_values_do_not_repeat_visibly_beyond_the_pool(tmp_path: Path, provider: str, distinct: float) -> None:
    values = column(tmp_path, provider, rows=20_000, pool_size=1_000)
    assert len(set(values)) >= distinct * 20_000


def test_values_put_together_look_like_faker_s_own(tmp_path: Path) -> None:
    """The share of each form is the same, made by pools or by Faker itself."""
    import re

    def forms(values: list[str]) -> dict[str, float]:
        shapes = [
            re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", value))) for value in values
        ]
        return {shape: shapes.count(shape) / len(shapes) for shape in set(shapes)}

    for provider in ("phone_number", "name", "street_address"):
        own = forms(column(tmp_path, provider, rows=8_000, pool_size=8_000))
        ours = forms(column(tmp_path, provider, rows=8_000, pool_size=200))
        for shape in own.keys() | ours.keys():
            assert own.get(shape, 0) == pytest.approx(ours.get(shape, 0), abs=0.05), (provider, shape)


def test_a_small_table_has_a_call_of_its_own_for_each_row(tmp_path: Path) -> None:
    values = column(tmp_path, "name", rows=500)
    drawn = Pools(0, TODAY).draw("name", {}, "en_US", 500)
    assert sorted(values) == sorted(drawn)


def test_common_names_are_more_frequent_than_rare_ones(tmp_path: Path) -> None:
    values = column(tmp_path, "last_name", rows=20_000)
    assert values.count("Smith") > 20 * values.count("Zimmerman")


def test_a_pool_grows_without_changing_what_it_gave() -> None:
    pools, others = Pools(3, TODAY), Pools(3, TODAY)
    short = pools.draw("name", {}, "en_US", 10)
    pools.draw("city", {}, "en_US", 50)
    assert others.draw("name", {}, "en_US", 40) == pools.draw("name", {}, "en_US", 40)
    assert short == pools.draw("name", {}, "en_US", 40)[:10]


@pytest.mark.parametrize(("rows", "keys"), [
    (3_000, "{provider: email, unique: true}"), (3_000, "{provider: user_name, unique: true, locale: [en_US, fr_FR]}"),
    (600, "{provider: last_name, unique: true}"), (50, "{provider: state, unique: true}"),
    (700, "{provider: first_name, unique: true, locale: [de_DE, fr_FR]}"),
])  # fmt: skip
def test_unique_values_are_unique(tmp_path: Path, rows: int, keys: str) -> None:
    values = column(tmp_path, keys, rows=rows, pool_size=200)
    assert len(set(values)) == rows


def test_a_provider_without_enough_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        column(tmp_path, "{provider: state, unique: true}", rows=51)
    assert caught.value.message == "people.x: unique: true needs 51 different values, and state gave 50."
    assert (caught.value.hint or "").startswith("Number them with a template over a sequence column")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("{provider: pystr, arguments: {max_size: 5}}", "Faker's provider 'pystr' refuses: .*max_size"),
        (
            "{provider: date_of_birth, arguments: {minimum_age: 9, maximum_age: 2}}",
            "refuses: minimum_age must be",
        ),
        ("zip", "Faker's provider 'zip' gives other values each time"),
    ],
)
def test_what_faker_refuses_is_told(tmp_path: Path, keys: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        column(tmp_path, keys)


def test_a_name_that_is_no_provider_is_told_with_the_nearest() -> None:
    with pytest.raises(SourceError) as caught:
        Pools(0, TODAY).draw("adress", {}, "en_US", 1)
    assert "has no provider 'adress' for en_US" in caught.value.message
    assert caught.value.hint == "Did you mean address?"
    with pytest.raises(SourceError, match="no locale 'xx_YY'"):
        Pools(0, TODAY).draw("address", {}, "xx_YY", 1)


def test_values_are_of_the_locale(tmp_path: Path) -> None:
    japanese = column(tmp_path, "name", rows=300, locale="ja_JP", pool_size=100)
    assert all(ord(name[0]) > 0x3000 for name in japanese)
    german = set(Pools(0, TODAY).draw("city", {}, "de_DE", 5_000))
    assert set(column(tmp_path, "{provider: city, locale: de_DE}", rows=300)) <= german


def test_a_row_is_of_one_of_several_locales(tmp_path: Path) -> None:
    tables = "p: {rows: 1000, columns: {first: first_name, last: last_name, city: city}}"
    for pool_size in (100, 10_000):
        entry = read_source(tmp_path, tables, locale=["en_US", "ja_JP"], pool_size=pool_size)
        scripts = [
            tuple(str(value).isascii() for value in row.values()) for row in generate(entry, "p").to_pylist()
        ]
        assert set(scripts) == {(True,) * 3, (False,) * 3}
        assert 400 < scripts.count((True,) * 3) < 600


@pytest.mark.parametrize(
    ("provider", "arrow_type"),
    [
        ("name", pa.string()), ("pyint", pa.int64()), ("pyfloat", pa.float64()), ("pybool", pa.bool_()),
        ("date_of_birth", pa.date32()), ("date_time", pa.timestamp("us", "UTC")), ("time_object", pa.time64("us")),
        ("latitude", pa.decimal128(18, 7)), ("json_bytes", pa.binary()), ("simple_profile", pa.string()),
        ("words", pa.string()),
    ],
)  # fmt: skip
def test_a_provider_s_values_have_a_type(tmp_path: Path, provider: str, arrow_type: Any) -> None:
    entry = read_source(tmp_path, f"p: {{rows: 20, columns: {{x: {provider}}}}}")
    assert generate(entry, "p")["x"].type == arrow_type


def test_mixed_values_are_text_and_lists_are_json() -> None:
    assert as_array([1, "a", None]).to_pylist() == ["1", "a", None]
    assert as_array([1, 2.5]).to_pylist() == [1.0, 2.5]
    assert as_array([["a"], {"b": Decimal("1.5")}]).to_pylist() == ['["a"]', '{"b": "1.5"}']
    assert as_array([2**63, 1]).to_pylist() == [str(2**63), "1"]
    assert as_array([Decimal("NaN"), Decimal(1)]).to_pylist() == ["NaN", "1"]
    assert as_array([Decimal("1E+2"), Decimal("0.5")]).to_pylist() == ["1E+2", "0.5"]
    assert as_array([]).to_pylist() == []
