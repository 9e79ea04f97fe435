"""What is said to who sent something wrong: in our words, with the path of what was sent."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from json import dumps
from typing import Any

import pytest
import structlog

from api import shop
from api.live import Server
from closedwon.api.model import Malformed, Wire, parsed
from closedwon.api.resources import ROUTES
from closedwon.store.tokens import Scope

VALUES: tuple[Any, ...] = (
    None, True, 5, Decimal("-0.5"), "", "x" * 500, [], ["a"] * 2000, {}, {"a": {}},
)  # fmt: skip
PYDANTIC = ("should", "Input", "valid", "String", "List", "Value error")
"""Words of pydantic's own messages that ours never use."""


def _complaints(model: type[Wire]) -> Iterator[str]:
    """What is said of every field of a body with every kind of value in it."""
    for name, field in model.model_fields.items():
        sent = str(field.validation_alias) if isinstance(field.validation_alias, str) else name
        for value in VALUES:
            for wrapped in (value, [value], {"a": value}):
                try:
                    parsed(model, {sent: wrapped}, "body")
                except Malformed as error:
                    yield error.message


def test_every_fault_of_a_body_is_told_in_our_words() -> None:
    models = {route.body for route in ROUTES if route.body is not None}
    said = {message for model in models for message in _complaints(model)}

    assert len(said) > 300
    assert not [message for message in said if any(word in message for word in PYDANTIC)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": 5}, "name: expected text"),
        ({"name": ""}, "name: expected at least 1 character, found 0"),
        (
            {"name": "A", "ingest_aliases": ["a" * 129]},
            "ingest_aliases.0: expected at most 128 characters, found 129",
        ),
        ({"name": "A", "ingest_aliases": "a"}, "ingest_aliases: expected an array"),
        ({"name": "A", "custom_fields": []}, "custom_fields: expected an object"),
        ([], "body: expected an object"),
    ],
)
def test_a_fault_says_what_was_expected(server: Server, body: Any, told: str) -> None:
    with server.http(Scope.WRITE) as http:
        answer = http.post("/v1/customers", json=body)

    assert (answer.status_code, answer.json()["message"]) == (400, told)


def test_a_new_term_that_is_refused_is_told_by_its_place(server: Server) -> None:
    sdk = server.sdk()
    customer = sdk.v1.customers.create(name="A").data.id
    product = sdk.v1.contracts.products.create(name="P", type="FIXED").data.id
    item = {"amount": -1, "timestamp": shop.JANUARY}
    with server.http(Scope.WRITE) as http:
        answer = http.post(
            "/v1/contracts/create",
            json={
                "customer_id": customer,
                "starting_at": shop.JANUARY,
                "discounts": [{"product_id": product, "schedule": {"schedule_items": [item]}}],
            },
        )

    assert answer.json()["message"] == (
        "discounts.0: a discount gives what it takes off as positive (R158)"
    )


@pytest.mark.parametrize("path", ["/v1/ingest", "/v1/customers", "/v2/contracts/list"])
def test_only_a_stream_may_be_packed(server: Server, path: str) -> None:
    with server.http(*Scope) as http:
        answer = http.post(path, content=gzip.compress(b"[]"), headers={"Content-Encoding": "gzip"})
        plain = http.post(
            "/v1/customers",
            content=dumps({"name": "A"}),
            headers={"Content-Encoding": "identity"},
        )

    assert (answer.status_code, answer.headers["X-Closedwon-Code"]) == (415, "wrong_media")
    assert answer.json()["message"] == "Content-Encoding: expected none, found gzip"
    assert plain.status_code == 200


def test_r18_usage_that_is_too_old_is_told_the_limit(server: Server) -> None:
    event = {"transaction_id": "t", "customer_id": "c", "event_type": "e"}
    with server.http(Scope.INGEST) as http:
        answer = http.post("/v1/ingest", json=[{**event, "timestamp": "2025-11-01T00:00:00Z"}])

    assert answer.json()["message"] == (
        "event 0: timestamp 2025-11-01T00:00:00+00:00 is more than 34 days back, older than"
        " accepted (R18); the oldest is 2025-11-28T00:00:00+00:00 (rejected=1)"
    )


def test_the_refusal_of_a_line_names_every_missing_field_and_its_line_once(server: Server) -> None:
    with server.http(Scope.INGEST) as http:
        answer = http.post(
            "/closedwon/ingest",
            content=b'\n{"transaction_id": "t"}\n',
            headers={"Content-Type": "application/x-ndjson"},
        )

    (refusal,) = answer.json()["data"]["refusals"]
    assert refusal["line"] == 2
    assert refusal["message"] == (
        "customer_id: required; event_type: required; timestamp: required"
    )


def test_g25_a_refused_request_is_in_the_log_by_its_id_with_nothing_that_was_sent(
    server: Server,
) -> None:
    secret = server.secret(Scope.READ)
    with server.http(Scope.READ) as http, structlog.testing.capture_logs() as lines:
        missing = http.get("/v1/customers/private-id", params={"next_page": "private-page"})
        forbidden = http.post("/v1/customers", json={"name": "private-name"})
        http.get("/v1/customers", headers={"Authorization": "Bearer private-token"})
        http.get("/v1/customers")
        http.post(
            "/closedwon/ingest",
            content=b"private-line",
            headers={"Content-Type": "application/x-ndjson"},
        )

    assert [(line["route"], line["status"]) for line in lines] == [
        ("GET /v1/customers/{customer_id}", missing.status_code),
        ("POST /v1/customers", 403),
        ("GET /v1/customers", 401),
        ("POST /closedwon/ingest", 403),
    ]
    assert lines[1]["request_id"] == forbidden.headers["X-Request-Id"]
    assert lines[1]["code"] == forbidden.headers["X-Closedwon-Code"]
    assert "private" not in repr(lines)
    assert secret not in repr(lines)
