"""The sample data, the contracts and the independent figures fit together and reach every branch."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.project.figures import crm, fakestore
from tests.servers import make_data
from tests.servers.json_api import DATA_DIR, JsonApi, Request, sample_rows

SOURCES = Path(__file__).parents[2] / "sources"
RESOURCES = [(api, path.removeprefix("/")) for api in ("fakestore", "crm") for path in sample_rows(api)]


def validator_of(api: str, resource: str) -> Any:
    schema = json.loads((SOURCES / api / f"{resource}.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@pytest.mark.parametrize(("api", "resource"), RESOURCES)
def test_every_sample_record_meets_its_contract(api: str, resource: str) -> None:
    validator = validator_of(api, resource)

    assert [row for row in sample_rows(api)[f"/{resource}"] if not validator.is_valid(row)] == []


@pytest.mark.parametrize(
    ("api", "resource", "change"),
    [
        ("fakestore", "products", {"price": "free"}),
        ("fakestore", "products", {"price": -0.01}),
        ("fakestore", "products", {"id": None}),
        ("fakestore", "products", {"rating": {"rate": 5.1, "count": 1}}),
        ("fakestore", "users", {"email": "no address"}),
        ("fakestore", "users", {"address": {"street": "without a city"}}),
        ("fakestore", "carts", {"date": "2024-02-30T00:00:00Z"}),
        ("fakestore", "carts", {"products": [{"productId": 1, "quantity": 0}]}),
        ("crm", "customers", {"email": "@example.com"}),
        ("crm", "purchases", {"amount": 0}),
        ("crm", "purchases", {"date": "2023-02-29"}),
        ("crm", "products", {"price": -1}),
    ],
)
def test_contracts_refuse_what_models_could_not_use(api: str, resource: str, change: dict[str, Any]) -> None:
    record = {**sample_rows(api)[f"/{resource}"][0], **change}

    assert not validator_of(api, resource).is_valid(record)


@pytest.mark.parametrize(("api", "resource"), RESOURCES)
def test_contracts_accept_unknown_fields_and_insist_on_the_key(api: str, resource: str) -> None:
    record = sample_rows(api)[f"/{resource}"][0]
    key = "id" if "id" in record else next(iter(record))
    without_key = {name: value for name, value in record.items() if name != key}

    assert validator_of(api, resource).is_valid({**record, "added_later": [1, {"deep": None}]})
    assert not validator_of(api, resource).is_valid(without_key)


def test_the_fakestore_sample_reaches_every_category_of_the_mart() -> None:
    data = sample_rows("fakestore")
    rows = fakestore.sales_overview(data["/products"], data["/users"], data["/carts"])

    def values(column: str) -> set[Any]:
        return {row[column] for row in rows}

    assert values("rating_category") == {"High", "Medium", "Low", "Poor"}
    assert values("price_tier") == {"Premium", "Mid-Range", "Standard", "Budget"}
    assert values("order_value_category") == {"High", "Medium", "Standard"}
    assert values("purchase_size_category") == {"Bulk", "Multi-Unit", "Multiple", "Single"}
    assert values("product_rating") >= {2.5, 3.5, 4.5}
    assert {100, 500, 1000} <= {int(price) for price in values("unit_price") if price == int(price)}
    assert {500, 2000} <= values("line_revenue")
    assert values("quantity") >= {1, 2, 5, 6, 10, 11}
    assert len({user["id"] for user in data["/users"]} - values("user_id")) > 0


def test_the_crm_sample_reaches_every_segment_on_both_sides_of_its_bounds() -> None:
    data = sample_rows("crm")
    rows = crm.lifetime_values(data["/customers"], data["/purchases"], date(2025, 1, 1))
    segments = {str(row["total_customer_spending"]): row["customer_segment"] for row in rows}

    assert segments["500.00"] == "High-Value"
    assert segments["499.99"] == segments["100.00"] == "Mid-Value"
    assert segments["99.99"] == segments["0.00"] == "Low-Value"


def test_the_sample_files_are_what_their_generator_makes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_data.main(tmp_path)

    assert texts_below(tmp_path) == texts_below(DATA_DIR)


def texts_below(folder: Path) -> dict[Path, str]:
    return {path.relative_to(folder): path.read_text(encoding="utf-8") for path in folder.rglob("*.json")}


def test_the_sample_api_answers_to_the_query_parameters_of_the_fakestore_api() -> None:
    api = JsonApi(sample_rows("fakestore"))

    def ids(path: str, **query: str) -> list[int]:
        return [row["id"] for row in api.answer(Request("GET", path, query, {})).body]

    assert ids("/products", limit="2", sort="desc") == [24, 23]
    assert ids("/carts", startdate="2024-03-01", enddate="2024-03-15T12:00:00Z") == [3, 4]
    assert ids("/carts", startdate="2024-12-31T23:59:59.999+00:00") == [13, 14, 15]
    assert api.answer(Request("GET", "/users/count", {}, {})).body == {"count": 12}
    assert api.answer(Request("GET", "/users/3", {}, {})).body["username"] == "user_03"
    assert api.answer(Request("GET", "/nothing", {}, {})).status == 404
    assert (api.count("/carts"), api.count()) == (2, 6)
