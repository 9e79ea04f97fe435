"""S25 through the SDK: a parent, its children, shared balances and one invoice (R301-R305)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, multiplier, paid
from billing.world import at

YEAR = ("2025-01-01", "2026-01-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


class Family:
    """``parent`` of the shop's customer; ``east`` and ``west`` of their own, at a cent a token."""

    def __init__(self, story: Story, shared: float, *, east: float = 1, **child: Any) -> None:
        self.story = story
        self.shop = shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
        shop.rate(shop.usage("Tokens", "tokens", ["t"]), 1)
        self.customers = {"parent": shop.customer}
        self.contracts = {}
        for who in ("east", "west"):
            made = story.sdk.v1.customers.create(name=who, ingest_aliases=[who])
            self.customers[who] = made.data.id
        commit = {
            "type": "PREPAID",
            "product_id": shop.product("FIXED", "Shared"),
            "priority": 1,
            "access_schedule": access((shared, *YEAR)),
            "invoice_schedule": paid((shared, "2025-01-01")),
            "hierarchy_configuration": {"child_access": {"type": "ALL"}},
        }
        joins = {"parent_behavior": {"invoice_consolidation_type": "CONCATENATE"}}
        parent = shop.contract(
            ending_before=at(YEAR[1]), commits=[commit], hierarchy_configuration=joins
        )
        self.contracts["parent"] = parent
        place = {"parent": {"contract_id": parent, "customer_id": shop.customer}} | child
        story.until(at("2024-12-21"))
        for who, factor in (("east", east), ("west", 1)):
            self.contracts[who] = story.sdk.v1.contracts.create(
                customer_id=self.customers[who],
                rate_card_id=shop.card,
                starting_at=at(YEAR[0]),
                ending_before=at(YEAR[1]),
                hierarchy_configuration=place,
                overrides=[multiplier(factor, "t", YEAR[0])],
            ).data.id

    def used(self, who: str, tokens: str, when: str = "2025-01-10") -> None:
        self.story.used(when, "acme" if who == "parent" else who, tokens=tokens)

    def january(self) -> dict[str, Decimal]:
        self.story.until(at("2025-02-03"))
        found = {}
        for who, customer in self.customers.items():
            (one,) = self.story.invoices(customer, type="USAGE", status="FINALIZED")
            found[who] = dollars(one.total)
        return found


def test_s25_r302_children_draw_at_their_own_prices_the_oldest_contract_first(
    story: Story,
) -> None:
    """100.00: parent 30.00; east 60.00 x 0.5 = 30.00; west 60.00, of which 40.00 are covered."""
    family = Family(story, 10000, east=0.5)
    family.used("parent", "3000")
    family.used("east", "6000")
    family.used("west", "6000", "2025-01-02")

    assert family.january() == {"parent": 0, "east": 0, "west": 20}
    (shared,) = family.shop.v2(family.contracts["parent"], include_ledgers=True).commits
    assert sorted(dollars(one.amount) for one in shared.ledger) == [-40, -30, -30, 100]


def test_s25_r305_r199_what_a_child_drew_is_gone_for_the_parent_and_never_the_childs(
    story: Story,
) -> None:
    family = Family(story, 10000)
    family.used("east", "4000")
    story.until(at("2025-01-20"))

    net = story.sdk.v1.contracts.get_net_balance
    assert dollars(net(customer_id=family.customers["parent"]).data.balance) == 60
    assert net(customer_id=family.customers["east"]).data.balance == 0


def test_s25_r303_r304_one_consolidated_invoice_of_all_constituents(story: Story) -> None:
    """30.00 + 40.00 + 50.00 - 100.00 shared: 20.00 in all, paid by the parent."""
    family = Family(story, 10000, payer="PARENT", usage_statement_behavior="CONSOLIDATE")
    family.used("parent", "3000")
    family.used("east", "4000")
    family.used("west", "5000")
    story.until(at("2025-02-03"))

    found = story.invoices(family.customers["parent"])
    (whole, *_) = [
        one
        for one in found
        if one.type == "USAGE_CONSOLIDATED" and one.start_timestamp == at("2025-01-01")
    ]
    assert dollars(whole.total) == 20
    assert whole.constituent_invoices is not None
    constituents = {one.contract_id for one in whole.constituent_invoices}
    assert constituents == set(family.contracts.values())
    assert {one.origin.contract_id for one in whole.line_items if one.origin} == constituents
