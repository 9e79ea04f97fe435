"""Subscriptions and recurring balances of deals: mapped, planned, amended, planned again."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from closedwon.billing.catalog.types import (
    Catalog,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.overrides import Overwrite
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Collection, InvoiceBehavior
from closedwon.billing.pricing import Flat
from closedwon.billing.subscriptions.history import history
from closedwon.deals.mapping import MappingError, Policies, load_mapping, map_deal
from closedwon.deals.plan import PlanFacts, plan
from closedwon.deals.types import Deal, EditContract, Plan, Record, Rejected, Terms
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.instant import Interval
from deals import cpq_org as org
from deals.applying import World, applied

D = Decimal
SEATS = "prod-seats"
START = org.NOW.replace(month=1)
VERSION = ProductVersion(starting_at=START.replace(year=2020), name="Seats")
RATE = Rate(
    id="rate-seats",
    rate_card_id="card-1",
    product_id=SEATS,
    window=Interval(VERSION.starting_at),
    price=Flat(price=D(3500)),
    billing_frequency="MONTHLY",
)
CATALOG = Catalog(
    products={SEATS: Product(id=SEATS, type=ProductType.SUBSCRIPTION, versions=(VERSION,))},
    rate_cards={"card-1": RateCard(id="card-1", name="default", rates=(RATE,), created_at=START)},
)
RULES = """
  - id: seats-with-credit
    for: lines
    when: Commit_Type__c = "Seats"
    subscription:
      key: Commit_Key__c
      product: Billing_Product_Id__c
      name: Name
      frequency: '"MONTHLY"'
      quantity: SBQQ__EffectiveQuantity__c
      start: Starts_On
      end: Ends_On
      collection: '"arrears"'
      increases: next_collection
    recurring_credit:
      key: '"credit"'
      product: '"sku:CREDIT"'
      name: '"Monthly credit"'
      amount: 5
      start: Starts_On
      end: Ends_On
      tags: '"storage"'
      priority: 2
      subscription: {key: SEAT_KEY, prorated: "TRUE"}

  - id: monthly-commit
    for: lines
    when: Commit_Type__c = "Monthly"
    recurring_commit:
      product: Product_Key
      name: Name
      amount: 120
      price: SBQQ__NetTotal__c / 12
      start: Starts_On
      end: Ends_On
      frequency: '"MONTHLY"'
      proration: NONE
      rollover_fraction: 0.5

  - id: reduced
