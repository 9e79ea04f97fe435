"""Contracts created, read, amended, ended and archived: v1.contracts."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.granted import END, JANUARY, JULY, MARCH, OCTOBER, fields
from api.sdk.settings import (
    NETSUITE,
    TRACKER,
    balance_threshold,
    booked,
    configured,
    spend_threshold,
)
from api.sdk.shown import own, shown
from api.sdk.terms import every_term
from api.sdk.world import World


@does("v1.contracts.create")
def creates_contracts_with_everything_there_is(world: World) -> None:
    customer = world.customer(customer_revenue_system_configurations=[NETSUITE])
    terms = every_term(world)
    sent = once(world, customer)
    contract = world.contract_of(customer, starting_at=JANUARY, **terms, **sent)
    which = {"customer_id": customer, "contract_id": contract}

    flat = world.sdk.v2.contracts.retrieve(**which).data
    found = world.sdk.v1.contracts.retrieve(**which).data

    expected = shown(terms)
    subscriptions = expected.pop("subscriptions")
    holds(flat.subscriptions, subscriptions)
    holds(found.subscriptions, subscriptions)
    royalties = expected.pop("reseller_royalties")
    holds(found.current.reseller_royalties, royalties)
    holds([one.segments[0] for one in flat.reseller_royalties or ()], royalties)
    for name, rows in expected.items():
        holds(own(getattr(flat, name)), rows, name)
        holds(own(getattr(found.initial, name)), rows, name)
    check_settings(flat, found, sent)
    assert [len(one.invoice_schedule.schedule_items) for one in own(flat.commits)] == [2, 1, 4, 4]
    assert [len(one.schedule.schedule_items) for one in flat.scheduled_charges] == [2, 4, 4]
    assert [one.id for one in world.sdk.v2.contracts.list(customer_id=customer).data] == [contract]
    follows(world, customer, contract)
    of_a_package(world)


def once(world: World, customer: str) -> dict[str, Any]:
    """What a contract has one of."""
    above = world.customer()
    joins = {"parent_behavior": {"invoice_consolidation_type": "CONCATENATE"}}
    parent = world.contract_of(above, starting_at=JANUARY, hierarchy_configuration=joins)
    return {
        "name": "Everything",
        "ending_before": END,
        "uniqueness_key": world.name("contract"),
        "net_payment_terms_days": 45,
        "multiplier_override_prioritization": "EXPLICIT",
        "scheduled_charges_on_usage_invoices": "ALL",
        "usage_filter": {
            "group_key": "region",
            "group_values": ["eu", "us"],
            "starting_at": MARCH,
        },
        "usage_statement_schedule": {
            "frequency": "MONTHLY",
            "day": "CUSTOM_DATE",
            "billing_anchor_date": "2026-01-05T00:00:00Z",
            "invoice_generation_starting_at": "2026-02-05T00:00:00Z",
        },
        "spend_threshold_configuration": spend_threshold(world),
        "prepaid_balance_threshold_configuration": balance_threshold(world),
        "spend_trackers": [TRACKER],
        "hierarchy_configuration": {
            "parent": {"contract_id": parent, "customer_id": above},
            "payer": "PARENT",
            "usage_statement_behavior": "CONSOLIDATE",
        },
        "billing_provider_configuration": configured(world, customer, "cus_1"),
        "revenue_system_configuration": booked(world, customer),
        "total_contract_value": 12345.67,
        "netsuite_sales_order_id": "NS-0",
        "salesforce_opportunity_id": "006",
        "custom_fields": fields(world, "contract"),
    }


def check_settings(flat: Any, found: Any, sent: dict[str, Any]) -> None:
    """What a contract has one of reads as it was sent, in both versions."""
    sent = dict(sent)
    usage_filter, schedule = sent.pop("usage_filter"), sent.pop("usage_statement_schedule")
    provider, priorities = (
        sent.pop("billing_provider_configuration"),
        sent.pop("multiplier_override_prioritization"),
    )
    (booked_at,) = flat.revenue_system_configuration_schedule
    told_id = sent.pop("revenue_system_configuration")["revenue_system_configuration_id"]
    assert booked_at.revenue_system_configuration.id == told_id
    unit = sent["prepaid_balance_threshold_configuration"].pop("custom_credit_type_id")
    holds(flat, sent)
    holds(flat.usage_filter, [usage_filter])
    holds(found.current.usage_filter.initial, usage_filter)
    assert flat.multiplier_override_prioritization == priorities
    shown_schedule = {name: schedule[name] for name in ("frequency", "billing_anchor_date")}
    holds(flat.usage_statement_schedule, shown_schedule)
    assert flat.prepaid_balance_threshold_configuration.custom_credit_type_id in {None, unit}
    for one in (found, flat):
        told = one.customer_billing_provider_configuration
        assert told.id == provider["billing_provider_configuration_id"]
    for name in ("custom_fields", "uniqueness_key"):
        holds(getattr(found, name), sent.pop(name))
    holds(found.current, sent)


def follows(world: World, customer: str, before: str) -> None:
    """A contract on the card's alias that renews another."""
    transition = {
        "type": "RENEWAL",
        "from_contract_id": before,
        "future_invoice_behavior": {"trueup": "REMOVE"},
    }
    threshold = balance_threshold(world, is_narrow=True)
    made = world.sdk.v1.contracts.create(
        customer_id=customer,
        rate_card_alias="card",
        starting_at=OCTOBER,
        transition=transition,  # type: ignore[arg-type]
        prepaid_balance_threshold_configuration=threshold,  # type: ignore[arg-type]
        spend_trackers=[TRACKER],  # type: ignore[list-item]
    ).data.id
    for contract in (before, made):
        found = world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
        told = {"type": "RENEWAL", "from_contract_id": before, "to_contract_id": made}
        holds(found.transitions, [told])
        assert found.rate_card_id == world.shop.card
    holds(found.prepaid_balance_threshold_configuration.commit, threshold["commit"])


def of_a_package(world: World) -> None:
    """Contracts from a package, by its id and by its alias."""
    alias = world.name("package")
    package = world.sdk.v1.packages.create(
        name=alias, rate_card_id=world.shop.card, aliases=[{"name": alias}]
    ).data.id
    customer = world.customer()
    for chosen in ({"package_id": package}, {"package_alias": alias}):
        made = world.sdk.v1.contracts.create(customer_id=customer, starting_at=JULY, **chosen).data  # type: ignore[arg-type]
        which = {"customer_id": customer, "contract_id": made.id}
        assert world.sdk.v1.contracts.retrieve(**which).data.package_id == package


@refuses("v1.contracts.create", 400, "R310")
def does_not_mix_a_package_with_terms_of_its_own(world: World) -> None:
    world.contract_of(world.settled, package_id="any", commits=[world.shop.prepaid(1)])
