"""A contract with named seats on a card of its own, so that no other contract meets its metric."""

from api.sdk.granted import MARCH
from api.sdk.world import World


def seated(world: World, *seat_ids: str) -> dict[str, str]:
    """A customer, its contract that grants ten cents a month to each seat, and the subscription."""
    customer, card, assistant = world.customer(), *sold(world)
    contract = world.contract_of(
        customer,
        rate_card_id=card,
        subscriptions=[
            {
                "temporary_id": "seats",
                "subscription_rate": {
                    "billing_frequency": "MONTHLY",
                    "product_id": world.shop.seat,
                },
                "collection_schedule": "ADVANCE",
                "proration": {"is_prorated": True},
                "quantity_management_mode": "SEAT_BASED",
                "seat_config": {"seat_group_key": "user", "initial_seat_ids": list(seat_ids)},
            }
        ],
        recurring_credits=[
            {
                "product_id": world.shop.commit,
                "access_amount": {"unit_price": 10},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": MARCH,
                "applicable_product_ids": [assistant],
                "subscription_config": {
                    "subscription_id": "seats",
                    "allocation": "INDIVIDUAL",
                    "apply_seat_increase_config": {"is_prorated": True},
                },
            }
        ],
    )
    which = {"customer_id": customer, "contract_id": contract}
    (kept,) = world.sdk.v2.contracts.retrieve(**which).data.subscriptions or ()
    return {**which, "subscription_id": kept.id or ""}


def sold(world: World) -> tuple[str, str]:
    """A card that sells seats and an assistant by the user, and the assistant."""
    name = world.name("Assistant")
    assistant = world.shop.usage(name, "ai", ["ai"], "user", presentation_group_key=["user"])
    card = world.sdk.v1.contracts.rate_cards.create(name=name).data.id
    for product, price, more in (
        (assistant, 1, {}),
        (world.shop.seat, 2900, {"billing_frequency": "MONTHLY"}),
    ):
        world.sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=card,
            product_id=product,
            entitled=True,
            rate_type="FLAT",
            price=price,
            starting_at="2020-01-01T00:00:00Z",
            **more,  # type: ignore[arg-type]
        )
    return card, assistant