"""
MAPPING = load_mapping(
    org.cpq_text().replace("\n  - id: reduced\n", RULES.replace("SEAT_KEY", "Commit_Key__c"), 1),
    "mappings/cpq.yaml",
    org.SCHEMA,
    org.tables(),
)
LIVE = Policies(edited_after_close="apply", backdated="apply")


def seat_line(seats: int = 10, total: str = "3600", **changes: Any) -> Record:
    return org.a_line(
        1,
        **{
            "Deal_Term_Type__c": "Subscription",
            "Billing_Product_Id__c": SEATS,
            "SBQQ__Quantity__c": D(seats),
            "SBQQ__NetTotal__c": D(total),
            "SBQQ__BillingFrequency__c": "Monthly",
            "SBQQ__EffectiveSubscriptionTerm__c": D(12),
            **changes,
        },
    )


def outcome(deal: Deal, contract: Contract | None = None) -> Terms | Rejected:
    known = {} if contract is None else {contract.id: contract}
    facts = org.facts(
        product_ids=frozenset({SEATS}),
        catalog=CATALOG,
        contracts=known,
        contract_of={} if contract is None else {org.OPPORTUNITY_ID: contract.id},
    )
    return map_deal(MAPPING, deal, facts)


def mapped(deal: Deal, contract: Contract | None = None) -> Terms:
    found = outcome(deal, contract)
    assert isinstance(found, Terms), found
    return found


def codes(found: Terms | Rejected) -> set[str]:
    return {finding.code for finding in found.findings}


def planned(world: World, deal: Deal) -> Plan:
    return plan(deal, mapped(deal, world.facts.contract), world.facts)


def provisioned(deal: Deal) -> World:
    world = World(facts=PlanFacts(policies=LIVE, catalog=CATALOG))
    return applied(world, planned(world, deal))


def amendment(seats: int, total: str, number: int = 7, start: str = "2024-07-01") -> Deal:
    opportunity = org.sf_id("006", number)
    line = seat_line(
        seats,
        total,
        SBQQ__Existing__c=True,
        SBQQ__EffectiveStartDate__c=start,
        Id=org.sf_id("a0k", number),
    )
    return org.a_deal(
        [line],
        quote=org.a_quote(SBQQ__StartDate__c=start),
        Id=opportunity,
        SBQQ__AmendedContract__c=org.sf_id("800", 1),
        SBQQ__AmendedContract__r={"SBQQ__Opportunity__c": org.OPPORTUNITY_ID},
    )


def seats_held(world: World) -> list[tuple[str, Decimal]]:
    assert world.facts.contract is not None
    (sold,) = world.facts.contract.subscriptions
    return [(f"{step.at:%m-%d}", step.quantity) for step in history(sold)]


def test_r216_a_seat_line_is_a_subscription_at_the_price_sold() -> None:
    terms = mapped(org.a_deal([seat_line()])).contract.terms

    (sold,), (rate,) = terms.subscriptions, terms.overrides
    assert (sold.product_id, sold.frequency) == (SEATS, Frequency.MONTHLY)
    assert (sold.initial_quantity, sold.collection) == (D(10), Collection.ADVANCE)
    assert (sold.is_prorated, sold.anchor_date) == (True, START)
    assert sold.window == Interval(START, START.replace(year=2025))
    assert rate.rate == Overwrite(price=Flat(price=D(3000)))
    assert rate.entitled is True
    assert rate.applicability.specifiers[0].billing_frequency == "MONTHLY"
    assert sold.source is not None
    assert (sold.source.rule, sold.source.line_ids) == ("subscription", (org.sf_id("a0k", 1),))


def test_r216_the_plan_of_a_subscription_shows_the_money_it_will_bill() -> None:
    deal = org.a_deal([seat_line()])
    world = World(facts=PlanFacts(policies=LIVE, catalog=CATALOG))
    found = planned(world, deal)

    assert found.money.contract_value == D(360_000)
    assert len(found.money.invoices) == 12
    assert set(found.money.invoices.values()) == {D(30_000)}
    assert planned(applied(world, found), deal).is_empty


def test_r224_an_amendment_updates_the_quantity_and_keeps_the_history() -> None:
    world = provisioned(org.a_deal([seat_line()]))
    deal = amendment(5, "900")
    found = planned(world, deal)

    (step,) = found.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Revise)
    assert step.change.add.is_empty
    assert found.holds == ()
    assert found.money.contract_value == D(90_000)
    after = applied(world, found)
    assert seats_held(after) == [("01-01", D(10)), ("07-01", D(15))]
    assert planned(after, deal).is_empty
    assert planned(after, org.a_deal([seat_line()])).is_empty


def test_r224_an_edited_amendment_adds_what_is_missing_and_never_rewrites() -> None:
    world = provisioned(org.a_deal([seat_line()]))
    once = applied(world, planned(world, amendment(5, "900")))
    deal = amendment(3, "540")
    found = planned(once, deal)
    twice = applied(once, found)

    assert found.money.contract_value == D(-36_000)
    assert seats_held(twice) == [("01-01", D(10)), ("07-01", D(13))]
    assert twice.facts.contract is not None
    (sold,) = twice.facts.contract.subscriptions
    assert [update.delta for update in sold.quantity_updates] == [D(5), D(-2)]
    assert planned(twice, deal).is_empty


def test_r224_two_deals_amend_one_subscription_side_by_side() -> None:
    world = provisioned(org.a_deal([seat_line()]))
    for deal in (amendment(5, "900"), amendment(5, "900", 8)):
        world = applied(world, planned(world, deal))

    assert seats_held(world) == [("01-01", D(10)), ("07-01", D(20))]
    assert planned(world, amendment(5, "900")).is_empty
    assert planned(world, amendment(5, "900", 8)).is_empty


def test_r224_more_seats_taken_than_there_are_park_the_amendment() -> None:
    world = provisioned(org.a_deal([seat_line()]))

    found = outcome(amendment(-11, "-1980"), world.facts.contract)

    assert isinstance(found, Rejected)
    assert codes(found) == {"refused"}


def test_r227_a_quantity_corrected_after_close_is_an_update_from_the_start() -> None:
    world = provisioned(org.a_deal([seat_line()]))
    deal = org.a_deal([seat_line(12, "4320")])
    found = planned(world, deal)
    after = applied(world, found)

    assert seats_held(after) == [("01-01", D(12))]
    assert found.money.contract_value == D(72_000)
    assert planned(after, deal).is_empty


@pytest.mark.parametrize(
    "line",
    [
        org.a_line(2, SBQQ__NetTotal__c=D(3600)),
        seat_line(SBQQ__BillingType__c="Arrears"),
    ],
)
def test_r227_what_was_agreed_of_a_subscription_is_held_not_rewritten(line: Record) -> None:
    world = provisioned(org.a_deal([seat_line()]))

    found = planned(world, org.a_deal([line]))

    assert "not_editable" in {hold.code for hold in found.holds}
    assert seats_held(applied(world, found)) == [("01-01", D(10))]


def test_r216_a_subscription_without_an_enabled_rate_is_parked() -> None:
    line = seat_line(SBQQ__BillingFrequency__c="Quarterly")

    assert codes(outcome(org.a_deal([line]))) == {"subscription_without_rate"}


def test_r229_a_credit_of_every_seat_follows_the_subscription_of_its_key() -> None:
    line = seat_line(
        Deal_Term_Type__c=None, Commit_Type__c="Seats", Commit_Key__c="team", SBQQ__NetTotal__c=D(0)
    )
    terms = mapped(org.a_deal([line])).contract.terms

    (sold,), (credit,) = terms.subscriptions, terms.recurring
    assert credit.seats is not None
    assert credit.seats.subscription_id == sold.id
    assert (credit.access.unit_price, credit.access.quantity) == (D(500), None)
    assert (credit.priority, credit.applicability.product_tags) == (D(2), ("storage",))
    assert sold.invoice_behavior is InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    assert (sold.collection, sold.anchor_date) == (Collection.ARREARS, None)


def test_r229_a_credit_of_seats_nobody_has_is_parked() -> None:
    mapping = load_mapping(
        org.cpq_text().replace("\n  - id: reduced\n", RULES.replace("SEAT_KEY", "'\"none\"'"), 1),
        "mappings/cpq.yaml",
        org.SCHEMA,
        org.tables(),
    )
    line = seat_line(Deal_Term_Type__c=None, Commit_Type__c="Seats", Commit_Key__c="team")
    facts = org.facts(product_ids=frozenset({SEATS}), catalog=CATALOG)

    assert codes(map_deal(mapping, org.a_deal([line]), facts)) == {"subscription_unknown"}


def test_r201_a_commit_of_every_month_bills_and_grants_what_the_plan_says() -> None:
    line = org.a_line(1, Commit_Type__c="Monthly", SBQQ__NetTotal__c=D(1200))
    quote = org.a_quote(SBQQ__NetAmount__c=D(1200))
    deal = org.a_deal([line], quote=quote)
    world = World(facts=PlanFacts(policies=LIVE, catalog=CATALOG))
    found = planned(world, deal)

    assert found.money.contract_value == D(120_000)
    assert found.money.access_granted == D(144_000)
    assert set(found.money.invoices.values()) == {D(10_000)}
    after = applied(world, found)
    assert planned(after, deal).is_empty
    gone = planned(after, org.a_deal([org.a_line(2, SBQQ__NetTotal__c=D(1200))], quote=quote))
    assert "not_editable" in {hold.code for hold in gone.holds}


def test_a_subscription_without_its_frequency_is_told_with_its_place() -> None:
    broken = org.cpq_text().replace(
        "      frequency: {table: billing_frequencies, key: Billed_Every}\n", "", 1
    )

    with pytest.raises(MappingError, match=r"frequency: .*MONTHLY"):
        load_mapping(broken, "mappings/cpq.yaml", org.SCHEMA, org.tables())


@settings(max_examples=25, deadline=None)
@given(seats=st.lists(st.integers(min_value=-9, max_value=20), min_size=1, max_size=4))
def test_r224_however_often_an_amendment_is_edited_the_plan_ends_empty(seats: list[int]) -> None:
    world = provisioned(org.a_deal([seat_line()]))
    value = D(0)
    for count in seats:
        deal = amendment(count, str(count * 180))
        found = planned(world, deal)
        value += found.money.contract_value
        world = applied(world, found)
        assert planned(world, deal).is_empty
        assert planned(world, org.a_deal([seat_line()])).is_empty

    assert seats_held(world)[-1][1] == 10 + seats[-1]
    assert value == seats[-1] * 18_000


def test_a_contract_that_ended_early_does_not_miss_the_rest_of_a_subscription() -> None:
    world = provisioned(org.a_deal([seat_line()]))
    contract = world.facts.contract
    assert contract is not None
    cut = replace(contract, term=Interval(START, START.replace(month=5)), followed_by="next")
    world = replace(world, facts=replace(world.facts, contract=cut))

    assert planned(world, org.a_deal([seat_line()])).is_empty
