"""Commits and credits with every field the official SDK has for them, once and recurring."""

from typing import Any

from api.sdk.world import World
from closedwon.billing.catalog.types import USD

Terms = dict[str, Any]
JANUARY, MARCH, APRIL, JULY, OCTOBER, END = (
    f"{day}T00:00:00Z"
    for day in (
        "2026-01-01",
        "2026-03-01",
        "2026-04-01",
        "2026-07-01",
        "2026-10-01",
        "2027-01-01",
    )
)
EVERYBODY = {"child_access": {"type": "ALL"}}
REGION = {"region": "eu"}


def fields(world: World, entity: Any) -> dict[str, str]:
    """A value under a key of its own."""
    key = world.name("key").replace(" ", "_")
    world.sdk.v1.custom_fields.add_key(entity=entity, key=key, enforce_uniqueness=False)
    return {key: "value"}


def commits(world: World) -> list[Terms]:
    """Paid at points and in steps, prepaid and postpaid, narrowed by products and by specifiers."""
    window = {"amount": 1000.5, "starting_at": JANUARY, "ending_before": END}
    later = {"amount": 500, "starting_at": JULY, "ending_before": END}
    by_points = {
        "type": "PREPAID",
        "product_id": world.shop.commit,
        "name": "Prepaid",
        "description": "Paid at two points",
        "priority": 3.5,
        "rollover_fraction": 0.25,
        "rate_type": "COMMIT_RATE",
        "temporary_id": "first",
        "netsuite_sales_order_id": "NS-1",
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
        "custom_fields": fields(world, "commit"),
        "hierarchy_configuration": EVERYBODY,
        "spend_tracker_attributes": {"counts_as_discounted": True},
        "access_schedule": {
            "access_type": "SPEND",
            "credit_type_id": USD,
            "schedule_items": [window, later],
        },
        "invoice_schedule": {
            "credit_type_id": USD,
            "do_not_invoice": False,
            "schedule_items": [
                {"timestamp": JANUARY, "amount": 700},
                {"timestamp": JULY, "unit_price": 12.5, "quantity": 8},
            ],
        },
    }
    postpaid = {
        "type": "POSTPAID",
        "product_id": world.shop.commit,
        "specifiers": specifiers(world),
        "access_schedule": {"schedule_items": [window]},
        "invoice_schedule": {"schedule_items": [{"timestamp": END, "amount": 1000.5}]},
    }
    by_steps = {
        "type": "PREPAID",
        "product_id": world.shop.commit,
        "access_schedule": {"schedule_items": [window]},
        "invoice_schedule": {"recurring_schedule": steps("DIVIDED_ROUNDED", amount=1000)},
    }
    at_each_step = by_steps | {
        "hierarchy_configuration": {
            "child_access": {"type": "CONTRACT_IDS", "contract_ids": [world.contract]}
        },
        "invoice_schedule": {"recurring_schedule": steps("EACH", unit_price=2.5, quantity=100)},
    }
    return [by_points, postpaid, by_steps, at_each_step]


def steps(distribution: str, **price: float) -> Terms:
    """Quarterly payments of a year."""
    return {
        "amount_distribution": distribution,
        "frequency": "QUARTERLY",
        "starting_at": JANUARY,
        "ending_before": END,
        **price,
    }


def specifiers(world: World) -> list[Terms]:
    """One that names a product, one that names tags."""
    return [
        {"product_id": world.shop.storage, "pricing_group_values": REGION},
        {"product_tags": ["analysis"], "presentation_group_values": {"team": "a"}},
    ]


def credits_(world: World) -> list[Terms]:
    """Two credits, narrowed by products and by specifiers."""
    access = {
        "access_type": "SPEND",
        "credit_type_id": USD,
        "schedule_items": [{"amount": 50, "starting_at": JANUARY, "ending_before": END}],
    }
    named = {
        "product_id": world.shop.commit,
        "access_schedule": access,
        "name": "Credit",
        "description": "Welcome",
        "priority": 1,
        "rollover_fraction": 1,
        "rate_type": "LIST_RATE",
        "netsuite_sales_order_id": "NS-2",
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
        "custom_fields": fields(world, "contract_credit"),
        "hierarchy_configuration": {
            "child_access": {"type": "CONTRACT_IDS", "contract_ids": [world.contract]}
        },
    }
    narrow = {
        "product_id": world.shop.commit,
        "access_schedule": access,
        "specifiers": specifiers(world),
    }
    return [named, narrow]


def recurring(world: World, *, is_paid: bool) -> list[Terms]:
    """Monthly ones with a rounding, and one that a subscription's seats multiply."""
    rounding = {"decimal_places": 2, "rounding_method": "FLOOR"}
    amount = {"access_type": "SPEND", "credit_type_id": USD, "unit_price": 10.5}
    named: Terms = {
        "product_id": world.shop.commit,
        "access_amount": {**amount, "quantity": 4},
        "commit_duration": {"unit": "PERIODS", "value": 2},
        "priority": 2,
        "starting_at": MARCH,
        "ending_before": OCTOBER,
        "name": "Every month",
        "description": "Granted again",
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
        "hierarchy_configuration": {
            "child_access": {"type": "CONTRACT_IDS", "contract_ids": [world.contract]}
        },
        "netsuite_sales_order_id": "NS-3",
        "proration": "FIRST",
        "proration_rounding": {"access": rounding},
        "rate_type": "COMMIT_RATE",
        "recurrence_frequency": "MONTHLY",
        "rollover_fraction": 0.5,
        "temporary_id": "paid" if is_paid else "free",
    }
    if is_paid:
        named["invoice_amount"] = {"credit_type_id": USD, "quantity": 4, "unit_price": 9}
        invoice = {"decimal_places": 0, "rounding_method": "CEILING"}
        named["proration_rounding"] = {"access": rounding, "invoice": invoice}
    by_seats = {
        "product_id": world.shop.commit,
        "access_amount": amount,
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": MARCH,
        "specifiers": specifiers(world),
        "subscription_config": {
            "subscription_id": "seats",
            "allocation": "POOLED",
            "apply_seat_increase_config": {"is_prorated": True},
        },
    }
    return [named, by_seats]
