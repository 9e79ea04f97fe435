"""The OpenAPI document says what the routes are."""

import re
from typing import Any

import httpx
import pytest

from closedwon.api.resources import ROUTES


@pytest.fixture
def document(http: httpx.Client) -> Any:
    return http.get("/openapi.json").json()


def test_every_route_is_described_with_its_body_and_scope(document: Any) -> None:
    for route in ROUTES:
        found = document["paths"][route.path][route.method.lower()]

        assert f"`{route.scope.value}`" in found["description"]
        assert ("requestBody" in found) == (
            route.body is not None or (route.is_raw and route.method != "GET")
        )
        in_path = {one["name"] for one in found["parameters"] if one.get("in") == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", route.path))


def test_operation_ids_are_unique_and_references_lead_somewhere(document: Any) -> None:
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(ROUTES) + 2

    references = set(re.findall(r"#/components/schemas/([^'\"]+)", str(document)))
    assert references <= set(document["components"]["schemas"])


def test_a_number_is_a_number_and_a_required_field_is_required(document: Any) -> None:
    create = document["paths"]["/v1/customers"]["post"]["requestBody"]["content"]
    name = create["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["required"] == ["name"]
    schemas = document["components"]["schemas"]
    tiers = [one for one in schemas.values() if {"size", "price"} == set(one.get("properties", ()))]
    assert tiers
    assert {one["properties"]["price"]["type"] for one in tiers} == {"number"}
