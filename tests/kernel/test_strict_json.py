from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.errors import Refused
from closedwon.kernel.strict_json import canonical_dumps, dumps, fingerprint, loads

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | text
    | st.decimals("-1e9", "1e9", places=7),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_what_is_written_reads_back_equal(value: Any) -> None:
    assert loads(dumps(value)) == value


@given(st.dictionaries(text, values, max_size=4))
def test_key_order_does_not_change_the_fingerprint(value: dict[str, Any]) -> None:
    backwards = dict(reversed(list(value.items())))

    assert fingerprint(backwards) == fingerprint(value)
    assert canonical_dumps(backwards) == canonical_dumps(value)


def test_numbers_keep_every_digit() -> None:
    assert loads('{"Amount": 123456789012345678.91}') == {
        "Amount": Decimal("123456789012345678.91")
    }


@pytest.mark.parametrize(
    "doubtful",
    [
        '{"a":NaN}',
        "[Infinity]",
        "[1e999]",
        '{"a":1,"a":2}',
        '{"a":"\\ud800"}',
        '{"\\u0000":1}',
        "{",
        "",
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_doubtful_json_is_refused(doubtful: str) -> None:
    with pytest.raises(Refused):
        loads(doubtful)


def test_what_has_no_exact_json_is_not_written() -> None:
    with pytest.raises(TypeError):
        dumps(1.5)
    nested: list[Any] = []
    for _ in range(200):
        nested = [nested]
    with pytest.raises(Refused):
        dumps(nested)
