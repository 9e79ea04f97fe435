import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.devorg.http.encoding import encoded, java_number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("50000", "50000.0"),
        ("505000.00", "505000.0"),
        ("0", "0.0"),
        ("-0.00", "0.0"),
        ("33.449999999999996", "33.449999999999996"),
        ("0.8525114155251141", "0.8525114155251141"),
        ("9999999.99", "9999999.99"),
        ("12345678", "1.2345678E7"),
        ("12000000.00", "1.2E7"),
        ("-10000000", "-1.0E7"),
        ("0.001", "0.001"),
        ("0.00012", "1.2E-4"),
    ],
)
def test_numbers_are_written_as_java_writes_doubles(number: str, text: str) -> None:
    assert java_number(Decimal(number)) == text


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**18), max_value=10**18
    )
)
def test_no_digit_is_lost(number: Decimal) -> None:
    assert json.loads(encoded({"n": number}), parse_float=Decimal)["n"] == number


def test_rows_keep_their_key_order_and_other_types() -> None:
    row = {
        "attributes": {"type": "A"},
        "Id": "x",
        "n": 3,
        "ok": True,
        "none": None,
        "list": [Decimal(1), {}],
    }

    assert (
        encoded(row)
        == b'{"attributes":{"type":"A"},"Id":"x","n":3,"ok":true,"none":null,"list":[1.0,{}]}'
    )


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError):
        encoded({"n": 0.1})
