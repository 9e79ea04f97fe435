from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from closedwon.finance.reconcile import (
    UNSETTLED,
    CrmValue,
    DealState,
    DifferenceClass,
    reconcile,
)

D = Decimal
cents = st.decimals("-1e7", "1e7", places=2)
ids = st.sampled_from([f"006{n}" for n in range(6)])
currencies = st.sampled_from(["USD", "EUR"])


def deal(opportunity_id: str = "006", **more: object) -> CrmValue:
    fields = {
        "opportunity_id": opportunity_id,
        "name": "A deal",
        "state": DealState.PROVISIONED,
        "currency": "USD",
        "worth": D(100),
        "terms_value": D(100),
    }
    return CrmValue(**{**fields, **more})  # type: ignore[arg-type]


def kinds(deals: Sequence[CrmValue], *billed: tuple[str, str, Decimal]) -> dict[str, Decimal]:
    (side,) = reconcile(deals, billed)
    assert side.unexplained == 0
    return {difference.kind: difference.amount for difference in side.differences}


def test_a_deal_that_is_billed_what_it_is_worth_matches() -> None:
    (side,) = reconcile([deal()], [("006", "USD", D(60)), ("006", "USD", D(40))])

    assert (side.matched, side.differences, side.unexplained) == (1, (), 0)


def test_a_parked_deal_differs_whole_and_says_why() -> None:
    parked = deal(state=DealState.PARKED, terms_value=None, reason="unknown_product")
    (side,) = reconcile([parked], [])

    assert [(d.kind, d.amount, d.reason) for d in side.differences] == [
        (DifferenceClass.PARKED, D(100), "unknown_product")
    ]


def test_a_provisioned_deal_can_differ_in_two_places() -> None:
    assert kinds([deal(worth=D(130))], ("006", "USD", D(80))) == {
        DifferenceClass.NOT_MAPPED: D(30),
        DifferenceClass.NOT_APPLIED: D(20),
    }


def test_what_is_billed_without_a_won_deal_shows_negative() -> None:
    gone = deal(state=DealState.GONE, worth=D(0))

    assert kinds([gone], ("006", "USD", D(80)), ("007", "USD", D(5))) == {
        DifferenceClass.NOT_WON: D(-80),
        DifferenceClass.UNKNOWN_DEAL: D(-5),
    }


def test_currencies_never_mix() -> None:
    sides = reconcile([deal(), deal(currency="EUR", worth=D(7))], [("006", "USD", D(100))])

    assert [(side.currency, side.crm_total) for side in sides] == [("EUR", D(7)), ("USD", D(100))]


@given(
    deals=st.lists(
        st.builds(
            CrmValue,
            opportunity_id=ids,
            name=st.just("x"),
            state=st.sampled_from(DealState),
            currency=currencies,
            worth=cents,
            terms_value=st.none() | cents,
        ),
        unique_by=lambda d: (d.currency, d.opportunity_id),
    ),
    billed=st.lists(st.tuples(ids, currencies, cents)),
)
def test_the_classes_always_add_up_to_the_difference(
    deals: list[CrmValue], billed: list[tuple[str, str, Decimal]]
) -> None:
    for side in reconcile(deals, billed):
        worth = sum((Fraction(d.worth) for d in deals if d.currency == side.currency), Fraction(0))
        charged = sum((Fraction(v) for _, c, v in billed if c == side.currency), Fraction(0))

        assert side.unexplained == 0
        assert Fraction(side.explained) == worth - charged
        loose = {d.opportunity_id for d in deals if d.state in UNSETTLED}
        assert all(d.amount or d.opportunity_id in loose for d in side.differences)
    assert reconcile(reversed(deals), reversed(billed)) == reconcile(deals, billed)
