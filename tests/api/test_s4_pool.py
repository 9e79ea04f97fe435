"""S4 through the SDK: ten seats and a pool they share, more and fewer of them within a month."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, lines_of, totals
from api.shop import Shop
from billing.world import at

CENTS = {"rounding_method": "HALF_UP", "decimal_places": 0}
PRORATED = {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY", "rounding": CENTS}


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


@pytest.fixture
def shop(story: Story) -> Shop:
    found = Shop(story.sdk, "2025-06-01T00:00:00Z")
    found.rate(found.usage("Assistant", "ai_cents", tags=["ai"]), 1)
    return found


def sign(shop: Shop, proration: Any = None, tags: Any = ("ai",)) -> str:
    seats = {
        "temporary_id": "seats",
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
        "collection_schedule": "ADVANCE",
        "proration": proration or PRORATED,
        "initial_quantity": 10,
    }
    pool = {
        "product_id": shop.commit,
        "access_amount": {"unit_price": 1000},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": at("2025-06-01"),
        "proration_rounding": {"access": CENTS},
        "subscription_config": {
            "subscription_id": "seats",
            "allocation": "POOLED",
            "apply_seat_increase_config": {"is_prorated": True},
        },
    }
    if tags:
        pool["applicable_product_tags"] = list(tags)
    return shop.contract(subscriptions=[seats], recurring_credits=[pool])


def june(story: Story, shop: Shop, contract: str) -> None:
    """Five seats more on the 11th, three fewer on the 20th, 158.40 used by the 25th."""
    (sold,) = shop.v2(contract).subscriptions
    for day, delta in (("2025-06-11", 5), ("2025-06-20", -3)):
        story.until(at(day))
        update = {"starting_at": at(day), "quantity_delta": delta}
        shop.edit(
            contract,
            update_subscriptions=[{"subscription_id": sold.id, "quantity_updates": [update]}],
        )
    story.used("2025-06-25", ai_cents="15840")
    story.until(at("2025-07-02"))


def billed(story: Story, shop: Shop) -> list[tuple[str, Decimal]]:
    found = story.invoices(shop.customer, status="FINALIZED")
    return [(kind, total) for kind, _, total in totals(found)]


def ledgers(story: Story, shop: Shop) -> list[list[tuple[str, str, Decimal]]]:
    """Of June's child and of July's, as (kind, day, dollars)."""
    found = story.sdk.v1.customers.credits.list(
        customer_id=shop.customer, include_contract_credits=True, include_ledgers=True
    )
    ordered = sorted(found, key=lambda one: one.access_schedule.schedule_items[0].starting_at)
    return [
        [
            (entry.type.removeprefix("CREDIT_"), f"{entry.timestamp:%m-%d}", dollars(entry.amount))
            for entry in one.ledger
        ]
        for one in ordered[:2]
    ]


def test_s4_r219_r222_r223_r229_seats_with_a_shared_pool(story: Story, shop: Shop) -> None:
    contract = sign(shop)

    june(story, shop, contract)

    assert billed(story, shop) == [
        ("SCHEDULED", Decimal("290.00")),
        ("SCHEDULED", Decimal("96.65")),
        ("USAGE", Decimal("373.07")),
    ]
    first, more, month = story.invoices(shop.customer, status="FINALIZED")
    assert [one.issued_at for one in (first, more)] == [at("2025-06-01"), at("2025-06-11")]
    (line,) = more.line_items
    assert (line.quantity, line.unit_price, line.is_prorated) == (5, 1933, True)
    assert lines_of(month, "usage")["Assistant"] == Decimal("158.40")
    assert sum(lines_of(month, "applied_commit_or_credit").values()) == Decimal("-133.33")
    (seats,) = [one for one in month.line_items if one.type == "subscription"]
    assert (seats.quantity, dollars(seats.unit_price), dollars(seats.total)) == (12, 29, 348)
    assert ledgers(story, shop) == [
        [
            ("SEGMENT_START", "06-01", Decimal(100)),
            ("SEAT_BASED_ADJUSTMENT", "06-11", Decimal("33.33")),
            ("AUTOMATED_INVOICE_DEDUCTION", "07-01", Decimal("-133.33")),
        ],
        [("SEGMENT_START", "07-01", Decimal(120))],
    ]


def test_s4_r223_without_rounding_the_increase_is_9667_cents_when_shown(
    story: Story, shop: Shop
) -> None:
    contract = sign(shop, {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"})

    june(story, shop, contract)

    _, (kind, total), _ = billed(story, shop)
    assert (kind, total.quantize(Decimal("1e-8"))) == ("SCHEDULED", Decimal("96.66666667"))


def test_s4_r221_billed_on_the_next_collection_date(story: Story, shop: Shop) -> None:
    contract = sign(shop, PRORATED | {"invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"})

    june(story, shop, contract)

    assert billed(story, shop) == [("SCHEDULED", Decimal(290)), ("USAGE", Decimal("469.72"))]


def test_s4_r221_an_increase_that_is_not_prorated_costs_the_whole_month(
    story: Story, shop: Shop
) -> None:
    contract = sign(shop, {"is_prorated": False, "invoice_behavior": "BILL_IMMEDIATELY"})

    june(story, shop, contract)

    assert billed(story, shop)[1] == ("SCHEDULED", Decimal(145))


def test_s4_r163_r240_a_pool_for_everything_pays_julys_seats(story: Story, shop: Shop) -> None:
    """Why pools are for usage tags: seats of 290.00, 96.65 and 348.00 take 100.00, 33.33 and 120.00.

    Nothing is left for June's 158.40, nor for July's 10.00.
    """
    contract = sign(shop, tags=())

    june(story, shop, contract)

    assert billed(story, shop) == [
        ("SCHEDULED", Decimal("190.00")),
        ("SCHEDULED", Decimal("63.32")),
        ("USAGE", Decimal("158.40") + Decimal("228.00")),
    ]
    story.used("2025-07-10", ai_cents="1000")
    story.until(at("2025-07-20"))
    (draft,) = story.invoices(shop.customer, status="DRAFT", type="USAGE")
    assert lines_of(draft, "usage")["Assistant"] == 10
    assert not any(one.name == "Assistant" and one.commit_id for one in draft.line_items)
