"""What recurs: fees of subscriptions and balances of every period, as invoices have them (D2)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.recurring import children
from closedwon.billing.catalog.types import Catalog, Rate
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityUpdate, Subscription
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import Priced, priced_at
from closedwon.billing.subscriptions.charges import charges
from closedwon.billing.subscriptions.grid import live
from closedwon.deals.types import QuantityChange, Terms
from closedwon.kernel.calendar import add_months
from closedwon.kernel.exact import ZERO

OPEN_MONTHS = 12
"""A subscription without end counts with its first year."""


def created(contract_id: str, create: Create) -> Contract:
    """The contract a creation makes, as far as it recurs."""
    return Contract(
        id=contract_id,
        customer_id=create.customer_id,
        term=create.term,
        rate_card_id=create.rate_card_id,
        overrides=create.terms.overrides,
        recurring=create.terms.recurring,
        subscriptions=create.terms.subscriptions,
        statement=create.statement,
        prioritization=create.prioritization,
        created_at=create.term.start,
    )


def amended(contract: Contract, added: Added, changes: Iterable[QuantityChange]) -> Contract:
    """``contract`` with what a deal brings to it, as far as it recurs."""
    by_id: dict[str, list[QuantityUpdate]] = {}
    for change in changes:
        by_id.setdefault(change.subscription_id, []).append(update_of(change))
    return replace(
        contract,
        overrides=contract.overrides + added.overrides,
        recurring=contract.recurring + added.recurring,
        subscriptions=(
            *(with_updates(one, by_id.get(one.id, ())) for one in contract.subscriptions),
            *added.subscriptions,
        ),
    )


def update_of(change: QuantityChange) -> QuantityUpdate:
    """The update that carries a change."""
    return QuantityUpdate(starting_at=change.starting_at, delta=change.delta, source=change.source)


def with_updates(subscription: Subscription, more: Iterable[QuantityUpdate]) -> Subscription:
    """``subscription`` with updates after those it has (R224)."""
    return replace(subscription, quantity_updates=(*subscription.quantity_updates, *more))


def without_deal(contract: Contract, opportunity_id: str) -> Contract:
    """``contract`` as if a deal that amends it had brought nothing that recurs."""
    kept = (
        replace(
            one,
            quantity_updates=tuple(
                update for update in one.quantity_updates if not _is_of(update, opportunity_id)
            ),
        )
        for one in contract.subscriptions
        if not _is_of(one, opportunity_id)
    )
    overrides = tuple(one for one in contract.overrides if not _is_of(one, opportunity_id))
    recurring = tuple(one for one in contract.recurring if not _is_of(one, opportunity_id))
    return replace(contract, subscriptions=tuple(kept), overrides=overrides, recurring=recurring)


def sides(terms: Terms, contract: Contract | None) -> tuple[Contract | None, Contract | None]:
    """The contract without and with what a deal asks for; ``contract`` is what it amends."""
    if isinstance(terms.contract, Create):
        return None, created(terms.contract_id, terms.contract)
    if contract is None:
        return None, None
    before = without_deal(contract, terms.opportunity_id)
    return before, amended(before, terms.contract.terms, terms.quantities)


def _is_of(term: object, opportunity_id: str) -> bool:
    source = getattr(term, "source", None)
    return source is not None and source.opportunity_id == opportunity_id


class Recurs(msgspec.Struct, frozen=True, kw_only=True):
    """What a change makes a contract bill and grant more, or less, in the wire unit."""

    billed: Mapping[date, Decimal] = {}
    granted: Decimal = ZERO


def recurs_between(before: Contract | None, after: Contract | None, catalog: Catalog) -> Recurs:
    """What recurs on ``after`` and not on ``before``; what is open counts with its first year."""
    was, is_now = bill(before, catalog), bill(after, catalog)
    moved = {on: is_now.get(on, ZERO) - was.get(on, ZERO) for on in {*was, *is_now}}
    return Recurs(
        billed={on: amount for on, amount in sorted(moved.items()) if amount},
        granted=_granted(after) - _granted(before),
    )


def bill(contract: Contract | None, catalog: Catalog) -> dict[date, Decimal]:
    """What recurs on a contract and is billed, by date, in the wire unit.

    A subscription without an entitled rate bills nothing (R216).
    """
    found: dict[date, Decimal] = {}
    if contract is None:
        return found
    for child in _children(contract):
        for payment in child.payments:
            on = payment.timestamp.date()
            found[on] = found.get(on, ZERO) + payment.amount
    for subscription in contract.subscriptions:
        for at, amount in subscription_bill(contract, subscription, catalog):
            found[at.date()] = found.get(at.date(), ZERO) + amount
    return found


def bill_by_deal(contract: Contract, catalog: Catalog) -> Iterator[tuple[str, Decimal]]:
    """What recurs on a contract, by the deal that asked for it; what people wrote is left out.

    A deal brought what would not be billed without it and everything after it.
    """
    deals = _deals(contract)
    rest = contract
    for opportunity_id in reversed(deals):
        before = without_deal(rest, opportunity_id)
        moved = recurs_between(before, rest, catalog).billed
        yield opportunity_id, sum(moved.values(), ZERO)
        rest = before


def _deals(contract: Contract) -> tuple[str, ...]:
    """Deals that brought something that recurs, in the order they first did."""
    found: dict[str, None] = {}
    sources = [one.source for one in contract.subscriptions]
    sources += [one.source for one in contract.recurring]
    for sold in contract.subscriptions:
        sources += [update.source for update in sold.quantity_updates]
    for source in sources:
        if source is not None:
            found.setdefault(source.opportunity_id)
    return tuple(found)


def _granted(contract: Contract | None) -> Decimal:
    if contract is None:
        return ZERO
    return sum((child.access_total for child in _children(contract)), ZERO)


def _children(contract: Contract) -> Iterator[Commit]:
    end = contract.term.end or add_months(contract.term.start, OPEN_MONTHS)
    for child in children(contract, end):
        if child.segments[0].window.start < end:
            yield child


def subscription_bill(
    contract: Contract, subscription: Subscription, catalog: Catalog
) -> Iterator[tuple[datetime, Decimal]]:
    """When one subscription bills how much, as if nothing had been billed before."""
    span = live(contract, subscription)
    if span is None or subscription.product_id not in catalog.products:
        return
    end = add_months(span.start, OPEN_MONTHS) if span.end is None else span.end

    def price(at: datetime) -> Priced | None:
        return price_at(contract, subscription, catalog, at)

    for charge in charges(contract, subscription, price, (), end):
        if charge.window.start < end:
            yield charge.at, charge.quantity * charge.unit_price


def price_at(
    contract: Contract, subscription: Subscription, catalog: Catalog, at: datetime
) -> Priced | None:
    """What a unit costs; None without an entitled rate of its product and frequency (R216)."""
    product = catalog.products.get(subscription.product_id)
    card = catalog.rate_cards.get(contract.rate_card_id or "")
    rates: tuple[Rate, ...] = ()
    if product is not None and card is not None:
        rates = card.by_product.get(product.id, ())
    subject = Subject(
        product_id=subscription.product_id,
        product_tags=frozenset() if product is None else product.at(at).tag_set,
        billing_frequency=subscription.frequency.value,
    )
    return priced_at(contract, rates, subject, at)
