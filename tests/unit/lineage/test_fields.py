"""Fields of a contract, by the table and column that the loader makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_cli.lineage.fields import SourceField, column_of, guess_field, read_fields, title_of

CONTRACT = {
    "title": "Cart",
    "description": "One record of GET /carts.",
    "type": "object",
    "$defs": {
        "line": {"type": "object", "properties": {"productId": {"type": "integer", "description": "What."}}}
    },
    "properties": {
        "id": {"type": "integer"},
        "soldAt": {"type": ["string", "null"], "format": "date-time", "description": " When. "},
        "address": {"type": "object", "properties": {"geo": {"properties": {"lat": {"type": "number"}}}}},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "anything": True,
    },
}


def fields_of(tmp_path: Path, contract: object) -> dict[tuple[str, str], SourceField]:
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(contract), encoding="utf-8")
    return read_fields(path, "Carts")


def test_fields_of_objects_and_lists_have_the_columns_of_the_loader(tmp_path: Path) -> None:
    fields = fields_of(tmp_path, CONTRACT)
    assert fields["carts", "id"] == SourceField("id", "integer")
    assert fields["carts", "sold_at"] == SourceField("soldAt", "date-time", "When.")
    assert fields["carts", "address__geo__lat"] == SourceField("address.geo.lat", "number")
    assert fields["carts__lines", "product_id"] == SourceField("lines[].productId", "integer", "What.")
    assert fields["carts__tags", "value"] == SourceField("tags[]", "string")


def test_a_contract_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}}
    fields = fields_of(tmp_path, node)
    assert fields["carts", "child__child__name"].path == "child.child.name"
    assert fields_of(tmp_path, {"properties": {"a": {"$ref": "#/properties/a"}}}) is not None


@pytest.mark.parametrize(
    "contract", [True, [], "x", {"properties": []}, {"properties": {"a": {"$ref": "#/none"}}}]
)
def test_a_contract_of_another_shape_has_no_fields(tmp_path: Path, contract: object) -> None:
    assert fields_of(tmp_path, contract) == {}


def test_a_contract_that_cannot_be_read_has_no_fields(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    assert read_fields(tmp_path / "broken.json", "carts") == {}
    assert read_fields(tmp_path / "missing.json", "carts") == {}
    assert title_of(tmp_path / "missing.json") == ""


def test_what_a_contract_says_of_its_records(tmp_path: Path) -> None:
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(CONTRACT), encoding="utf-8")
    assert title_of(path) == "Cart. One record of GET /carts."


def test_a_field_without_a_contract_is_guessed_from_its_column() -> None:
    assert guess_field("rating__rate", "products", "products").path == "rating.rate"
    assert guess_field("quantity", "carts__products", "carts").path == "products[].quantity"
    assert guess_field("value", "carts__tags", "carts").path == "tags[]"


@pytest.mark.parametrize("name", ["userId", "HTTPServer", "order ID", "a-b", "name", "address2", "__v"])
def test_columns_are_named_as_dlt_names_them(name: str) -> None:
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    assert column_of(name) == NamingConvention().normalize_identifier(name)
