"""What of an invoice Stripe is told: skipped, refused, or lines in whole cents (R292, R294); pure.

Stripe rounds quantity times price by itself. Lines keep their quantity only when that gives the
amount we print; otherwise every line becomes quantity 1 with the quantity as text, so that Stripe's
total is ours to the cent.
"""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from closedwon.billing.invoices.types import Line
from closedwon.delivery.channel import ExternalStatus
from closedwon.delivery.documents import Issued
from closedwon.delivery.documents.figures import number_text
from closedwon.kernel.exact import CONTEXT, canonical, minor_digits

LINES_MAX = 250
TOTAL_MINOR_MAX = 99_999_999
"""999,999.99 in a currency of two decimals; Stripe refuses more than eight digits."""
CHARGE_MINOR_MIN = {"USD": 50}
"""Smallest charge Stripe takes; of other currencies only nothing at all is skipped."""
PRICE_PLACES_MAX = 12
"""Decimals of unit_amount_decimal."""
TEXT_CHARS_MAX = 500

STATUS_OF_EVENT = {
    "invoice.finalized": ExternalStatus.FINALIZED,
    "invoice.paid": ExternalStatus.PAID,
    "invoice.payment_succeeded": ExternalStatus.PAID,
    "invoice.payment_failed": ExternalStatus.PAYMENT_FAILED,
    "invoice.marked_uncollectible": ExternalStatus.UNCOLLECTIBLE,
    "invoice.voided": ExternalStatus.VOID,
    "invoice.deleted": ExternalStatus.DELETED,
}
"""Type of an event Stripe sends -> what became of the invoice (R294); others say nothing."""
STATUS_OF_INVOICE = {
    "open": ExternalStatus.FINALIZED,
    "paid": ExternalStatus.PAID,
    "uncollectible": ExternalStatus.UNCOLLECTIBLE,
    "void": ExternalStatus.VOID,
}
"""Status of Stripe's own invoice object; one left as a draft has no status with us (R294)."""


class StripeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice item; ``amount`` in whole minor units."""

    text: str
    amount: int
    quantity: int = 1
    unit_amount: str = ""
    """unit_amount_decimal; empty when ``amount`` stands for itself."""
    start: datetime | None = None
    end: datetime | None = None


def is_too_small(issued: Issued) -> bool:
    """Whether nothing, or less than Stripe charges, is to be paid; a refund never is."""
    total = issued.total
    return 0 <= total.minor < max(CHARGE_MINOR_MIN.get(total.currency, 0), 1)


def refusal(issued: Issued) -> str:
    """Why Stripe can never take the invoice; empty when it can."""
    if abs(issued.total.minor) > TOTAL_MINOR_MAX:
        return "the total is over 999,999.99, the most Stripe takes (R292)"
    return ""


def stripe_lines(issued: Issued) -> tuple[StripeLine, ...]:
    """Lines whose amounts add up to the payable total; one line when there are too many (R294)."""
    paired = [
        (line, paid.minor)
        for line, paid in zip(issued.lines, issued.rounded, strict=True)
        if line.payable == line.total
    ]
    if len(paired) > LINES_MAX:
        text = f"Invoice {issued.invoice.id}: {len(paired)} lines"
        return (StripeLine(text=text, amount=issued.total.minor),)
    if all(_keeps_quantity(issued, line, minor) for line, minor in paired):
        return tuple(_priced(issued, line, minor) for line, minor in paired)
    return tuple(_whole(line, minor) for line, minor in paired)


def _keeps_quantity(issued: Issued, line: Line, minor: int) -> bool:
    if line.quantity is None or line.unit_price is None:
        return True
    if line.quantity != line.quantity.to_integral_value() or line.quantity <= 0:
        return False
    price = _minor_price(issued, line.unit_price)
    if -int(price.normalize(CONTEXT).as_tuple().exponent) > PRICE_PLACES_MAX:
        return False
    return int((price * line.quantity).to_integral_value(ROUND_HALF_UP)) == minor


def _priced(issued: Issued, line: Line, minor: int) -> StripeLine:
    if line.quantity is None or line.unit_price is None:
        return _whole(line, minor)
    return StripeLine(
        text=line.name[:TEXT_CHARS_MAX],
        amount=minor,
        quantity=int(line.quantity),
        unit_amount=canonical(_minor_price(issued, line.unit_price)),
        start=line.starting_at,
        end=line.ending_before,
    )


def _whole(line: Line, minor: int) -> StripeLine:
    counted = "" if line.quantity is None else f" ({number_text(line.quantity)})"
    text = line.name[: TEXT_CHARS_MAX - len(counted)] + counted
    return StripeLine(text=text, amount=minor, start=line.starting_at, end=line.ending_before)


def _minor_price(issued: Issued, wire: Decimal) -> Decimal:
    currency = issued.currency
    return wire if currency == "USD" else wire.scaleb(minor_digits(currency), CONTEXT)
