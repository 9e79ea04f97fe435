"""The fast reader accepts and refuses exactly what kernel.strict_json does."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from closedwon.crm.salesforce.exact_json import loads
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused

TEXTS = st.sampled_from(["a", 'a"b', '":', '" :', "a\\", '\\":', "é", "\x00", "\ud800", "x" * 9])
PLAIN = "0 -0 -0.0 1.10 505000.0 1.2345678E7 33.449999999999996 1e999 NaN -Infinity 1e-31 01 1. +1"
LONG = ("9" * 25, "9" * 35, "0." + "1" * 28, "0." + "1" * 35, "1" * 29 + ".5")
NUMBERS = st.sampled_from([*PLAIN.split(), *LONG])


def documents() -> st.SearchStrategy[str]:
    leaves = NUMBERS | TEXTS.map(json.dumps) | st.sampled_from(["true", "null", "nul"])
    gaps = st.sampled_from(["", " ", "\n", "\t ", "  "])

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.tuples(TEXTS.map(json.dumps), gaps, gaps, inner).map(
            "{0[0]}{0[1]}:{0[2]}{0[3]}".format
        )
        objects = st.lists(pair, max_size=3).map(lambda pairs: "{" + ",".join(pairs) + "}")
        return objects | st.lists(inner, max_size=3).map(lambda parts: "[" + ",".join(parts) + "]")

    return st.recursive(leaves, grown, max_leaves=8)


def outcome(reader: Any, text: bytes) -> str:
    """The value with its types, or that it was refused."""
    try:
        return typed(reader(text))
    except Refused:
        return "refused"


def typed(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{typed(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(typed, value)) + "]"
    return f"{type(value).__name__}:{value!r}"


@given(text=documents())
@example('{"a":1,"a":2}')
@example('{"a\\\\":1,"b":{"c":1,"c":2}}')
@example('{"a":0,"a"\n:0}')
@example('{"a":0,"a" \n :0}')
@example('{"a":0,"a"  :0}')
@example('{"a" :1,"b": "x\\":y"}')
def test_it_agrees_with_strict_json(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")

    assert outcome(loads, body) == outcome(strict_json.loads, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Amount":1,"Amount":2}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":1',
        b"<html>maintenance</html>",
        b"",
    ],
)
def test_what_it_must_refuse(body: bytes) -> None:
    with pytest.raises(Refused):
        loads(body)


def test_numbers_stay_exact() -> None:
    rows = loads(b'{"a":505000.0,"b":1.2345678E7,"c":33.449999999999996,"d":36}')

    assert rows == {"a": 505000, "b": 12345678, "c": Decimal("33.449999999999996"), "d": 36}
    assert [type(value) for value in rows.values()] == [Decimal, Decimal, Decimal, int]
