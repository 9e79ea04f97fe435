from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.deals.mapping import map_deal
from closedwon.deals.mapping.charges import shares
from closedwon.deals.types import Rejected, Terms
from deals import cpq_org as org


@pytest.mark.parametrize(
    ("amount", "how", "expected"),
    [
        ("1000000", "DIVIDED_ROUNDED", ["333333", "333333", "333334"]),
        ("1000", "EACH", ["1000", "1000", "1000"]),
        ("300", "DIVIDED", ["100", "100", "100"]),
        ("100", "DIVIDED_ROUNDED", ["33", "33", "34"]),
    ],
)
def test_worked_examples_of_r153(amount: str, how: str, expected: list[str]) -> None:
    found = shares(Decimal(amount), 3, how, "USD")

    assert list(found) == [Decimal(one) for one in expected]


@pytest.mark.parametrize(("currency", "last"), [("EUR", "33.34"), ("JPY", "34"), ("KWD", "33.334")])
def test_rounded_shares_are_whole_minor_units_of_the_currency(currency: str, last: str) -> None:
    assert shares(Decimal(100), 3, "DIVIDED_ROUNDED", currency)[-1] == Decimal(last)


@settings(deadline=None)
@given(
    amount=st.decimals("0.01", "99999999", places=2),
    count=st.integers(1, 120),
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
)
def test_rounded_shares_add_up_to_the_amount(amount: Decimal, count: int, currency: str) -> None:
    found = shares(amount, count, "DIVIDED_ROUNDED", currency)

    assert sum(found) == amount
    assert len(set(found[:-1])) <= 1


def recurring(start: str, end: str, frequency: str, **changes: object) -> Terms | Rejected:
    line = org.a_line(
        1,
        SBQQ__ChargeType__c="Recurring",
        SBQQ__BillingFrequency__c=frequency,
        SBQQ__EffectiveStartDate__c=start,
        SBQQ__EffectiveEndDate__c=end,
        **changes,
    )
    return map_deal(org.MAPPING, org.a_deal([line]), org.facts())


def dates(terms: Terms | Rejected) -> list[str]:
    assert isinstance(terms, Terms), terms
    return [f"{item.timestamp:%Y-%m-%d}" for item in terms.contract.terms.charges[0].items]


def test_recurring_dates_are_stepped_from_the_start_and_never_drift() -> None:
    found = dates(recurring("2024-01-31", "2024-05-30", "Monthly"))

    assert found == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


def test_in_arrears_each_period_is_invoiced_when_it_ends() -> None:
    found = dates(
        recurring("2024-01-01", "2024-05-15", "Quarterly", SBQQ__BillingType__c="Arrears")
    )

    assert found == ["2024-04-01", "2024-05-16"]


def test_a_schedule_that_ends_before_it_starts_is_parked() -> None:
    found = recurring("2024-05-01", "2024-04-30", "Monthly")

    assert isinstance(found, Rejected)
    assert [finding.code for finding in found.findings] == ["ends_before_start"]
    assert found.findings[0].field == "Ends_On"


def test_an_absurdly_long_schedule_is_parked() -> None:
    found = recurring("1990-01-01", "2199-12-31", "Monthly")

    assert isinstance(found, Rejected)
    assert [finding.code for finding in found.findings] == ["schedule_length"]
