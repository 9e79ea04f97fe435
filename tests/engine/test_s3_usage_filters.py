"""S3: three regions, three contracts, one filter that widens (R22, R105-R108)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.world import EPOCH, at, dollars, rate, span, usage_product
from build import Setup, add_customer, event, setup
from closedwon.billing.account import Bill
from closedwon.billing.catalog.types import Aggregation, Metric, RateCard
from closedwon.billing.contracts.edits import ChangeEnd, Create, FilterUsage
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.testing.usage import Used

PRICES = {"US": "10", "EU": "12", "APAC": "11"}
DECEMBER = {"US": 10_000, "EU": 4_000, "APAC": 3_000}


@pytest.fixture
def world() -> Setup:
    """WidgetsExpress from October 2024: US, EU and APAC on cards of their own."""
    made = setup()
    calls = Metric(
        id="m-API",
        name="API",
        aggregation=Aggregation.COUNT,
        event_types=("API",),
        group_keys=(("region",),),
        created_at=EPOCH,
    )
    made.engine.create_metric(calls, EPOCH)
    made.engine.create_product(usage_product("API"), EPOCH)
    add_customer(made.engine, "widgets")
    for region, price in PRICES.items():
        listed = rate("API", price, rate_card_id=region, id=f"r-{region}")
        card = RateCard(id=region, name=region, rates=(listed,), created_at=EPOCH)
        made.engine.create_rate_card(card, EPOCH)
        signed = Create(
            customer_id="widgets",
            term=span("2024-10-01"),
            rate_card_id=region,
            usage_filter=UsageFilter(
                group_key="region", group_values=(region,), starting_at=at("2024-10-01")
            ),
        )
        made.engine.create_contract(region, signed, by="test", now=at("2024-10-01"))
    return made


def calls(month: str, who: str = "widgets") -> Iterator[Used]:
    """The month's events, half on the 5th and half on the 20th; 500 more say no region."""
    for region, count in DECEMBER.items():
        for number in range(count):
            day = "05" if number < count // 2 else "20"
            when = at(f"{month}-{day}") + timedelta(seconds=number)
            yield event(who, "API", when, "1", region=region)
    for number in range(500):
        yield event(who, "API", at(f"{month}-07") + timedelta(seconds=number), "1")


def totals(world: Setup, month: str) -> dict[str, Decimal]:
    """Usage totals of a month by contract, in dollars, once it is final."""
    after = at(f"{month}-01") + timedelta(days=34)
    while world.engine.finalize(after).remaining:
        pass
    return {
        one.contract_id: dollars(one.total)
        for one in world.engine.invoices()
        if one.start is not None and one.start == at(f"{month}-01")
    }


def widen(world: Setup, on: str) -> None:
    both = UsageFilter(group_key="region", group_values=("US", "EU"), starting_at=at(on))
    world.engine.edit_contract("US", FilterUsage(usage_filter=both), by="test", now=at(on))


def test_s3_r36_r105_each_contract_rates_its_own_region(world: Setup) -> None:
    world.usage.use(*calls("2024-12"))

    assert totals(world, "2024-12") == {
        "US": Decimal("1000.00"),
        "EU": Decimal("480.00"),
        "APAC": Decimal("330.00"),
    }


def test_s3_r106_the_wider_filter_bills_europe_at_us_prices(world: Setup) -> None:
    widen(world, "2025-01-01")
    end = ChangeEnd(ending_before=at("2025-01-01"))
    world.engine.edit_contract("EU", end, by="test", now=at("2025-01-01"))
    world.usage.use(*calls("2025-01"))

    assert totals(world, "2025-01") == {"US": Decimal("1400.00"), "APAC": Decimal("330.00")}


def test_s3_r108_without_ending_the_other_contract_both_bill_and_it_is_said(world: Setup) -> None:
    widen(world, "2025-01-01")
    world.usage.use(*calls("2025-01"))

    made = world.engine.bill("widgets", at("2025-01-31"))
    assert any("US" in text and "EU" in text for text in made.warnings)
    assert totals(world, "2025-01")["EU"] == Decimal("480.00")


def test_s3_r106_r131_a_change_inside_a_month_cuts_it(world: Setup) -> None:
    widen(world, "2025-01-16")
    end = ChangeEnd(ending_before=at("2025-01-16"))
    world.engine.edit_contract("EU", end, by="test", now=at("2025-01-16"))
    world.usage.use(*calls("2025-01"))

    found = totals(world, "2025-01")
    assert (found["US"], found["EU"]) == (Decimal("1200.00"), Decimal("240.00"))
    (january,) = (i for i in world.engine.invoices(contract_id="US") if i.start == at("2025-01-01"))
    assert [(line.quantity, dollars(line.total)) for line in january.lines] == [
        (5000, Decimal("500.00")),
        (7000, Decimal("700.00")),
    ]


def test_s3_r22_events_under_an_alias_count_once_it_is_known(world: Setup) -> None:
    """Sent as wx-eu-2 on January 3, the alias added on January 9."""
    when = at("2025-01-03")
    world.usage.use(
        *(
            event("wx-eu-2", "API", when + timedelta(seconds=n), "1", region="US")
            for n in range(100)
        )
    )
    before = world.engine.bill("widgets", at("2025-01-08"))
    world.engine.set_ingest_aliases("widgets", ["wx-eu-2"], at("2025-01-09"))
    after = world.engine.bill("widgets", at("2025-01-09"))

    def due(made: Bill) -> list[Decimal]:
        return [
            dollars(i.total)
            for i in made.invoices
            if i.contract_id == "US" and i.start == at("2025-01-01")
        ]

    assert due(before) == [Decimal("0.00")]
    assert due(after) == [Decimal("10.00")]
