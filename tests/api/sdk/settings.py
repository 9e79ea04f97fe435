"""What a contract has one of, with every field the official SDK has for it."""

from typing import Any

from api.sdk.granted import specifiers
from api.sdk.world import World
from closedwon.billing.catalog.types import USD

TRACKER: dict[str, Any] = {
    "alias": "bought",
    "credit_type_id": USD,
    "reset_frequency": "BILLING_PERIOD",
    "applicable_spend_specifiers": [
        {
            "spend_type": "COMMIT_PURCHASE",
            "sources": ["MANUAL", "THRESHOLD_RECHARGE"],
            "discounted": "UNDISCOUNTED_ONLY",
        }
    ],
}
GATE: dict[str, Any] = {
    "payment_gate_type": "STRIPE",
    "tax_type": "PRECALCULATED",
    "precalculated_tax_config": {"tax_amount": 1.5, "tax_name": "VAT"},
    "stripe_config": {"payment_type": "PAYMENT_INTENT", "invoice_metadata": {"po": "7"}},
}
DISCOUNT: dict[str, Any] = {
    "payment_fraction": 0.9,
    "cap": {"amount": 10000, "spend_tracker_alias": "bought"},
}


def bought(world: World) -> dict[str, Any]:
    """The commit a threshold buys."""
    return {
        "product_id": world.shop.commit,
        "name": "Bought",
        "description": "When the threshold was reached",
        "priority": 7.5,
    }


def spend_threshold(world: World) -> dict[str, Any]:
    """A spend threshold nobody reaches."""
    return {
        "is_enabled": True,
        "threshold_amount": 1000000,
        "commit": bought(world),
        "payment_gate_config": GATE,
        "discount_configuration": DISCOUNT,
    }


def balance_threshold(world: World, *, is_narrow: bool = False) -> dict[str, Any]:
    """A balance threshold that is off; what it buys is narrowed by specifiers, or by products."""
    products = {
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
    }
    narrow = {
        "duration": {"unit": "MONTHS", "value": 6},
        "rate_type": "COMMIT_RATE",
        "rollover_fraction": 0.5,
        **({"specifiers": specifiers(world)} if is_narrow else products),
    }
    return {
        "is_enabled": False,
        "threshold_amount": 1000,
        "recharge_to_amount": 5000.5,
        "commit": bought(world) | narrow,
        "payment_gate_config": GATE,
        "custom_credit_type_id": USD,
        "discount_configuration": DISCOUNT,
        "threshold_balance_specifiers": [
            {
                "exclude": [
                    {
                        "custom_field_filters": [
                            {"entity": "Commit", "key": "kind", "value": "gift"},
                            {"entity": "Commit", "key": "team", "value": "a"},
                        ]
                    }
                ]
            }
        ],
    }


NETSUITE: dict[str, Any] = {
    "provider": "netsuite",
    "configuration": {"netsuite_customer_id": "7"},
}
"""As a new customer brings it."""


def booked(world: World, customer: str) -> dict[str, Any]:
    """The revenue system configuration a customer came with, as contracts name it."""
    path = "/v1/getCustomerRevenueSystemConfigurations"
    found: Any = world.sdk.post(path, body={"customer_id": customer}, cast_to=object)
    (one,) = found["data"]
    return {
        "provider": "netsuite",
        "delivery_method": "direct_to_billing_provider",
        "revenue_system_configuration_id": one["id"],
    }


def configured(world: World, customer: str, account: str) -> dict[str, Any]:
    """A new billing provider configuration of a customer, as contracts name it."""
    named = {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}
    made = world.sdk.v1.customers.set_billing_configurations(
        data=[
            {
                "customer_id": customer,
                "configuration": {
                    "stripe_customer_id": account,
                    "stripe_collection_method": "charge_automatically",
                },
                **named,  # type: ignore[typeddict-item]
            }
        ]
    )
    return named | {"billing_provider_configuration_id": made.data[0].id}
