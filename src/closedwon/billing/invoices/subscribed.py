"""On which invoice a subscription charge goes, as a piece balances may pay (R220, R240)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.account import Account
from closedwon.billing.catalog.types import Catalog, Product
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Placement, Subscription
from closedwon.billing.invoices.periods import unbilled, usage_periods
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.billing.pricing import Flat
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import Priced, priced_at
from closedwon.billing.rating.slices import Slice
from closedwon.billing.subscriptions.charges import Charge, Owed, PriceAt, charges
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

QUANTITY_PLACES = 20
"""Parts of a charge that balances split add up to it again at this many places (R146)."""


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """Charges of a contract's subscriptions that no invoice bills yet."""

    on_usage: Mapping[datetime, tuple[Slice, ...]] = {}
    """By the end of the usage period whose invoice bills them."""
    alone: Mapping[datetime, tuple[Slice, ...]] = {}
    """By the date of the SCHEDULED invoice that bills them."""


NOTHING = Subscribed()


def subscribed(account: Account, contract: Contract, catalog: Catalog, now: datetime) -> Subscribed:
    """Every charge dated by the end of the usage period that runs at ``now``, placed (R220).

    What is dated before the contract's invoices are generated here was billed elsewhere (R137).
    """
    if not contract.subscriptions or contract.rate_card_id is None or contract.archived_at:
        return NOTHING
    open_ends = {window.until for window in unbilled(contract, account.billed, now)}
    until = max((w.until for w in usage_periods(contract, now)), default=contract.term.start)
    since = contract.statement.invoice_generation_starting_at or contract.term.start
    on_usage: dict[datetime, tuple[Slice, ...]] = {}
    alone: dict[datetime, tuple[Slice, ...]] = {}
    for subscription, charge in _charges(account, contract, catalog, until):
        if charge.at < since:
            continue
        by_itself = charge.stands_alone or subscription.placement is Placement.ON_SCHEDULED_INVOICE
        found = alone if by_itself or charge.at not in open_ends else on_usage
        piece = _piece(catalog, subscription, charge)
        found[charge.at] = (*found.get(charge.at, ()), piece)
    return Subscribed(on_usage=on_usage, alone=alone)


def subject_of(product: Product, subscription: Subscription, at: datetime) -> Subject:
    """The subscription's lines, as far as rates and balances can tell lines apart (R53, R90)."""
    return Subject(
        product_id=product.id,
        product_tags=product.at(at).tag_set,
        billing_frequency=subscription.frequency.value,
    )


def _charges(
    account: Account, contract: Contract, catalog: Catalog, until: datetime
) -> Iterator[tuple[Subscription, Charge]]:
    billed = _billed(account.billed, contract.id)
    for subscription in contract.subscriptions:
        if subscription.product_id not in catalog.products:
            continue
        mine = billed.get(subscription.id, ())
        price_at = _price_at(contract, catalog, subscription)
        for charge in charges(contract, subscription, price_at, mine, until):
            yield subscription, charge


def _price_at(contract: Contract, catalog: Catalog, subscription: Subscription) -> PriceAt:
    product = catalog.products[subscription.product_id]
    card = catalog.rate_cards[contract.rate_card_id or ""]
    rates = card.by_product.get(product.id, ())

    def price_at(at: datetime) -> Priced | None:
        priced = priced_at(contract, rates, subject_of(product, subscription, at), at)
        if priced is not None and priced.credit_type_id != card.fiat_credit_type_id:
            raise Refused("a subscription is priced in its card's currency", card=card.id)
        return priced

    return price_at


def _billed(invoices: Iterable[Invoice], contract_id: str) -> dict[str, tuple[Owed, ...]]:
    """By subscription, what invoices bill of it; what balances split is whole again."""
    units: dict[tuple[str, Interval], Decimal] = {}
    for invoice in invoices:
        for line in invoice.lines if invoice.contract_id == contract_id else ():
            if line.subscription_id and line.starting_at and line.quantity:
                key = (line.subscription_id, Interval(line.starting_at, line.ending_before))
                units[key] = units.get(key, ZERO) + line.quantity
    found: dict[str, tuple[Owed, ...]] = {}
    for (subscription_id, window), quantity in units.items():
        owed = Owed(window, ZERO, round(quantity, QUANTITY_PLACES))
        found[subscription_id] = (*found.get(subscription_id, ()), owed)
    return found


def _piece(catalog: Catalog, subscription: Subscription, charge: Charge) -> Slice:
    product = catalog.products[subscription.product_id]
    price = Flat(price=charge.unit_price)
    is_list = charge.list_price == charge.unit_price
    return Slice(
        subject=subject_of(product, subscription, charge.window.start),
        name=subscription.name or product.at(charge.window.start).name,
        window=charge.window,
        begin=ZERO,
        end=charge.quantity,
        priced=Priced(
            list_price=price if is_list else Flat(price=charge.list_price),
            price=price,
            commit_price=None,
            credit_type_id=charge.priced.credit_type_id,
            rate_id=charge.priced.rate_id,
            override_id=charge.priced.override_id,
        ),
        type=LineType.SUBSCRIPTION,
        subscription_id=subscription.id,
        is_prorated=charge.is_prorated,
        payment_id=charge.id,
    )
