"""The OpenAPI document says what the routes are."""

import re
from typing import Any

import httpx
import pytest

from api.promised import check
from closedwon.api.answered import ANSWERS
from closedwon.api.call import Route
from closedwon.api.gate import PAGE_FIELDS
from closedwon.api.model import parsed
from closedwon.api.openapi.examples import example
from closedwon.api.resources import ROUTES, clock_routes
from closedwon.kernel.strict_json import dumps


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


def test_no_operation_has_a_parameter_twice(document: Any) -> None:
    shared = document["components"]["parameters"]
    for path in document["paths"].values():
        for one in path.values():
            found = [
                shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                for each in one["parameters"]
            ]
            names = [(each["name"], each["in"]) for each in found]
            assert len(names) == len(set(names)), one["operationId"]


def test_a_number_is_a_number_and_a_required_field_is_required(document: Any) -> None:
    create = document["paths"]["/v1/customers"]["post"]["requestBody"]["content"]
    name = create["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["required"] == ["name"]
    schemas = document["components"]["schemas"]
    tiers = [one for one in schemas.values() if {"size", "price"} == set(one.get("properties", ()))]
    assert tiers
    assert {one["properties"]["price"]["type"] for one in tiers} == {"number"}


def test_every_supported_route_says_what_it_answers() -> None:
    routes = (*ROUTES, *clock_routes(None))  # type: ignore[arg-type]

    assert {one.label for one in routes if one.is_supported} == set(ANSWERS)


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (200, {"X-Request-Id": "1"}, '{"data": {"id": 1}}', "data"),
        (200, {"X-Request-Id": "1"}, "[]", "object"),
        (200, {}, "{}", "without X-Request-Id"),
        (418, {"X-Request-Id": "1"}, "{}", "not promised"),
        (409, {"X-Request-Id": "1", "X-Should-Retry": "false"}, "{}", "X-Closedwon-Code"),
    ],
)
def test_an_answer_that_is_not_promised_is_noticed(
    status: int, headers: dict[str, str], body: str, told: str
) -> None:
    request = httpx.Request("POST", "http://x/v1/customers")
    headers = {"Content-Type": "application/json", **headers}

    with pytest.raises(AssertionError, match=told):
        check(httpx.Response(status, headers=headers, content=body, request=request))


WITHOUT_EXAMPLE = {
    "POST /v1/contracts/commits/threshold-billing/release",
    "POST /v1/setCustomerRevenueSystemConfigurations",
    "POST /v1/archiveCustomerRevenueSystemConfigurations",
    "GET /closedwon/deals/{opportunity_id}",
    "GET /closedwon/deals/{opportunity_id}/plan",
    "POST /closedwon/ingest",
    "GET /closedwon/parked/{subject}",
    "POST /closedwon/parked/release",
    "POST /closedwon/problems/release",
    "GET /closedwon/trace",
}
"""Routes whose example would need a CRM, or more of a story than the recorder tells."""


def recorded() -> list[Route]:
    return [route for route in ROUTES if example(route.name)]


def test_what_is_supported_has_an_example() -> None:
    without = {one.label for one in ROUTES if one.is_supported and not example(one.name)}

    assert without == WITHOUT_EXAMPLE


@pytest.mark.parametrize("route", recorded(), ids=lambda route: route.label)
def test_an_example_is_a_request_and_an_answer_of_its_route(route: Route) -> None:
    found = example(route.name)
    if route.body is not None:
        parsed(route.body, found.get("request", {}), "body")
    query = {name: text for name, text in found.get("query", {}).items() if name not in PAGE_FIELDS}
    parsed(route.query, query, "query")

    if "answer" in found:
        check(
            httpx.Response(
                200,
                headers={"Content-Type": "application/json", "X-Request-Id": "1"},
                content=dumps(found["answer"]),
                request=httpx.Request(route.method, "http://x" + found["path"]),
            )
        )


def test_every_operation_says_what_it_does(document: Any) -> None:
    operations = [one for methods in document["paths"].values() for one in methods.values()]

    assert not [one["operationId"] for one in operations if one["summary"] == one["operationId"]]
