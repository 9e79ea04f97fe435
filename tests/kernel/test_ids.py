import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive, digest, id18

facts = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]))


@given(left=st.lists(facts, min_size=1), right=st.lists(facts, min_size=1))
def test_equal_facts_and_only_they_give_equal_ids(left: list[str], right: list[str]) -> None:
    assert (derive(*left) == derive(*right)) == (left == right)


def test_a_separator_inside_a_fact_is_refused() -> None:
    with pytest.raises(Refused):
        derive("contract", "a\x1fb")


@pytest.mark.parametrize(
    ("id15", "expected"),
    [
        ("001Hs000000014m", "001Hs000000014mIAA"),
        ("006Hs000000015R", "006Hs000000015RIAQ"),
        ("a0kHs00000001Av", "a0kHs00000001AvIAI"),
    ],
)
def test_fifteen_characters_grow_their_checksum(id15: str, expected: str) -> None:
    assert id18(id15) == id18(expected) == expected


@pytest.mark.parametrize("text", ["", "001", "001Hs000000014mIAB", "001Hs0000000-4m", "é" * 15])
def test_what_is_no_salesforce_id_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        id18(text)


def test_a_digest_is_sha_256() -> None:
    assert digest(b"").startswith("e3b0c44298fc1c14")
