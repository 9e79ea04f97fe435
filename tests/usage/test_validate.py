import json

import pytest

from closedwon.kernel.errors import Refused
from closedwon.usage.types import UsageEvent
from closedwon.usage.validate import limits_at, parse_batch
from usage.build import after

NOW = after(days=20)
LIMITS = limits_at(NOW, 34)
GOOD = {
    "transaction_id": "t",
    "customer_id": "c",
    "event_type": "e",
    "timestamp": "2024-03-10T23:50:00.000001+02:00",
}


def test_a_batch_becomes_events_with_exact_text() -> None:
    properties = '{"a": 1.50, "b": "1.50", "c": 12345678901234567.89, "d": null, "e": true, "f": {"y": 1, "x": [2.0]}, "g": 1e2}'
    body = json.dumps([GOOD])[:-2] + ', "properties": ' + properties + "}]"
    (event,) = parse_batch(body, LIMITS)
    assert event == UsageEvent(
        transaction_id="t",
        customer_id="c",
        event_type="e",
        timestamp=after(days=9, hours=21, minutes=50, microseconds=1),
        properties={
            "a": "1.5",
            "b": "1.50",
            "c": "12345678901234567.89",
            "e": "true",
            "f": '{"x":[2],"y":1}',
            "g": "100",
        },
    )


@pytest.mark.parametrize("size", [1, 100])
def test_one_to_a_hundred_events_make_a_batch(size: int) -> None:
    assert len(parse_batch(json.dumps([GOOD] * size), LIMITS)) == size


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("[]", "1 to 100 events, found 0"),
        (json.dumps([GOOD] * 101), "found 101"),
        ("{}", "found an object"),
        ("[1]", "event 0: expected an object"),
        ("[", "not JSON"),
        ('[{"transaction_id": NaN}]', "NaN"),
        (
            json.dumps([GOOD, {**GOOD, "transaction_id": ""}]),
            "event 1: transaction_id must be text",
        ),
        (json.dumps([{**GOOD, "transaction_id": 5}]), "event 0: transaction_id must be text"),
        (json.dumps([{**GOOD, "transaction_id": "x" * 129}]), "longer than 128"),
        (json.dumps([{**GOOD, "customer_id": None}]), "customer_id must be text"),
        (
            '[{"transaction_id": "t", "event_type": 1}]',
            (
                "event 0: customer_id: required; event_type must be text that is not empty; "
                "timestamp: required"
            ),
        ),
        ("[null]", "event 0: expected an object, found null"),
        (b"[\x1f\x8b]", "not JSON: not UTF-8 text"),
        (json.dumps([{**GOOD, "timestamp": "2024-03-10"}]), "needs its zone"),
        (json.dumps([{**GOOD, "timestamp": "yesterday"}]), "not an instant"),
        (json.dumps([{**GOOD, "timestamp": "2024-03-22T00:00:00.000001Z"}]), "R17"),
        (
            json.dumps([{**GOOD, "timestamp": "2024-02-15T23:59:59Z"}]),
            (
                r"2024-02-15T23:59:59\+00:00 is more than 34 days back, older than accepted \(R18\); "
                r"the oldest is 2024-02-16T00:00:00\+00:00"
            ),
        ),
        (json.dumps([{**GOOD, "properties": []}]), "properties must be an object"),
        (json.dumps([{**GOOD, "amount": 1}]), "unknown field 'amount'"),
    ],
)
def test_one_bad_element_refuses_the_call_and_is_named(body: str | bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        parse_batch(body, LIMITS)  # R15
