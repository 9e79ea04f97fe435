"""S1b to S1e through the SDK: what InfraX's segments leave behind, on time, late and early."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, lines_of
from api.shop import Shop
from api.terms import access, paid
from api.test_s1_infrax import sign, upsell
from billing.world import at

Told = tuple[str, str, Decimal]


@pytest.fixture
def start() -> datetime:
    return at("2023-12-20")


@pytest.fixture
def shop(story: Story) -> Shop:
    return Shop(story.sdk, "2024-01-01T00:00:00Z")


@pytest.fixture
def contract(shop: Shop) -> str:
    found = sign(shop)
    upsell(shop, found)
    return found


def renew(story: Story, shop: Shop, contract: str, day: str, known: str, **more: Any) -> str:
    """A renewal with a new commit of 600,000.00; ``known`` is when it is signed."""
    story.until(at(known))
    commit = {
        "type": "PREPAID",
        "product_id": shop.commit,
        "priority": 1,
        "access_schedule": access((60000000, day, "2028-01-01")),
        "invoice_schedule": paid((60000000, day)),
    }
    return shop.contract(
        starting_at=at(day),
        ending_before=at("2028-01-01"),
        commits=[commit],
        transition={"type": "RENEWAL", "from_contract_id": contract} | more,
    )


def ledgers(shop: Shop, contract: str) -> tuple[list[Told], list[Told]]:
    """Of A and of B, each sorted by day, kind and amount: one day has no order among its kinds."""
    found = {
        len(one.access_schedule.schedule_items): sorted(
            (
                f"{entry.timestamp:%Y-%m-%d}",
                entry.type.removeprefix("PREPAID_COMMIT_"),
                dollars(entry.amount),
            )
            for entry in one.ledger
        )
        for one in shop.v2(contract, include_ledgers=True).commits
    }
    return found[3], found[1]


def left(shop: Shop, contract: str) -> list[Decimal]:
    return sorted(dollars(one.balance) for one in shop.v2(contract, include_balance=True).commits)


def test_s1b_r121_r184_a_renewal_rolls_a_quarter_of_each_and_the_rest_expires(
    story: Story, shop: Shop, contract: str
) -> None:
    """2025: 10,625.00 of A2. 2026: 170,000.00 of B, which keeps 130,000.00; A3 keeps it all."""
    story.used("2025-05-05", analysis_hours="10000")
    story.used("2026-05-05", analysis_hours="160000")
    renewal = renew(story, shop, contract, "2027-01-01", "2026-12-01")
    story.until(at("2027-01-03"))

    a, b = ledgers(shop, contract)
    assert a == [
        ("2024-01-01", "SEGMENT_START", 50000),
        ("2025-01-01", "EXPIRATION", -50000),
        ("2025-01-01", "SEGMENT_START", 200000),
        ("2025-06-01", "AUTOMATED_INVOICE_DEDUCTION", -10625),
        ("2026-01-01", "EXPIRATION", -189375),
        ("2026-01-01", "SEGMENT_START", 250000),
        ("2027-01-01", "EXPIRATION", -187500),
        ("2027-01-01", "ROLLOVER", -62500),
    ]
    assert b[1:] == [
        ("2026-06-01", "AUTOMATED_INVOICE_DEDUCTION", -170000),
        ("2027-01-01", "EXPIRATION", -55000),
        ("2027-01-01", "ROLLOVER", -75000),
    ]
    assert left(shop, renewal) == [62500, 75000, 600000]


def test_s1c_r121_r375_a_late_renewal_finds_everything_expired(
    story: Story, shop: Shop, contract: str
) -> None:
    renewal = renew(story, shop, contract, "2027-02-01", "2027-01-20")
    story.until(at("2027-02-03"))

    _, b = ledgers(shop, contract)
    assert b[1:] == [("2027-01-01", "EXPIRATION", -300000)]
    assert left(shop, renewal) == [600000]


def test_s1e_r120_r121_an_early_renewal_cuts_segments_and_drops_what_was_to_be_paid(
    story: Story, shop: Shop, contract: str
) -> None:
    """2025-07-01: A2 has 178,750.00, of which 50,000.00 roll; A3, not begun, rolls 62,500.00."""
    story.used("2025-03-03", analysis_hours="20000")
    renewal = renew(story, shop, contract, "2025-07-01", "2025-06-01")
    story.until(at("2026-02-03"))

    a, b = ledgers(shop, contract)
    assert a[-5:] == [
        ("2025-07-01", "EXPIRATION", -187500),
        ("2025-07-01", "EXPIRATION", -128750),
        ("2025-07-01", "ROLLOVER", -62500),
        ("2025-07-01", "ROLLOVER", -50000),
        ("2025-07-01", "SEGMENT_START", 250000),
    ]
    assert b[1:] == [("2025-07-01", "EXPIRATION", -225000), ("2025-07-01", "ROLLOVER", -75000)]
    assert left(shop, renewal) == [75000, 50000 + 62500, 600000]
    billed = story.invoices(shop.customer, contract_id=contract, type="SCHEDULED")
    assert [dollars(one.total) for one in billed] == [250000, 5000, 300000]


def test_s1_r1_r179_the_last_second_of_a_segment_and_the_first_of_the_next(
    story: Story, shop: Shop, contract: str
) -> None:
    """8 h x 1.25 from A1, 8 h x 1.0625 from A2."""
    story.used("2024-12-31T23:59:59", analysis_hours="8")
    story.used("2025-01-01T00:00:00", analysis_hours="8")
    story.until(at("2025-02-03"))

    a, _ = ledgers(shop, contract)
    taken = [(day, amount) for day, kind, amount in a if "DEDUCTION" in kind]
    assert taken == [("2025-01-01", -10), ("2025-02-01", Decimal("-8.50"))]


def test_s1_r118_an_extension_extends_nothing_but_the_term(
    story: Story, shop: Shop, contract: str
) -> None:
    """Until June 2027: A3 expires all the same, January's 100 GB are overage at 1.84 c."""
    story.until(at("2026-11-01"))
    story.sdk.v1.contracts.update_end_date(
        customer_id=shop.customer, contract_id=contract, ending_before=at("2027-06-01")
    )
    story.used("2027-01-15", storage_gb="100")
    story.until(at("2027-02-03"))

    a, _ = ledgers(shop, contract)
    assert a[-1] == ("2027-01-01", "EXPIRATION", -250000)
    january = story.invoices(shop.customer, type="USAGE", status="FINALIZED")[-1]
    assert lines_of(january, "usage")["Storage"] == Decimal("1.84")
    assert dollars(january.total) == Decimal("1.84")
