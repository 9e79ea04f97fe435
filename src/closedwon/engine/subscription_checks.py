"""What subscriptions and the credits of their seats may ask for (R216-R239, Appendix C)."""

from collections.abc import Iterable
from decimal import Decimal

from closedwon.billing.account import Account
from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import Catalog, ProductType, Rate, RateCard
from closedwon.billing.contracts.recurring import Allocation, RecurringCommit, SeatLink
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityMode, Subscription
from closedwon.billing.contracts.terms import AccessSegment, Commit
from closedwon.billing.invoices.types import LineType
from closedwon.billing.rating.matching import touches_product
from closedwon.billing.subscriptions.history import history
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical

FIXED = (
    "product_id",
    "frequency",
    "collection",
    "is_prorated",
    "invoice_behavior",
    "initial_quantity",
    "anchor_date",
    "placement",
)
"""What a subscription is agreed on; another one takes its place when that changes."""


def check_subscriptions(
    catalog: Catalog, before: Contract | None, contract: Contract, individual_seats_max: int
) -> None:
    """Raise Refused when the edit that made ``contract`` of ``before`` asks what cannot be.

    ``before`` is None for a new contract. Subscriptions and links that stay as they are stand.
    """
    old = {} if before is None else {known.id: known for known in before.subscriptions}
    kept = {subscription.id: subscription for subscription in contract.subscriptions}
    gone = sorted(set(old) - set(kept))
    if gone:
        raise Refused("a subscription is ended, not removed (R227)", subscription=gone[0])
    for subscription in contract.subscriptions:
        known = old.get(subscription.id)
        if known is None:
            _check_rate(catalog, contract, subscription)
        elif known != subscription:
            _check_kept(known, subscription)
        history(subscription)
    if before is None or (before.subscriptions, before.recurring) != (
        contract.subscriptions,
        contract.recurring,
    ):
        for term in contract.recurring:
            if term.seats is not None:
                followed = kept.get(term.seats.subscription_id)
                _check_link(catalog, contract, term, term.seats, followed)
                _check_limit(term.seats, followed, individual_seats_max)


def check_seat_entry(
    account: Account, commit: Commit, segment: AccessSegment, entry: LedgerEntry
) -> None:
    """Raise Refused when a manual entry on seats' own credit does not say whose (R198)."""
    if commit.seat_group_key is None:
        if entry.per_seat:
            raise Refused("only INDIVIDUAL credits have per_group_amounts (R198)", id=entry.id)
        return
    if sum(entry.per_seat.values(), ZERO) != entry.amount:
        raise Refused(
            "an INDIVIDUAL credit needs per_group_amounts that sum to the amount (R198)",
            entry=entry.id,
            amount=canonical(entry.amount),
        )
    left = _left(account, segment)
    for seat, amount in entry.per_seat.items():
        if left.get(seat, ZERO) + amount < ZERO:
            raise Refused(
                "the seat holds less than that (R198)",
                seat=seat,
                left=canonical(left.get(seat, ZERO)),
            )


def _left(account: Account, segment: AccessSegment) -> dict[str, Decimal]:
    """What finalized invoices and manual entries leave each seat."""
    left = segment.granted_seats
    for entry in account.manual:
        for seat, amount in entry.per_seat.items() if entry.segment_id == segment.id else ():
            left[seat] = left.get(seat, ZERO) + amount
    for invoice in account.finalized:
        for line in invoice.lines:
            if line.type is LineType.APPLIED and line.segment_id == segment.id:
                for seat in filter(None, line.presentation_group_values.values()):
                    left[seat] = left.get(seat, ZERO) + line.total
    return left


def _check_rate(catalog: Catalog, contract: Contract, subscription: Subscription) -> None:
    """A rate of its product and frequency is on the card, and one a subscription can have."""
    product = catalog.products.get(subscription.product_id)
    if product is None or product.type is not ProductType.SUBSCRIPTION:
        raise Refused(
            "a subscription needs a SUBSCRIPTION product (R100)",
            subscription=subscription.id,
            product=subscription.product_id,
            found="none" if product is None else product.type.value,
        )
    card = catalog.rate_cards.get(contract.rate_card_id or "")
    rates = [] if card is None else _rates(card, subscription)
    if card is None or not rates:
        raise Refused(
            "no rate of the product and billing frequency on the contract's card (R216)",
            subscription=subscription.id,
            product=subscription.product_id,
            billing_frequency=subscription.frequency.value,
        )
    if any(rate.credit_type_id != card.fiat_credit_type_id for rate in rates):
        raise Refused("a subscription is priced in its card's currency", id=subscription.id)


def _rates(card: RateCard, subscription: Subscription) -> list[Rate]:
    return [
        rate
        for rate in card.by_product.get(subscription.product_id, ())
        if rate.billing_frequency == subscription.frequency.value
        and rate.window.overlaps(subscription.window)
    ]


def _check_kept(old: Subscription, new: Subscription) -> None:
    """What was agreed and every update so far stay; new updates come after them (2.8)."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    if old.window.start != new.window.start:
        changed.append("starting_at")
    if new.quantity_updates[: len(old.quantity_updates)] != old.quantity_updates:
        changed.append("quantity_updates")
    if new.seat_updates[: len(old.seat_updates)] != old.seat_updates:
        changed.append("seat_updates")
    if old.seats is not None and new.seats != old.seats:
        changed.append("seat_config")
    if old.seats is None and new.seats is not None and new.seats.since is None:
        changed.append("quantity_management_mode")
    if changed:
        raise Refused(
            "an edit adds updates to a subscription, ends it or names its seats; for the rest add"
            " another one (R224, R239)",
            subscription=old.id,
            changed=", ".join(changed),
        )


def _check_link(
    catalog: Catalog,
    contract: Contract,
    term: RecurringCommit,
    link: SeatLink,
    followed: Subscription | None,
) -> None:
    if followed is None:
        raise Refused(
            "a recurring term follows a subscription of its own contract (R229)",
            recurring=term.id,
            subscription=link.subscription_id,
        )
    if link.allocation is not Allocation.INDIVIDUAL:
        return
    if followed.mode is not QuantityMode.SEAT_BASED or followed.seats is None:
        raise Refused(
            "INDIVIDUAL credits need a SEAT_BASED subscription (R230)",
            recurring=term.id,
            subscription=followed.id,
        )
    key = followed.seats.seat_group_key
    if key not in set(_keys(catalog, contract, term)):
        raise Refused(
            "seat_group_key is no pricing or presentation key of a product the credit pays (R238)",
            recurring=term.id,
            seat_group_key=key,
        )


def _keys(catalog: Catalog, contract: Contract, term: RecurringCommit) -> Iterable[str]:
    """Group keys of the usage products on the card that the credit can pay, at any time."""
    card = catalog.rate_cards.get(contract.rate_card_id or "")
    for product_id in () if card is None else card.by_product:
        product = catalog.products[product_id]
        if touches_product(term.applicability, product.id, product.tag_set):
            for version in product.versions:
                yield from version.pricing_group_key + version.presentation_group_key


def _check_limit(link: SeatLink, followed: Subscription | None, seats_max: int) -> None:
    """No more than so many seats own a credit at any time (R237)."""
    if link.allocation is not Allocation.INDIVIDUAL or followed is None:
        return
    most = max(len(held.seat_ids) for held in history(followed))
    if most > seats_max:
        raise Refused(
            "too many seats with credits of their own (R237)",
            subscription=followed.id,
            seats=most,
            most=seats_max,
        )
