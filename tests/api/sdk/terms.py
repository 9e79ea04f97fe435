"""Terms of contracts; together they have every field the official SDK has for them."""

from api.sdk.granted import (
    APRIL,
    END,
    JANUARY,
    JULY,
    MARCH,
    OCTOBER,
    REGION,
    Terms,
    commits,
    credits_,
    fields,
    recurring,
    steps,
)
from api.sdk.world import World
from closedwon.billing.catalog.types import USD

LISTS = (
    "commits",
    "credits",
    "recurring_commits",
    "recurring_credits",
    "overrides",
    "scheduled_charges",
    "discounts",
    "professional_services",
    "reseller_royalties",
    "subscriptions",
)
"""Lists of terms, as contracts name them."""


def every_term(world: World) -> dict[str, list[Terms]]:
    """Terms by list; together they have every field of every kind, but those not supported."""
    return {
        "commits": commits(world),
        "credits": credits_(world),
        "recurring_commits": recurring(world, is_paid=True),
        "recurring_credits": recurring(world, is_paid=False),
        "overrides": overrides(world),
        "scheduled_charges": charges(world, "scheduled_charge"),
        "discounts": charges(world, "discount"),
        "professional_services": services(world),
        "reseller_royalties": royalties(world),
        "subscriptions": subscriptions(world),
    }


def overrides(world: World) -> list[Terms]:
    """Each type of override, by product, by tags and by specifiers."""
    overwritten = {
        "type": "OVERWRITE",
        "starting_at": JANUARY,
        "ending_before": END,
        "entitled": True,
        "target": "LIST_RATE",
        "is_commit_specific": False,
        "product_id": world.shop.storage,
        "overwrite_rate": {"rate_type": "FLAT", "price": 2.125, "credit_type_id": USD},
    }
    in_tiers = overwritten | {
        "product_id": world.shop.analysis,
        "overwrite_rate": {
            "rate_type": "TIERED",
            "tiers": [{"price": 100, "size": 10}, {"price": 90.5}],
        },
    }
    multiplied = {
        "type": "MULTIPLIER",
        "starting_at": JANUARY,
        "multiplier": 0.85,
        "priority": 2,
        "applicable_product_tags": ["storage"],
    }
    of_commits = {
        "type": "TIERED",
        "starting_at": JANUARY,
        "priority": 1,
        "is_commit_specific": True,
        "target": "COMMIT_RATE",
        "tiers": [{"multiplier": 0.9, "size": 100}, {"multiplier": 0.8}],
        "override_specifiers": [
            {"product_id": world.shop.storage, "commit_ids": ["first"]},
            {
                "product_tags": ["analysis"],
                "pricing_group_values": REGION,
                "presentation_group_values": {"team": "a"},
                "recurring_commit_ids": ["paid"],
            },
            {"product_id": world.shop.analysis, "any_commit_or_credit_ids": ["first"]},
        ],
    }
    of_seats = {
        "type": "MULTIPLIER",
        "starting_at": JANUARY,
        "multiplier": 0.5,
        "priority": 3,
        "override_specifiers": [{"product_id": world.shop.seat, "billing_frequency": "MONTHLY"}],
    }
    by_hand = {
        "type": "OVERWRITE",
        "starting_at": OCTOBER,
        "product_id": world.shop.storage,
        "overwrite_rate": {
            "rate_type": "CUSTOM",
            "custom_rate": {"processor": "COST_PLUS", "cost": "1", "markup": "0.5"},
        },
    }
    return [overwritten, in_tiers, multiplied, of_commits, of_seats, by_hand]


def charges(world: World, entity: str) -> list[Terms]:
    """Scheduled charges, or discounts: at points and in steps."""
    product = world.shop.support
    at_points = {
        "product_id": product,
        "name": "Once",
        "netsuite_sales_order_id": "NS-4",
        "custom_fields": fields(world, entity),
        "schedule": {
            "credit_type_id": USD,
            "do_not_invoice": False,
            "schedule_items": [
                {"timestamp": APRIL, "amount": 100.25},
                {"timestamp": JULY, "unit_price": 3, "quantity": 7},
            ],
        },
    }
    each = {"recurring_schedule": steps("EACH", unit_price=5, quantity=3)}
    divided = {"recurring_schedule": steps("DIVIDED", amount=1000)}
    return [
        at_points,
        {"product_id": product, "schedule": each},
        {"product_id": product, "schedule": divided},
    ]


def services(world: World) -> list[Terms]:
    """One professional service."""
    return [
        {
            "product_id": world.shop.product("PROFESSIONAL_SERVICE", world.name("Advice")),
            "unit_price": 200.5,
            "quantity": 5,
            "max_amount": 1002.5,
            "description": "Advice",
            "netsuite_sales_order_id": "NS-5",
            "custom_fields": fields(world, "professional_service"),
        }
    ]


def royalties(world: World) -> list[Terms]:
    """A reseller of each cloud."""
    shared = {"fraction": 0.05, "netsuite_reseller_id": "reseller", "starting_at": JANUARY}
    aws = {"aws_account_number": "1", "aws_offer_id": "offer", "aws_payer_reference_id": "payer"}
    return [
        shared
        | {
            "reseller_type": "AWS",
            "ending_before": END,
            "applicable_product_ids": [world.shop.storage],
            "applicable_product_tags": ["analysis"],
            "reseller_contract_value": 1000.5,
            "aws_options": aws,
        },
        shared
        | {
            "reseller_type": "GCP",
            "gcp_options": {"gcp_account_id": "2", "gcp_offer_id": "offer"},
        },
    ]


def subscriptions(world: World) -> list[Terms]:
    """One with named seats on a grid of its own, one with every word about its count, one with none."""
    rate = {"billing_frequency": "MONTHLY", "product_id": world.shop.seat}
    seats = {
        "temporary_id": "seats",
        "subscription_rate": rate,
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "billing_cycle_config": {
            "anchor_date": "2025-12-20T00:00:00Z",
            "invoice_placement": "ON_SCHEDULED_INVOICE",
        },
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {
            "seat_group_key": "user",
            "initial_seat_ids": ["ann", "bob"],
            "initial_unassigned_seats": 1,
        },
    }
    counted = {
        "subscription_rate": rate,
        "collection_schedule": "ARREARS",
        "proration": {
            "is_prorated": True,
            "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE",
            "rounding": {"decimal_places": 2, "rounding_method": "HALF_UP"},
        },
        "quantity_management_mode": "QUANTITY_ONLY",
        "initial_quantity": 10,
        "name": "Seats",
        "description": "By the month",
        "starting_at": MARCH,
        "ending_before": OCTOBER,
        "custom_fields": fields(world, "subscription"),
    }
    plain = {
        "subscription_rate": rate,
        "collection_schedule": "ADVANCE",
        "proration": {},
        "initial_quantity": 2,
    }
    return [seats, counted, plain]
