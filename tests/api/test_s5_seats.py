"""S5 through the SDK: every seat owns its credit (seed 4, type 3), and its alert."""

from datetime import datetime
from decimal import Decimal

import pytest

from api.played import Story, dollars
from api.shop import Seller
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


@pytest.fixture
def shop(story: Story) -> Seller:
    return Seller(story.sdk, "2025-06-01T00:00:00Z")


@pytest.fixture
def contract(shop: Seller) -> str:
    """Seats a, b, c and one that is nobody's, at 40.00; 25.00 of AI for each that is somebody's."""
    by_user = {"group": "user_id", "presentation_group_key": ["user_id"]}
    shop.rate(shop.usage("Assistant", "ai_cents", ["ai"], **by_user), 1)
    seat = shop.product("SUBSCRIPTION", "Seat")
    shop.rate(seat, 4000, billing_frequency="MONTHLY")
    seats = {
        "temporary_id": "seats",
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {
            "seat_group_key": "user_id",
            "initial_seat_ids": ["a", "b", "c"],
            "initial_unassigned_seats": 1,
        },
    }
    own = {
        "product_id": shop.product("FIXED", "Seat credit"),
        "access_amount": {"unit_price": 2500},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": at("2025-06-01"),
        "applicable_product_tags": ["ai"],
        "subscription_config": {
            "subscription_id": "seats",
            "allocation": "INDIVIDUAL",
            "apply_seat_increase_config": {"is_prorated": True},
        },
    }
    return shop.contract(subscriptions=[seats], recurring_credits=[own])


def june(story: Story, shop: Seller, contract: str) -> None:
    """Seat a uses 31.50, b 10.00, c nothing; d gets the free seat on the 16th and uses 15.00."""
    story.used("2025-06-10", ai_cents="3150", user_id="a")
    story.used("2025-06-12", ai_cents="1000", user_id="b")
    story.used("2025-06-20", ai_cents="1500", user_id="d")
    story.until(at("2025-06-16"))
    (sold,) = shop.v2(contract).subscriptions
    comes = {"add_seat_ids": [{"seat_ids": ["d"], "starting_at": at("2025-06-16")}]}
    shop.edit(contract, update_subscriptions=[{"subscription_id": sold.id, "seat_updates": comes}])
    story.until(at("2025-06-30"))


def test_s5_r230_r231_r232_r235_seats_own_their_credit(
    story: Story, shop: Seller, contract: str
) -> None:
    june(story, shop, contract)
    (sold,) = shop.v2(contract).subscriptions
    seats = story.sdk.v1.contracts.list_seat_balances(
        customer_id=shop.customer, contract_id=contract
    )
    left = {one.seat_id: [dollars(b.balance) for b in one.balances] for one in seats.data}
    story.until(at("2025-07-02"))

    first, month = story.invoices(shop.customer, status="FINALIZED")
    assert (first.type, dollars(first.total)) == ("SCHEDULED", 160)
    assert (month.type, dollars(month.total)) == ("USAGE", 169)
    assert sold.quantity_schedule[0].quantity == 4
    assert left == {"a": [0], "b": [15], "c": [25], "d": [0]}
    usage = [one for one in month.line_items if one.type == "usage" and one.total]
    covered = {who(one): dollars(one.total) for one in usage if one.commit_id}
    over = {who(one): dollars(one.total) for one in usage if not one.commit_id}
    assert covered == {"a": Decimal("25.00"), "b": Decimal("10.00"), "d": Decimal("12.50")}
    assert over == {"a": Decimal("6.50"), "d": Decimal("2.50")}
    (line,) = [one for one in month.line_items if one.type == "subscription"]
    assert (line.quantity, dollars(line.total)) == (4, 160)


def who(line: object) -> str:
    return str(line.presentation_group_values["user_id"])  # type: ignore[attr-defined]


def test_s5_r184_r235_junes_credit_ends_at_nothing(
    story: Story, shop: Seller, contract: str
) -> None:
    june(story, shop, contract)
    story.until(at("2025-07-02"))

    found = story.sdk.v1.customers.credits.list(
        customer_id=shop.customer, include_contract_credits=True, include_ledgers=True
    )
    (child,) = [
        one
        for one in found
        if one.access_schedule.schedule_items[0].starting_at == at("2025-06-01")
    ]
    assert [
        (one.type.removeprefix("CREDIT_"), f"{one.timestamp:%m-%d}", dollars(one.amount))
        for one in child.ledger
    ] == [
        ("SEGMENT_START", "06-01", Decimal("75.00")),
        ("SEAT_BASED_ADJUSTMENT", "06-16", Decimal("12.50")),
        ("AUTOMATED_INVOICE_DEDUCTION", "07-01", Decimal("-47.50")),
        ("EXPIRATION", "07-01", Decimal("-40.00")),
    ]


def test_s5_r273_the_seat_alert_fires_for_a_and_d_and_no_balance_alert_does(
    story: Story, shop: Seller, contract: str
) -> None:
    create = story.sdk.v1.alerts.create
    told = {"threshold": 0, "customer_id": shop.customer}
    of_seats = create(
        alert_type="low_remaining_seat_balance_reached",
        name="Seats",
        seat_filter={"seat_group_key": "user_id"},
        **told,
    ).data.id
    of_contract = create(
        alert_type="low_remaining_contract_credit_balance_reached", name="Contract", **told
    ).data.id
    june(story, shop, contract)

    status = {seat: status_of(story, shop, of_seats, seat) for seat in "abcd"}
    assert status == {"a": "in_alarm", "b": "ok", "c": "ok", "d": "in_alarm"}
    assert status_of(story, shop, of_contract) == "ok"
    fired = [one for one in story.told() if one["type"].startswith("alerts.")]
    assert {one["type"] for one in fired} == {"alerts.low_remaining_seat_balance_reached"}
    assert [one["properties"]["triggered_by"] for one in fired] == ["a", "d"]


def status_of(story: Story, shop: Seller, alert: str, seat: str | None = None) -> str | None:
    by_seat = {"seat_group_key": "user_id", "seat_group_value": seat}
    found = story.sdk.v1.customers.alerts.retrieve(
        alert_id=alert,
        customer_id=shop.customer,
        **({} if seat is None else {"seat_filter": by_seat}),  # type: ignore[arg-type]
    )
    return found.data.customer_status
