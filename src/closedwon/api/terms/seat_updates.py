"""What update_subscriptions asks for, as sent (2.8; R224-R239)."""

from collections.abc import Iterator
from typing import Annotated

from closedwon.api.model import Instant, Number, Wire, one_of, whole
from closedwon.api.terms.balances import RoundingSent
from closedwon.api.terms.subscriptions import SEATS_MAX
from closedwon.api.terms.updates import given
from closedwon.billing.contracts.subscriptions import QuantityUpdate, SeatUpdate
from closedwon.billing.subscriptions.edits import SubscriptionChange


class QuantityUpdateSent(Wire):
    """A quantity from an instant on, or so many more."""

    starting_at: Instant
    quantity: Number | None = None
    quantity_delta: Number | None = None


class SeatIdsSent(Wire):
    """Seats by name."""

    seat_ids: list[str]
    starting_at: Instant


class SeatCountSent(Wire):
    """Seats without names."""

    quantity: Annotated[int, whole(1, SEATS_MAX)]
    starting_at: Instant


class SeatUpdatesSent(Wire):
    """Seats that come and go."""

    add_seat_ids: list[SeatIdsSent] = []
    remove_seat_ids: list[SeatIdsSent] = []
    add_unassigned_seats: list[SeatCountSent] = []
    remove_unassigned_seats: list[SeatCountSent] = []


class SeatKeySent(Wire):
    """The key whose value is the seat."""

    seat_group_key: str


class ModeUpdateSent(Wire):
    """From counted to named seats (R239)."""

    quantity_management_mode: Annotated[str, one_of("SEAT_BASED")]
    seat_config: SeatKeySent


class SubscriptionUpdateSent(Wire):
    """Changes of one subscription."""

    subscription_id: str
    ending_before: Instant | None = None
    name: str | None = None
    description: str | None = None
    quantity_updates: list[QuantityUpdateSent] = []
    seat_updates: SeatUpdatesSent = SeatUpdatesSent()
    quantity_management_mode_update: ModeUpdateSent | None = None
    proration_rounding: RoundingSent | None = None


def subscription_change(sent: SubscriptionUpdateSent) -> SubscriptionChange:
    """The change asked for; null end opens it, null rounding rounds nothing."""
    fields = given(sent, "ending_before", null=True)
    if "proration_rounding" in sent.model_fields_set:
        rounding = sent.proration_rounding
        fields["rounding"] = None if rounding is None else rounding.rounding
    mode = sent.quantity_management_mode_update
    return SubscriptionChange(
        quantity_updates=tuple(
            QuantityUpdate(
                starting_at=one.starting_at, quantity=one.quantity, delta=one.quantity_delta
            )
            for one in sent.quantity_updates
        ),
        seat_updates=tuple(_seat_updates(sent.seat_updates)),
        seat_group_key=None if mode is None else mode.seat_config.seat_group_key,
        name=sent.name,
        description=sent.description,
        **fields,
    )


def _seat_updates(sent: SeatUpdatesSent) -> Iterator[SeatUpdate]:
    """Names come before they go, and before seats without names (R232-R234)."""
    for ids in sent.add_seat_ids:
        yield SeatUpdate(starting_at=ids.starting_at, add_seat_ids=tuple(ids.seat_ids))
    for ids in sent.remove_seat_ids:
        yield SeatUpdate(starting_at=ids.starting_at, remove_seat_ids=tuple(ids.seat_ids))
    for count in sent.add_unassigned_seats:
        yield SeatUpdate(starting_at=count.starting_at, add_unassigned=count.quantity)
    for count in sent.remove_unassigned_seats:
        yield SeatUpdate(starting_at=count.starting_at, remove_unassigned=count.quantity)
