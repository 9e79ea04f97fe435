"""The quick reading of plain events says what the strict one says, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.usage.quick import plain_event, plain_events
from closedwon.usage.types import UsageEvent
from closedwon.usage.validate import event_of
from usage.build import START

STAMP = "2024-03-01T00:00:00Z"
GOOD = f'"transaction_id":"t","customer_id":"c","event_type":"e","timestamp":"{STAMP}"'


def strictly(line: bytes) -> UsageEvent | None:
    try:
        return event_of(strict_json.loads(line), "line")
    except Refused:
        return None


def test_a_plain_event_is_read_quickly() -> None:
    line = f'{{{GOOD},"properties":{{"a":"1.50","b":12,"c":true,"d":null,"é":"ü"}}}}'.encode()
    texts = {"a": "1.50", "b": "12", "c": "true", "é": "ü"}
    expected = UsageEvent(
        transaction_id="t", customer_id="c", event_type="e", timestamp=START, properties=texts
    )
    assert plain_event(line) == strictly(line) == expected
    assert plain_events(b"[" + line + b"," + line + b"]") == (expected, expected)


@pytest.mark.parametrize(
    "line",
    [
        f'{{{GOOD},"customer_id":"other"}}',
        f'{{{GOOD},"properties":{{"a":"1","a":"1"}}}}',
        f'{{{GOOD},"properties":{{"a":1,"a":1}}}}',
        f'{{{GOOD},"properties":{{}},"properties":{{"a":"1"}}}}',
        f'{{{GOOD},"other":1}}',
        f'{{{GOOD},"properties":{{"a":1.5}}}}',
        f'{{{GOOD},"properties":{{"a":1e2}}}}',
        f'{{{GOOD},"properties":{{"a":{"9" * 40}}}}}',
        f'{{{GOOD},"properties":{{"a":["x"]}}}}',
        f'{{{GOOD},"properties":{{"a":"\\u0041"}}}}',
        f'{{{GOOD},"properties":{{"a":"\x01"}}}}',
        f'{{{GOOD},"properties":null}}',
        f"{{{GOOD.replace(STAMP, '2024-03-01t00:00:00z')}}}",
        f"{{{GOOD.replace(STAMP, '2024-03-01T00:00:00')}}}",
        f"{{{GOOD.replace(':', ':5, ', 1)}}}",
        f"{{{GOOD.replace(STAMP, '')}}}",
        '{"transaction_id":"t"}',
        "[]",
        "{",
        "",
    ],
)
def test_what_is_doubtful_is_left_to_the_strict_reading(line: str) -> None:
    assert plain_event(line.encode()) is None
    assert plain_events(f"[{line}]".encode()) is None or line == ""


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\x00"])
def test_bytes_that_are_no_text_are_not_read(bad: bytes) -> None:
    assert plain_event(f'{{{GOOD},"properties":{{"a":"'.encode() + bad + b'"}}') is None


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = TEXTS | st.integers() | st.booleans() | st.none() | st.floats() | st.lists(TEXTS)
STAMPS = st.datetimes().map(lambda at: at.isoformat() + "Z") | TEXTS
FIELDS = st.fixed_dictionaries(
    {"transaction_id": TEXTS, "customer_id": TEXTS, "event_type": TEXTS, "timestamp": STAMPS},
    optional={"properties": st.dictionaries(TEXTS, VALUES, max_size=4) | VALUES, "other": VALUES},
)


@settings(max_examples=300, deadline=None)
@given(
    fields=FIELDS, is_ascii=st.integers(0, 1), noise=st.binary(max_size=2), at=st.integers(0, 300)
)
def test_the_quick_reading_never_says_anything_else(
    fields: dict[str, Any], is_ascii: int, noise: bytes, at: int
) -> None:
    text = json.dumps(fields, ensure_ascii=bool(is_ascii)).encode()
    for line in (text, text[:at] + noise + text[at:]):
        found = plain_event(line)
        assert found is None or found == strictly(line)
