"""S3 through the SDK: what a usage filter that widens does to who bills what (R22, R105-R108).

The published months themselves are billed by the seed's own calls (test_seeds_as_printed).
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import pytest

from api.played import Story, priced
from api.regions import ALIAS, called, calls_of, regional, regional_cards, regional_totals
from billing.world import at


class Regions(NamedTuple):
    """WidgetsExpress and its contracts."""

    story: Story
    customer: str
    us: str
    eu: str
    apac: str

    def widen(self, on: str) -> None:
        self.story.sdk.v1.contracts.set_usage_filter(
            customer_id=self.customer,
            contract_id=self.us,
            group_key="region",
            group_values=["US", "EU"],
            starting_at=at(on),
        )

    def end_europe(self, on: str) -> None:
        self.story.sdk.v1.contracts.update_end_date(
            customer_id=self.customer, contract_id=self.eu, ending_before=at(on)
        )

    def january(self) -> dict[str | None, Decimal]:
        self.story.until(at("2025-02-03"))
        return regional_totals(self.story, self.customer, "2025-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-12-31")


@pytest.fixture
def regions(story: Story) -> Regions:
    customer = story.sdk.v1.customers.create(name="WidgetsExpress", ingest_aliases=[ALIAS]).data.id
    cards = regional_cards(story.sdk)
    contracts = (regional(story, customer, cards, region) for region in ("US", "EU", "APAC"))
    return Regions(story, customer, *contracts)


def test_s3_r108_both_bill_europe_when_its_own_contract_goes_on(regions: Regions) -> None:
    regions.widen("2025-01-01")
    calls_of(regions.story, "2025-01")

    found = regions.january()

    assert found == {regions.us: 1400, regions.eu: 480, regions.apac: 330}


def test_s3_r106_r131_a_change_on_the_sixteenth_cuts_the_month(regions: Regions) -> None:
    """US 5,000 until then, 7,000 from then on; EU 2,000 x 0.12 and no more."""
    regions.widen("2025-01-16")
    regions.end_europe("2025-01-16")
    calls_of(regions.story, "2025-01")

    found = regions.january()

    assert found == {regions.us: 1200, regions.eu: 240, regions.apac: 330}
    (us,) = regions.story.invoices(
        regions.customer, contract_id=regions.us, starting_on=at("2025-01-01"), status="FINALIZED"
    )
    assert [line[1:4] for line in priced(us)] == [
        (5000, Decimal("0.10"), 500),
        (7000, Decimal("0.10"), 700),
    ]


def test_s3_r22_an_alias_learned_late_brings_its_usage_along(regions: Regions) -> None:
    """100 calls of Jan 3 under a name nobody knows until Jan 9: 10.00 more."""
    story = regions.story
    regions.widen("2025-01-01")
    regions.end_europe("2025-01-01")
    called(story, "2025-01-02", "US", 50)
    called(story, "2025-01-03", "EU", 100, who="wx-eu-2")
    story.until(at("2025-01-09"))
    (before,) = (
        one.total
        for one in story.invoices(regions.customer, contract_id=regions.us, status="DRAFT")
    )
    story.sdk.v1.customers.set_ingest_aliases(
        customer_id=regions.customer, ingest_aliases=[ALIAS, "wx-eu-2"]
    )

    assert before == 500
    assert regions.january()[regions.us] == 15
