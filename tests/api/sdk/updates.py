"""Changes of terms of a contract as it reads, with every field the official SDK has for them."""

from typing import Any

from api.sdk.granted import APRIL, END, JULY, OCTOBER
from api.sdk.shown import own
from api.sdk.world import World

Changes = dict[str, list[dict[str, Any]]]
ROUNDING = {"decimal_places": 3, "rounding_method": "HALF_UP"}


def balances(world: World, found: Any) -> Changes:
    """The first commit and the first credit, everything about them."""
    commit, credit = own(found.commits)[0], own(found.credits)[0]
    some = {"type": "CONTRACT_IDS", "contract_ids": [world.contract]}
    update = named(world, "LIST_RATE", some) | {
        "access_schedule": access(commit),
        "invoice_schedule": paid(commit),
    }
    free = named(world, "COMMIT_RATE", {"type": "ALL"}) | {"access_schedule": access(credit)}
    return {
        "update_commits": [{"commit_id": commit.id, **update}],
        "update_credits": [{"credit_id": credit.id, **free}],
    }


def named(world: World, rate_type: str, child_access: dict[str, Any]) -> dict[str, Any]:
    """All that is no schedule."""
    return {
        "name": "New name",
        "description": "New description",
        "priority": 9,
        "product_id": world.shop.support,
        "rate_type": rate_type,
        "rollover_fraction": 0.75,
        "netsuite_sales_order_id": "NS-new",
        "applicable_product_ids": [world.shop.analysis],
        "applicable_product_tags": ["storage"],
        "hierarchy_configuration": {"child_access": child_access},
    }


def access(balance: Any) -> dict[str, Any]:
    """A window more, and the last one there is changed."""
    window = {"starting_at": OCTOBER, "ending_before": END}
    last = balance.access_schedule.schedule_items[-1].id
    return {
        "add_schedule_items": [{"amount": 5, **window}],
        "update_schedule_items": [{"id": last, "amount": 600.5, **window}],
    }


def paid(commit: Any) -> dict[str, Any]:
    """Two payments more, and the last one there is changed."""
    last = commit.invoice_schedule.schedule_items[-1].id
    return {
        "add_schedule_items": [
            {"timestamp": JULY, "unit_price": 2.5, "quantity": 2},
            {"timestamp": JULY, "amount": 3},
        ],
        "update_schedule_items": [
            {"id": last, "timestamp": OCTOBER, "unit_price": 10, "quantity": 3}
        ],
    }


def without_last(found: Any) -> Changes:
    """The last windows and payments go; an id elsewhere is forgotten."""
    commit, credit = own(found.commits)[0], own(found.credits)[0]
    gone = {"remove_schedule_items": [{"id": commit.access_schedule.schedule_items[-1].id}]}
    free = {"remove_schedule_items": [{"id": credit.access_schedule.schedule_items[-1].id}]}
    items = commit.invoice_schedule.schedule_items
    payments = {
        "remove_schedule_items": [{"id": items[-1].id}],
        "update_schedule_items": [{"id": items[-2].id, "amount": 77}],
    }
    forgotten = {"netsuite_sales_order_id": None, "priority": None, "rollover_fraction": None}
    some = {"child_access": {"type": "CONTRACT_IDS", "contract_ids": [found.id]}}
    everything = {"applicable_product_ids": None, "applicable_product_tags": None}
    return {
        "update_commits": [
            {
                "commit_id": commit.id,
                "access_schedule": gone,
                "invoice_schedule": payments,
                **forgotten,
                **everything,
            }
        ],
        "update_credits": [
            {
                "credit_id": credit.id,
                "access_schedule": free,
                "hierarchy_configuration": some,
                **forgotten,
                **everything,
            }
        ],
    }


def charges(found: Any) -> Changes:
    """Points of a charge that come, change and go."""
    charge = found.scheduled_charges[0]
    first, second = charge.schedule.schedule_items
    each = found.scheduled_charges[1].schedule.schedule_items
    return {
        "update_scheduled_charges": [
            {
                "scheduled_charge_id": charge.id,
                "netsuite_sales_order_id": "NS-new",
                "invoice_schedule": {
                    "add_schedule_items": [
                        {"timestamp": END, "unit_price": 50, "quantity": 3},
                        {"timestamp": END, "amount": 20},
                    ],
                    "remove_schedule_items": [{"id": first.id}],
                    "update_schedule_items": [
                        {"id": second.id, "timestamp": OCTOBER, "unit_price": 4, "quantity": 2}
                    ],
                },
            },
            {
                "scheduled_charge_id": found.scheduled_charges[1].id,
                "invoice_schedule": {
                    "update_schedule_items": [{"id": each[-1].id, "amount": 99.5}]
                },
            },
        ]
    }


def recurring(found: Any) -> Changes:
    """Prices, quantities, ends, rates and roundings of generators."""
    shared = {
        "access_amount": {"unit_price": 11, "quantity": 5},
        "ending_before": END,
        "rate_type": "LIST_RATE",
        "proration_rounding": {"access": ROUNDING},
    }
    (commit, _), (credit, _) = found.recurring_commits, found.recurring_credits
    invoiced = {
        "invoice_amount": {"unit_price": 10, "quantity": 6},
        "proration_rounding": {"access": ROUNDING, "invoice": ROUNDING},
    }
    return {
        "update_recurring_commits": [{"recurring_commit_id": commit.id, **shared, **invoiced}],
        "update_recurring_credits": [{"recurring_credit_id": credit.id, **shared}],
    }


def subscriptions(found: Any) -> Changes:
    """Seats that come and go; quantities, an end and a rounding."""
    seats, counted, _ = found.subscriptions
    return {
        "update_subscriptions": [
            {
                "subscription_id": seats.id,
                "seat_updates": {
                    "add_seat_ids": [{"starting_at": APRIL, "seat_ids": ["cid"]}],
                    "remove_seat_ids": [{"starting_at": JULY, "seat_ids": ["ann"]}],
                    "add_unassigned_seats": [{"starting_at": APRIL, "quantity": 4}],
                    "remove_unassigned_seats": [{"starting_at": JULY, "quantity": 2}],
                },
            },
            {
                "subscription_id": counted.id,
                "name": "New name",
                "ending_before": END,
                "proration_rounding": ROUNDING,
                "quantity_updates": [
                    {"starting_at": APRIL, "quantity_delta": 5},
                    {"starting_at": JULY, "quantity": 3},
                ],
            },
        ]
    }


def mode(found: Any) -> Changes:
    """Counted seats get names."""
    update = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    return {
        "update_subscriptions": [
            {
                "subscription_id": found.subscriptions[2].id,
                "quantity_management_mode_update": update,
            }
        ]
    }
