"""S12 through the SDK: recurring commits; partial periods, rounding, durations, ends (R201-R210)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from billing.world import at

Told = tuple[str, str, Decimal]


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def signed(story: Story, since: str, end: str | None = None, **terms: Any) -> tuple[Seller, str]:
    """A call is a dollar; 30.00 of access for 20.00 a period, unless ``terms`` say otherwise."""
    shop = Seller(story.sdk, f"{since}T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    grant = {
        "product_id": shop.product("FIXED", "Grant"),
        "name": "Grant",
        "priority": 1,
        "access_amount": {"unit_price": 3000, "quantity": 1},
        "invoice_amount": {"unit_price": 2000, "quantity": 1},
        "commit_duration": {"value": 1},
        "starting_at": at(since),
    } | terms
    ends = None if end is None else at(end)
    return shop, shop.contract(recurring_commits=[grant], ending_before=ends)


def ledgers(shop: Seller, contract: str) -> dict[str, list[Told]]:
    """Of each child by the day it starts: (kind, day, dollars to the cent)."""
    found = {}
    for child in shop.v2(contract, include_ledgers=True).commits:
        first = f"{child.access_schedule.schedule_items[0].starting_at:%m-%d}"
        found[first] = [
            (
                entry.type.removeprefix("PREPAID_COMMIT_"),
                f"{entry.timestamp:%m-%d}",
                dollars(entry.amount).quantize(Decimal("0.01")),
            )
            for entry in child.ledger
        ]
    return found


def bought(story: Story, shop: Seller) -> list[tuple[str, Decimal]]:
    found = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    return [(f"{one.issued_at:%m-%d}", round(dollars(one.total), 2)) for one in found]


def test_s12_r10_r201_a_first_partial_month_is_17_of_31(story: Story) -> None:
    """30.00 x 17/31 = 16.4516..., 20.00 x 17/31 = 10.967...; 10 calls leave 6.45, which expires."""
    shop, contract = signed(story, "2025-01-15")
    story.used("2025-01-20", calls="10")
    story.until(at("2025-02-03"))

    found = ledgers(shop, contract)
    assert found["01-15"] == [
        ("SEGMENT_START", "01-15", Decimal("16.45")),
        ("AUTOMATED_INVOICE_DEDUCTION", "02-01", Decimal("-10.00")),
        ("EXPIRATION", "02-01", Decimal("-6.45")),
    ]
    assert found["02-01"] == [("SEGMENT_START", "02-01", Decimal("30.00"))]
    assert bought(story, shop) == [("01-15", Decimal("10.97")), ("02-01", Decimal("20.00"))]


@pytest.mark.parametrize(
    ("method", "places", "cents"),
    [("HALF_UP", 0, "1645"), ("CEILING", -2, "1700"), ("FLOOR", 3, "1645.161")],
)
def test_s12_r207_a_share_is_rounded_and_a_whole_period_never(
    story: Story, method: str, places: int, cents: str
) -> None:
    rounding = {"access": {"rounding_method": method, "decimal_places": places}}
    shop, contract = signed(story, "2025-01-15", proration_rounding=rounding)
    story.until(at("2025-02-03"))

    grants = [
        Decimal(str(child.ledger[0].amount))
        for child in shop.v2(contract, include_ledgers=True).commits
        if child.ledger
    ]
    assert grants == [Decimal(cents), 3000]


@pytest.mark.parametrize(
    ("proration", "first", "last"),
    [
        ("NONE", "30.00", "30.00"),
        ("FIRST", "16.45", "30.00"),
        ("LAST", "30.00", "10.00"),
        ("FIRST_AND_LAST", "16.45", "10.00"),
    ],
)
def test_s12_r201_r209_each_end_is_prorated_as_asked(
    story: Story, proration: str, first: str, last: str
) -> None:
    """January from the 15th: 17/31. April until the 11th: 10/30, then nothing."""
    ends = at("2025-04-11")
    shop, contract = signed(story, "2025-01-15", proration=proration, ending_before=ends)
    story.until(at("2025-05-03"))

    found = ledgers(shop, contract)
    assert [found[day][0][2] for day in ("01-15", "02-01", "03-01", "04-01")] == [
        Decimal(first),
        Decimal(30),
        Decimal(30),
        Decimal(last),
    ]
    assert found["04-01"][-1] == ("EXPIRATION", "04-11", -Decimal(last))
    assert list(found)[-1] == "04-01"


def test_s12_r202_a_grid_of_its_own_runs_across_invoices(story: Story) -> None:
    """MONTHLY from the 15th: whole 30.00 for Jan 15..Feb 15; 12 + 18 calls covered, 2 over."""
    shop, contract = signed(story, "2025-01-15", recurrence_frequency="MONTHLY")
    story.used("2025-01-20", calls="12")
    story.used("2025-02-14T23:59:59", calls="20")
    story.until(at("2025-03-03"))

    assert ledgers(shop, contract)["01-15"] == [
        ("SEGMENT_START", "01-15", Decimal(30)),
        ("AUTOMATED_INVOICE_DEDUCTION", "02-01", Decimal(-12)),
        ("AUTOMATED_INVOICE_DEDUCTION", "02-15", Decimal(-18)),
    ]
    used = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert [dollars(one.total) for one in used] == [0, 2]
    assert bought(story, shop) == [("01-15", 20), ("02-15", 20)]


def test_s12_r203_two_periods_of_access_overlap_and_the_older_burns_first(story: Story) -> None:
    """10 in January, 45 in February: 20 of January's grant, 25 of February's. Ended Mar 15."""
    shop, contract = signed(story, "2025-01-01", "2025-03-15", commit_duration={"value": 2})
    story.used("2025-01-10", calls="10")
    story.used("2025-02-10", calls="45")
    story.until(at("2025-03-20"))

    found = ledgers(shop, contract)
    assert found["01-01"][1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "02-01", Decimal(-10)),
        ("AUTOMATED_INVOICE_DEDUCTION", "03-01", Decimal(-20)),
    ]
    assert found["02-01"][1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "03-01", Decimal(-25)),
        ("EXPIRATION", "03-15", Decimal(-5)),
    ]
    assert found["03-01"] == [
        ("SEGMENT_START", "03-01", Decimal("13.55")),
        ("EXPIRATION", "03-15", Decimal("-13.55")),
    ]


def test_s12_r114_an_edit_changes_children_to_come_only(story: Story) -> None:
    """30.00 for 20.00 becomes 40.00 for 25.00 on Feb 10: March is the first of them."""
    shop, contract = signed(story, "2025-01-01")
    story.until(at("2025-02-10"))
    (grant,) = shop.v2(contract).recurring_commits
    shop.edit(
        contract,
        update_recurring_commits=[
            {
                "recurring_commit_id": grant.id,
                "access_amount": {"unit_price": 4000},
                "invoice_amount": {"unit_price": 2500},
            }
        ],
    )
    story.until(at("2025-03-03"))

    found = ledgers(shop, contract)
    assert [found[day][0][2] for day in ("01-01", "02-01", "03-01")] == [30, 30, 40]
    assert [amount for _, amount in bought(story, shop)] == [20, 20, 25]
