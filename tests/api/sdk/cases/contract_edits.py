"""Contracts edited all at once: v2.contracts.edit and the history of edits."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.granted import END, JANUARY, specifiers
from api.sdk.settings import (
    DISCOUNT,
    GATE,
    NETSUITE,
    TRACKER,
    balance_threshold,
    booked,
    bought,
    configured,
    spend_threshold,
)
from api.sdk.shown import own, shown, shown_updates
from api.sdk.terms import LISTS, every_term
from api.sdk.updates import (
    ROUNDING,
    balances,
    charges,
    mode,
    recurring,
    subscriptions,
    without_last,
)
from api.sdk.world import NOW, World

TOLD_AS = {"professional_services": "pro_services"}
"""Lists that a history names in another way."""


@does("v2.contracts.edit")
def edits_everything_that_can_be_edited(world: World) -> None:
    customer = world.customer(customer_revenue_system_configurations=[NETSUITE])
    contract = world.contract_of(
        customer, starting_at=JANUARY, multiplier_override_prioritization="EXPLICIT"
    )
    which = {"customer_id": customer, "contract_id": contract}
    narrows(world, {**which, "contract_id": world.contract_of(customer)})
    adds(world, which)
    settles(world, which)
    updates(world, which)
    takes_away(world, which)

    history = world.sdk.v2.contracts.get_edit_history(**which).data
    assert len({one.id for one in history}) == len(history) == EDITS


EDITS = 8
"""Edits of the case, each once."""


def edited(world: World, which: dict[str, str], **changes: Any) -> tuple[Any, Any]:
    """An edit as it was answered, which is as the history tells it, and the contract then."""
    made = world.sdk.v2.contracts.edit(**which, **changes).data
    told = world.sdk.v2.contracts.get_edit_history(**which).data[-1]
    assert made.edit is not None
    assert (made.id, made.edit.to_dict()) == (which["contract_id"], told.to_dict())
    return told, world.sdk.v2.contracts.retrieve(**which).data


def adds(world: World, which: dict[str, str]) -> None:
    """Terms of every kind; a commit that waits for its payment."""
    terms, key = every_term(world), world.name("edit")
    gated = {"payment_gate_type": "EXTERNAL", "tax_type": "NONE"}
    paid = {"schedule_items": [{"timestamp": "2026-03-10T00:00:00Z", "amount": 10}]}
    terms["commits"].append(
        world.shop.prepaid(10) | {"invoice_schedule": paid, "payment_gate_config": gated}
    )
    told, found = edited(
        world, which, uniqueness_key=key, **{f"add_{name}": terms[name] for name in LISTS}
    )

    del terms["commits"][-1]["payment_gate_config"]
    expected = shown(terms)
    for name, rows in expected.items():
        holds(getattr(told, f"add_{TOLD_AS.get(name, name)}"), rows, name)
    holds([one.segments[0] for one in found.reseller_royalties], expected.pop("reseller_royalties"))
    for name, rows in expected.items():
        holds(own(getattr(found, name)), rows, name)
    holds(told, {"timestamp": NOW, "uniqueness_key": key})


def narrows(world: World, which: dict[str, str]) -> None:
    """A threshold that buys what is narrowed by specifiers; some may draw a credit."""
    balance = balance_threshold(world, is_narrow=True)
    del balance["discount_configuration"]
    _, found = edited(world, which, add_prepaid_balance_threshold_configuration=balance)
    commit = found.prepaid_balance_threshold_configuration.commit
    holds(commit, balance["commit"])


def settles(world: World, which: dict[str, str]) -> None:
    """What a contract has one of comes, and changes."""
    spend, balance = spend_threshold(world), balance_threshold(world)
    provider = configured(world, which["customer_id"], "cus_1")
    told, found = edited(
        world,
        which,
        add_spend_threshold_configuration=spend,
        add_prepaid_balance_threshold_configuration=balance,
        add_spend_trackers=[TRACKER],
        add_billing_provider_configuration_update={
            "billing_provider_configuration": provider,
            "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
        },
        add_revenue_system_configuration_update={
            "revenue_system_configuration": booked(world, which["customer_id"]),
            "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
        },
        update_contract_name="Renamed",
        update_net_payment_terms_days=60,
    )
    del balance["custom_credit_type_id"]  # The unit there is when nothing is said.
    settings = {
        "spend_threshold_configuration": spend,
        "prepaid_balance_threshold_configuration": balance,
        "spend_trackers": [TRACKER],
    }
    holds(told, {f"add_{name}": value for name, value in settings.items()})
    holds(told, {"update_contract_name": "Renamed", "update_net_payment_terms_days": 60})
    holds(found, settings | {"name": "Renamed", "net_payment_terms_days": 60})
    (segment,) = found.billing_provider_configuration_schedule
    configuration = segment.billing_provider_configuration
    assert configuration.id == provider["billing_provider_configuration_id"]
    assert len(found.revenue_system_configuration_schedule) == 1
    changes_thresholds(world, which, balance)


def changes_thresholds(world: World, which: dict[str, str], balance: dict[str, Any]) -> None:
    """Every field of both thresholds; then what was narrowed by products is by specifiers."""
    spend = {
        "is_enabled": False,
        "threshold_amount": 2000000,
        "commit": bought(world) | {"name": "Other", "priority": 2},
        "payment_gate_config": GATE | {"tax_type": "STRIPE"},
        "discount_configuration": DISCOUNT | {"payment_fraction": 0.5},
    }
    changed = balance | {
        "threshold_amount": 1500,
        "recharge_to_amount": 6000,
        "commit": balance["commit"]
        | {"name": "Other", "duration": {"unit": "DAYS", "value": 10}, "rollover_fraction": 0.1},
        "custom_credit_type_id": None,
        "threshold_balance_specifiers": balance["threshold_balance_specifiers"] * 2,
    }
    told, found = edited(
        world,
        which,
        update_spend_threshold_configuration=spend,
        update_prepaid_balance_threshold_configuration=changed,
    )
    holds(told.update_spend_threshold_configuration, spend)
    holds(found.spend_threshold_configuration, spend)
    groups = balance["threshold_balance_specifiers"][0]["exclude"] * 2
    changed["threshold_balance_specifiers"] = [{"exclude": groups}]
    holds(told.update_prepaid_balance_threshold_configuration, changed)
    holds(found.prepaid_balance_threshold_configuration, changed)

    narrow = {"commit": {"specifiers": specifiers(world)}}
    _, found = edited(world, which, update_prepaid_balance_threshold_configuration=narrow)
    commit = found.prepaid_balance_threshold_configuration.commit
    holds(commit, narrow["commit"] | {"name": "Other", "applicable_product_ids": None})


def updates(world: World, which: dict[str, str]) -> None:
    """Terms of every kind, all their fields; then what can be taken away from them again."""
    found = world.sdk.v2.contracts.retrieve(**which).data
    first = balances(world, found) | charges(found) | recurring(found)
    seats = subscriptions(found)
    told, after = edited(world, which, **first, **seats)
    expected = shown_updates(first | seats)
    holds(told, expected)
    (commit,), (credit,) = expected["update_commits"], expected["update_credits"]
    for was, now in ((commit, own(after.commits)[0]), (credit, own(after.credits)[0])):
        shown_now = {name: was[name] for name in was if not name.endswith("_schedule")}
        product = {"product": {"id": shown_now.pop("product_id")}}
        holds(now, shown_now | product)
        assert [one.amount for one in now.access_schedule.schedule_items][-2:] == [600.5, 5]
    points = own(after.commits)[0].invoice_schedule.schedule_items
    assert [one.amount for one in points] == [700, 30, 5, 3]
    amounts = [[p.amount for p in one.schedule.schedule_items] for one in after.scheduled_charges]
    assert amounts[:2] == [[8, 150, 20], [15, 15, 15, 99.5]]
    for name in ("commits", "credits"):
        (changed,) = expected[f"update_recurring_{name}"]
        holds(getattr(after, f"recurring_{name}")[0], changed)
    held = [[one.quantity for one in sold.quantity_schedule] for sold in after.subscriptions]
    assert held == [[3, 7, 4], [10, 15, 3], [2]]  # A name takes a seat without one (R232).
    changed = expected["update_subscriptions"][1]
    holds(after.subscriptions[1], {name: changed[name] for name in ("name", "ending_before")})
    holds(after.subscriptions[1].proration, {"rounding": ROUNDING})

    last = without_last(after) | mode(after)
    told, after = edited(world, which, **last)
    holds(told, shown_updates(last))
    for one in (own(after.commits)[0], own(after.credits)[0]):
        gone = ("netsuite_sales_order_id", "priority", "rollover_fraction")
        holds(one, dict.fromkeys((*gone, "applicable_product_ids", "applicable_product_tags")))
    named = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    holds(after.subscriptions[2], named)


def takes_away(world: World, which: dict[str, str]) -> None:
    """Terms archived and removed, the contract ended."""
    found = world.sdk.v2.contracts.retrieve(**which).data
    gone = {
        "archive_commits": [{"id": own(found.commits)[1].id}],
        "archive_credits": [{"id": own(found.credits)[1].id}],
        "archive_scheduled_charges": [{"id": found.scheduled_charges[2].id}],
        "remove_overrides": [{"id": found.overrides[0].id}],
        "update_contract_end_date": END,
    }
    free = {"update_prepaid_balance_threshold_configuration": {"discount_configuration": None}}
    free["update_spend_threshold_configuration"] = {"discount_configuration": None}
    told, after = edited(
        world,
        which,
        **gone,
        **free,
        archive_spend_trackers=["bought"],
        allow_contract_ending_before_finalized_invoice=True,
    )
    holds(told, gone | {"archive_spend_trackers": ["bought"]})
    rows = (own(after.commits)[1], own(after.credits)[1], after.scheduled_charges[2])
    assert [one.archived_at for one in rows] == [NOW] * len(rows)
    assert len(after.overrides) == len(found.overrides) - 1
    holds(after, {"ending_before": END, "spend_trackers": None})

    _, after = edited(world, which, update_contract_end_date=None, update_contract_name=None)
    holds(after, {"ending_before": None, "name": None})


@refuses("v2.contracts.edit", 400, "nothing")
def does_not_remove_what_is_not_there(world: World) -> None:
    world.sdk.v2.contracts.edit(
        customer_id=world.settled, contract_id=world.contract, remove_overrides=[{"id": "nothing"}]
    )
