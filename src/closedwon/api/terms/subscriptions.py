"""Subscriptions as they are sent (2.7 SubscriptionInput; R216-R240, seed 004)."""

from typing import Annotated

from pydantic import AliasChoices, Field

from closedwon.api.model import Instant, Number, Texts, Wire, whole, word
from closedwon.api.terms.balances import RoundingSent
from closedwon.api.terms.making import Making
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    Placement,
    QuantityMode,
    SeatConfig,
    Subscription,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

SEATS_MAX = 100_000
"""Seats of one subscription."""


class SubscriptionRateSent(Wire):
    """Product and frequency choose the rate (R216)."""

    product_id: str = Field(validation_alias=AliasChoices("product_id", "product"))
    billing_frequency: Annotated[Frequency, word(Frequency)]


class SubscriptionProrationSent(Wire):
    """What a part of a period costs, and when that is billed."""

    is_prorated: bool = False
    invoice_behavior: Annotated[InvoiceBehavior, word(InvoiceBehavior)] | None = None
    rounding: RoundingSent | None = None


class SeatConfigSent(Wire):
    """Named seats; seed 004 has other names for the fields (G5)."""

    seat_group_key: str = Field(validation_alias=AliasChoices("seat_group_key", "group_key"))
    initial_seat_ids: list[str] = Field(
        default=[], validation_alias=AliasChoices("initial_seat_ids", "seat_ids")
    )
    initial_unassigned_seats: Annotated[int, whole(0, SEATS_MAX)] = Field(
        default=0,
        validation_alias=AliasChoices(
            "initial_unassigned_seats", "initial_unassigned_seats_quantity"
        ),
    )


class BillingCycleSent(Wire):
    """Where its own grid hangs and on which invoice its charges go."""

    anchor_date: Instant | None = None
    invoice_placement: Annotated[Placement, word(Placement)] = Placement.ON_USAGE_INVOICE


class SubscriptionSent(Wire):
    """One subscription."""

    subscription_rate: SubscriptionRateSent
    collection_schedule: Annotated[Collection, word(Collection)]
    proration: SubscriptionProrationSent = SubscriptionProrationSent()
    initial_quantity: Number | None = None
    starting_at: Instant | None = None
    ending_before: Instant | None = None
    name: str = ""
    description: str = ""
    custom_fields: Texts = {}
    temporary_id: str | None = None
    quantity_management_mode: Annotated[QuantityMode, word(QuantityMode)] = (
        QuantityMode.QUANTITY_ONLY
    )
    seat_config: SeatConfigSent | None = Field(
        default=None, validation_alias=AliasChoices("seat_config", "seats_config")
    )
    billing_cycle_config: BillingCycleSent = BillingCycleSent()


def subscription(make: Making, sent: SubscriptionSent, where: str) -> Subscription:
    """One subscription; it starts with the contract unless it says when."""
    start = sent.starting_at or make.start
    if sent.ending_before is not None and sent.ending_before <= start:
        raise Refused(f"{where}.ending_before: must be after the subscription's start (R227)")
    counted = sent.quantity_management_mode is QuantityMode.QUANTITY_ONLY
    if counted and sent.initial_quantity is None:
        raise Refused(f"{where}.initial_quantity: required with QUANTITY_ONLY")
    rounding = sent.proration.rounding
    return Subscription(
        id=make.own_id(sent.temporary_id),
        product_id=sent.subscription_rate.product_id,
        frequency=sent.subscription_rate.billing_frequency,
        window=Interval(start, sent.ending_before),
        collection=sent.collection_schedule,
        is_prorated=sent.proration.is_prorated,
        invoice_behavior=_behavior(sent),
        rounding=None if rounding is None else rounding.rounding,
        mode=sent.quantity_management_mode,
        initial_quantity=sent.initial_quantity or ZERO,
        seats=_seats(sent.seat_config),
        anchor_date=sent.billing_cycle_config.anchor_date,
        placement=sent.billing_cycle_config.invoice_placement,
        name=make.named(sent.name, sent.subscription_rate.product_id),
        description=sent.description,
        custom_fields=sent.custom_fields,
    )


def _behavior(sent: SubscriptionSent) -> InvoiceBehavior:
    """As asked for; else at once, which ARREARS cannot (R221)."""
    if sent.proration.invoice_behavior is not None:
        return sent.proration.invoice_behavior
    if sent.collection_schedule is Collection.ARREARS:
        return InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    return InvoiceBehavior.BILL_IMMEDIATELY


def _seats(sent: SeatConfigSent | None) -> SeatConfig | None:
    if sent is None:
        return None
    return SeatConfig(
        seat_group_key=sent.seat_group_key,
        initial_seat_ids=tuple(sent.initial_seat_ids),
        initial_unassigned=sent.initial_unassigned_seats,
    )
