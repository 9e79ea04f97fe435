import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.errors import InvariantBroken, Refused
from closedwon.kernel.exact import Money, allocated, canonical, exact, major, minor_digits, wire

amounts = st.decimals("-1e12", "1e12", places=6)


def test_the_default_context_keeps_the_cent_that_28_digits_lose() -> None:
    total = Decimal(9999999999999999999999999999) + Decimal("0.01")

    assert str(total) == "9999999999999999999999999999.01"


@pytest.mark.parametrize("text", ["1", "-0.10", "1e3", "299200", "0.000000000000000000001"])
def test_plain_numbers_are_read_exactly(text: str) -> None:
    assert exact(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["", "NaN", "Infinity", "1_000", " 1", "1 ", "\u0661", "abc", "1e400", "9" * 31, "1e-40"],
)
def test_doubtful_numbers_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        exact(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [("0", "0"), ("-0.00", "0"), ("1.10", "1.1"), ("100", "100"), ("1E+3", "1000")],
)
def test_canonical_text_has_neither_exponent_nor_trailing_zeros(number: str, text: str) -> None:
    assert canonical(Decimal(number)) == text


@given(amounts)
def test_canonical_text_reads_back_as_the_same_number(number: Decimal) -> None:
    assert Decimal(canonical(number)) == number


@pytest.mark.parametrize(
    ("wire_amount", "currency", "minor", "shown"),
    [
        ("9666.666", "USD", 9667, "96.67"),
        ("44679.09", "USD", 44679, "446.79"),
        ("-0.5", "USD", -1, "-0.01"),
        ("10.005", "EUR", 1001, "10.01"),
        ("10.5", "JPY", 11, "11"),
        ("1.2345", "KWD", 1235, "1.235"),
    ],
)
def test_payable_amounts_round_half_away_from_zero_r4(
    wire_amount: str, currency: str, minor: int, shown: str
) -> None:
    money = Money.rounded(Decimal(wire_amount), currency)

    assert money == Money(minor, currency)
    assert str(money.amount) == shown


def test_money_adds_in_one_currency_only() -> None:
    assert Money(1, "USD") + -Money(3, "USD") == Money(-2, "USD")
    with pytest.raises(InvariantBroken):
        Money(1, "USD") + Money(1, "EUR")


@given(amounts, st.sampled_from(["USD", "EUR", "JPY"]))
def test_wire_and_major_units_are_inverse_r377(amount: Decimal, currency: str) -> None:
    assert major(wire(amount, currency), currency) == amount


def test_only_dollars_have_a_wire_unit_of_their_own_r377() -> None:
    assert wire(Decimal("12.34"), "USD") == Decimal(1234)
    assert wire(Decimal("12.34"), "EUR") == Decimal("12.34")
    assert minor_digits("USD") == 2


@given(st.lists(st.decimals("-1e6", "1e6", places=4), min_size=1, max_size=20))
def test_allocated_parts_sum_to_the_rounded_total(parts: list[Decimal]) -> None:
    exact_total = sum((Fraction(part) for part in parts), Fraction(0))
    total = Money.rounded(sum(parts, Decimal(0)), "USD").minor
    given_out = allocated(total, parts)

    assert sum(given_out) == total
    assert abs(total - exact_total) <= Fraction(1, 2)
    off = [abs(Fraction(out) - Fraction(part)) for out, part in zip(given_out, parts, strict=True)]
    assert sum(1 for difference in off if difference > Fraction(1, 2)) <= 1


def test_the_residue_goes_to_the_first_largest_part() -> None:
    thirds = [Decimal("33.3333")] * 3

    assert allocated(100, thirds) == (34, 33, 33)


def test_an_empty_split_carries_no_residue() -> None:
    assert allocated(0, []) == ()
    with pytest.raises(InvariantBroken):
        allocated(1, [])


def test_new_threads_compute_at_forty_digits_too() -> None:
    import threading

    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(decimal.getcontext().prec))
    thread.start()
    thread.join()

    assert seen == [40]
