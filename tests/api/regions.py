"""S3's world over the wire: one counted call, three regions, a card and a contract for each."""

from decimal import Decimal

from metronome import Metronome

from api.played import Story, dollars
from billing.world import at
from closedwon.testing.usage import Used

ALIAS = "team@widgetsexpress.com"


def regional_cards(sdk: Metronome) -> dict[str, str]:
    """Cards of S3: a counted call, by region, at 10, 12 and 11 cents."""
    metric = sdk.v1.billable_metrics.create(
        name="Calls",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["call"]},
        property_filters=[{"name": "region", "exists": True}],
        group_keys=[["region"]],
    ).data.id
    product = sdk.v1.contracts.products.create(
        name="Calls", type="USAGE", billable_metric_id=metric
    ).data.id
    cards = {}
    for region, cents in (("US", 10), ("EU", 12), ("APAC", 11)):
        cards[region] = sdk.v1.contracts.rate_cards.create(name=region).data.id
        sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=cards[region],
            product_id=product,
            entitled=True,
            rate_type="FLAT",
            price=cents,
            starting_at=at("2024-01-01"),
        )
    return cards


def regional(story: Story, customer: str, cards: dict[str, str], region: str) -> str:
    return story.sdk.v1.contracts.create(
        customer_id=customer,
        rate_card_id=cards[region],
        starting_at=at("2024-10-01"),
        usage_filter={
            "group_key": "region",
            "group_values": [region],
            "starting_at": at("2024-10-01"),
        },
    ).data.id


def calls_of(story: Story, month: str) -> None:
    """17,500 calls, half on the 5th, half on the 20th: 500 of them say no region."""
    for region, number in {"US": 10_000, "EU": 4_000, "APAC": 3_000, "": 500}.items():
        called(story, f"{month}-05", region, number // 2)
        called(story, f"{month}-20", region, number // 2)


def called(story: Story, day: str, region: str, number: int, who: str = ALIAS) -> None:
    """So many calls from a region, or from none."""
    story.use(
        *(
            Used(
                transaction_id=f"{who}-{day}-{region}-{one}",
                customer_id=who,
                event_type="call",
                timestamp=at(day),
                properties={"region": region} if region else {},
            )
            for one in range(number)
        )
    )


def regional_totals(story: Story, customer: str, month: str) -> dict[str | None, Decimal]:
    """Dollars by contract of the usage invoices of the month."""
    found = story.invoices(customer, type="USAGE", status="FINALIZED")
    return {
        one.contract_id: dollars(one.total)
        for one in found
        if one.start_timestamp == at(f"{month}-01")
    }
