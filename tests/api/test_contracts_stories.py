"""Golden scenarios told to a live server through the SDK alone: S1 and S4, to the cent."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from metronome import Metronome

from api.played import dollars
from api.shop import Shop
from billing.world import at
from golden import s1


@pytest.fixture
def start() -> datetime:
    return at("2023-12-01")


class Told:
    """A shop on a server whose clock the story moves."""

    def __init__(self, client: Metronome, http: httpx.Client, since: str) -> None:
        self.shop = Shop(client, since)
        self.client = client
        self.http = http
        self.sent = 0

    def use(self, when: datetime, **properties: str) -> None:
        """One event of the customer; the clock is there when it comes."""
        self.until(when)
        self.sent += 1
        event = {
            "transaction_id": f"event-{self.sent}",
            "customer_id": "acme",
            "event_type": "used",
            "timestamp": when.isoformat(),
            "properties": {"region": "eu"} | properties,
        }
        self.client.v1.usage.ingest(usage=[event])

    def until(self, now: datetime) -> None:
        answer = self.http.post("/closedwon/clock", json={"now": now.isoformat()}, timeout=300)
        assert answer.status_code == 200, answer.text

    def invoices(self, **filters: Any) -> list[Any]:
        listed = self.client.v1.customers.invoices.list
        return list(listed(customer_id=self.shop.customer, **filters))


def schedule(*rows: tuple[float, str, str]) -> dict[str, Any]:
    return {
        "schedule_items": [
            {"amount": amount, "starting_at": at(start), "ending_before": at(end)}
            for amount, start, end in rows
        ]
    }


def paid(*rows: tuple[float, str]) -> dict[str, Any]:
    return {"schedule_items": [{"amount": amount, "timestamp": at(day)} for amount, day in rows]}


def cheaper(tag: str, multiplier: float, since: str) -> dict[str, Any]:
    return {
        "starting_at": at(since),
        "type": "MULTIPLIER",
        "multiplier": multiplier,
        "applicable_product_tags": [tag],
    }


def sign(told: Told) -> str:
    """The contract of seed 000 and its upsell amendment."""
    shop = told.shop
    prepaid = {"type": "PREPAID", "product_id": shop.commit, "rollover_fraction": 0.25}
    commit = prepaid | {
        "name": "A",
        "priority": 1,
        "access_schedule": schedule(
            (5000000, "2024-01-01", "2025-01-01"),
            (20000000, "2025-01-01", "2026-01-01"),
            (25000000, "2026-01-01", "2027-01-01"),
        ),
        "invoice_schedule": paid((25000000, "2024-01-01"), (25000000, "2026-01-01")),
    }
    contract = shop.contract(
        ending_before=at("2027-01-01"),
        commits=[commit],
        overrides=[cheaper("storage", 0.9, "2024-01-01"), cheaper("storage", 0.8, "2025-01-01")],
        scheduled_charges=[{"product_id": shop.support, "schedule": paid((500000, "2024-03-01"))}],
    )
    upsell = prepaid | {
        "name": "B",
        "priority": 1,
        "access_schedule": schedule((30000000, "2025-01-01", "2027-01-01")),
        "invoice_schedule": paid((30000000, "2025-01-01")),
    }
    told.client.v1.contracts.amend(
        customer_id=shop.customer,
        contract_id=contract,
        starting_at=at("2024-01-01"),
        commits=[upsell],
        overrides=[cheaper("analysis", 0.85, "2025-01-01")],
    )
    return contract


def renew(told: Told, contract: str) -> str:
    """The renewal of 2027, with C of 600,000.00."""
    shop = told.shop
    commit = {
        "type": "PREPAID",
        "product_id": shop.commit,
        "name": "C",
        "priority": 1,
        "access_schedule": schedule((60000000, "2027-01-01", "2028-01-01")),
        "invoice_schedule": paid((60000000, "2027-01-01")),
    }
    return shop.contract(
        starting_at=at("2027-01-01"),
        ending_before=at("2028-01-01"),
        commits=[commit],
        overrides=[cheaper("storage", 0.8, "2027-01-01"), cheaper("analysis", 0.85, "2027-01-01")],
        transition={"type": "RENEWAL", "from_contract_id": contract},
    )


@pytest.fixture
def infrax(client: Metronome, http: httpx.Client) -> Told:
    return Told(client, http, "2024-01-01T00:00:00Z")


def test_s1_r120_r121_r185_three_years_of_infrax_through_the_sdk(infrax: Told) -> None:
    contract = sign(infrax)
    renewal = ""
    for month in s1.MONTHS:
        day = at(f"{month.period}-15")
        if month.period == "2027-01":
            infrax.until(at("2026-12-20"))
            renewal = renew(infrax, contract)
        infrax.use(day, storage_gb=str(month.storage_gb))
        infrax.use(day + timedelta(hours=1), analysis_hours=str(month.analysis_h))
    infrax.until(at("2027-02-03"))

    used = infrax.invoices(type="USAGE", status="FINALIZED")
    assert [dollars(one.total) for one in used] == [month.total for month in s1.MONTHS]
    scheduled = infrax.invoices(type="SCHEDULED", status="FINALIZED")
    assert [dollars(one.total) for one in scheduled] == [250000, 5000, 300000, 250000, 600000]
    check_ledger_of_a(infrax, contract, renewal)
    check_what_is_left(infrax, renewal)


def check_ledger_of_a(told: Told, contract: str, renewal: str) -> None:
    found = told.shop.v2(contract, include_ledgers=True)
    (a,) = [one for one in found.commits if one.name == "A"]
    told_of = [(one.type.removeprefix("PREPAID_COMMIT_"), dollars(one.amount)) for one in a.ledger]
    grants = [amount for kind, amount in told_of if kind == "SEGMENT_START"]
    rolled = [one for one in a.ledger if one.type == "PREPAID_COMMIT_ROLLOVER"]
    drawn = sum(amount for kind, amount in told_of if kind == "AUTOMATED_INVOICE_DEDUCTION")
    assert grants == [50000, 200000, 250000]
    assert [(one.new_contract_id, dollars(one.amount)) for one in rolled] == [
        (renewal, Decimal(-48135))
    ]
    assert sum(amount for _, amount in told_of) == 0
    assert drawn == -(sum(grants) - Decimal(48135))
    assert found.transitions[0].to_contract_id == renewal


def check_what_is_left(told: Told, renewal: str) -> None:
    after = told.shop.v2(renewal, include_balance=True)
    left = {one.name: dollars(one.balance) for one in after.commits}
    assert left == {"C": Decimal(597860), "A rollover": Decimal(0)}
    (rollover,) = [one for one in after.commits if one.rolled_over_from is not None]
    assert dollars(rollover.access_schedule.schedule_items[0].amount) == 48135
    net = told.client.v1.contracts.get_net_balance(customer_id=told.shop.customer).data
    assert dollars(net.balance) == 597860


def test_s4_r219_r223_r229_seats_with_a_shared_pool_through_the_sdk(
    client: Metronome, http: httpx.Client
) -> None:
    told = Told(client, http, "2025-06-01T00:00:00Z")
    shop, rounding = told.shop, {"rounding_method": "HALF_UP", "decimal_places": 0}
    shop.rate(shop.usage("Assistant", "ai_cents", tags=["ai"]), 1)
    contract = shop.contract(
        subscriptions=[
            {
                "temporary_id": "seats",
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
                "collection_schedule": "ADVANCE",
                "proration": {
                    "is_prorated": True,
                    "invoice_behavior": "BILL_IMMEDIATELY",
                    "rounding": rounding,
                },
                "initial_quantity": 10,
            }
        ],
        recurring_credits=[
            {
                "product_id": shop.commit,
                "access_amount": {"unit_price": 1000},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": at("2025-06-01"),
                "applicable_product_tags": ["ai"],
                "proration_rounding": {"access": rounding},
                "subscription_config": {
                    "subscription_id": "seats",
                    "allocation": "POOLED",
                    "apply_seat_increase_config": {"is_prorated": True},
                },
            }
        ],
    )
    (sold,) = shop.v2(contract).subscriptions
    for day, delta in (("2025-06-11", 5), ("2025-06-20", -3)):
        told.until(at(day))
        update = {"starting_at": at(day), "quantity_delta": delta}
        client.v2.contracts.edit(
            customer_id=shop.customer,
            contract_id=contract,
            update_subscriptions=[{"subscription_id": sold.id, "quantity_updates": [update]}],
        )
    told.use(at("2025-06-25"), ai_cents="15840")
    told.until(at("2025-07-02"))

    scheduled = told.invoices(type="SCHEDULED", status="FINALIZED")
    assert [dollars(one.total) for one in scheduled] == [Decimal(290), Decimal("96.65")]
    (june,) = told.invoices(type="USAGE", status="FINALIZED")
    assert dollars(june.total) == Decimal("373.07")
    credits_ = client.v1.customers.credits.list(
        customer_id=shop.customer,
        include_contract_credits=True,
        include_ledgers=True,
        include_balance=True,
    )
    pool, july, *_ = sorted(
        credits_, key=lambda one: one.access_schedule.schedule_items[0].starting_at
    )
    assert [(one.type, dollars(one.amount)) for one in pool.ledger] == [
        ("CREDIT_SEGMENT_START", Decimal(100)),
        ("CREDIT_SEAT_BASED_ADJUSTMENT", Decimal("33.33")),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", Decimal("-133.33")),
    ]
    assert dollars(july.balance) == 120
