"""Commands on rate cards: cards, their names, rates and order (R53-R57, R64-R71, R251, R252)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import (
    Alias,
    Catalog,
    Product,
    ProductType,
    Rate,
    RateCard,
    UnitConversion,
)
from closedwon.engine.command import command
from closedwon.engine.fields import check_fields
from closedwon.engine.price_checks import BILLING_FREQUENCIES, check_price
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import on_hour, wire_instant
from closedwon.store.stores import Stores

ALIASES_MAX = 100
"""Aliases of one card."""


class CardUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What changes on a rate card; None stays."""

    name: str | None = None
    description: str | None = None
    aliases: tuple[Alias, ...] | None = None
    """All of them, in the place of those there were (R57)."""
    more_conversions: tuple[UnitConversion, ...] = ()
    """Pricing units the card had no fiat price for (R251)."""


def create(stores: Stores, card: RateCard, *, by: str, now: datetime) -> None:
    """Add a card with its aliases and rates (R53-R57); again the same changes nothing."""
    with command(stores, "create", ("rate_card", card.id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        known = catalog.rate_cards.get(card.id)
        if known is not None:
            if _first(known, card) != card:
                raise Conflict("a rate card with this id and other content exists", card=card.id)
            return
        _check_card(catalog, card)
        _check_taken_up(catalog, card.conversions)
        _check_rates(catalog, replace(card, rates=()), card.rates)
        check_fields(stores, "rate_card", card.id, card.custom_fields)
        stores.catalogue.add_rate_card(card)
        stores.custom_fields.set("rate_card", card.id, card.custom_fields)
        running.changed = True


def named(stores: Stores, catalog: Catalog, name: str | None, at: datetime) -> str | None:
    """The card with this id, or with this alias at ``at`` (R57); raises NotFound. None is None."""
    if name is None or name in catalog.rate_cards:
        return name
    card_id = stores.catalogue.card_with_alias(name, at)
    if card_id is None:
        told = "no rate card with this id, nor with this alias at that instant"
        raise NotFound(told, rate_card=name, at=wire_instant(at))
    return card_id


def update(stores: Stores, card_id: str, given: CardUpdate, *, by: str, now: datetime) -> RateCard:
    """Change what ``given`` says; the card as it is then.

    A contract keeps the card its alias meant when it was signed (R57); of cards that claim an alias
    at one time, the one it was assigned to last wins.
    """
    with command(stores, "update", ("rate_card", card_id), by=by, now=now) as running:
        known = _open_card(stores, card_id)
        card = replace(
            known,
            name=known.name if given.name is None else given.name,
            description=known.description if given.description is None else given.description,
            aliases=known.aliases if given.aliases is None else given.aliases,
            conversions=(*known.conversions, *given.more_conversions),
        )
        catalog = stores.catalogue.catalog()
        _check_card(catalog, card)
        _check_taken_up(catalog, given.more_conversions)
        if card != known:
            stores.catalogue.put_rate_card(card)
            running.changed = True
    return card


def archive(stores: Stores, card_id: str, *, by: str, now: datetime) -> None:
    """Keep new contracts from using a card; those that are on it keep working (R11)."""
    with command(stores, "archive", ("rate_card", card_id), by=by, now=now) as running:
        card = get(stores.catalogue.catalog(), card_id)
        if card.archived_at is None:
            stores.catalogue.put_rate_card(replace(card, archived_at=now))
            running.changed = True


def order_products(
    stores: Stores, card_id: str, product_ids: Sequence[str], *, by: str, now: datetime
) -> None:
    """Let invoices show these products in this order, the others of the card after them (R134)."""
    with command(stores, "order_products", ("rate_card", card_id), by=by, now=now) as running:
        card = _open_card(stores, card_id)
        wanted = tuple(product_ids)
        if len(set(wanted)) != len(wanted):
            raise Refused("a product has one place in the order (R134)", card=card_id)
        missing = [product for product in wanted if product not in card.by_product]
        if missing:
            raise Refused("the card does not sell it (R134)", product=missing[0], card=card_id)
        if wanted != card.product_order:
            stores.catalogue.put_rate_card(replace(card, product_order=wanted))
            running.changed = True


def move_products(
    stores: Stores, card_id: str, places: Mapping[str, int], *, by: str, now: datetime
) -> None:
    """Move products to places counted from 0; the others keep their order around them (R134)."""
    card = get(stores.catalogue.catalog(), card_id)
    order = [product for product in card.by_product if product not in places]
    for product, place in sorted(places.items(), key=lambda pair: pair[1]):
        if place < 0:
            raise Refused("a place counts from 0 (R134)", product=product, found=place)
        order.insert(place, product)
    order_products(stores, card_id, order, by=by, now=now)


def add_rates(
    stores: Stores, card_id: str, rates: Sequence[Rate], *, by: str, now: datetime
) -> None:
    """Add rates to a card; one that is there already is left alone.

    They win over older ones in their window (R54) and reach every contract on the card (R56).
    """
    with command(stores, "add_rates", ("rate_card", card_id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        card = get(catalog, card_id)
        known = {rate.id: rate for other in catalog.rate_cards.values() for rate in other.rates}
        new = tuple(rate for rate in rates if _is_new(known.get(rate.id), rate))
        if new and card.archived_at is not None:
            raise Refused("the rate card is archived", card=card_id)
        _check_rates(catalog, card, new)
        stores.catalogue.add_rates(card_id, new)
        running.changed = bool(new)


def get(catalog: Catalog, card_id: str) -> RateCard:
    """The card; raises NotFound."""
    card = catalog.rate_cards.get(card_id)
    if card is None:
        raise NotFound("no such rate card", card=card_id)
    return card


def _open_card(stores: Stores, card_id: str) -> RateCard:
    card = get(stores.catalogue.catalog(), card_id)
    if card.archived_at is not None:
        raise Refused("the rate card is archived", card=card_id)
    return card


def _is_new(known: Rate | None, given: Rate) -> bool:
    if known is None:
        return True
    if known != given:
        raise Conflict("a rate with this id and other content exists", rate=given.id)
    return False


def _first(known: RateCard, given: RateCard) -> RateCard:
    """``known`` as it was created: rates added later are left out."""
    return replace(known, rates=known.rates[: len(given.rates)])


def _check_card(catalog: Catalog, card: RateCard) -> None:
    """One fiat currency (R138), and a fiat price of every custom unit it names once (R251)."""
    fiat = catalog.credit_types.get(card.fiat_credit_type_id)
    if fiat is None:
        raise Refused("unknown credit type", credit_type=card.fiat_credit_type_id)
    if fiat.currency is None:
        raise Refused("a rate card is in a currency, not in a pricing unit", card=card.id)
    seen = set()
    for conversion in card.conversions:
        unit = catalog.credit_types.get(conversion.credit_type_id)
        if unit is None or unit.currency is not None or unit.id in seen:
            raise Refused(
                "a conversion is for one custom pricing unit, once (R251)",
                card=card.id,
                credit_type=conversion.credit_type_id,
            )
        seen.add(unit.id)
    _check_aliases(card)


def _check_taken_up(catalog: Catalog, conversions: Sequence[UnitConversion]) -> None:
    """No card takes an archived unit up; of cards that have it, it goes on (R11)."""
    for conversion in conversions:
        unit = catalog.credit_types[conversion.credit_type_id]
        if unit.archived_at is not None:
            raise Refused("an archived pricing unit cannot be taken up", credit_type=unit.name)


def _check_aliases(card: RateCard) -> None:
    if len(card.aliases) > ALIASES_MAX:
        raise Refused("too many aliases", card=card.id, most=ALIASES_MAX)
    for alias in card.aliases:
        if not alias.name:
            raise Refused("an alias needs a name (R57)", card=card.id)
        if alias.window.start == alias.window.end:
            raise Refused("an alias window ends after it starts (R57)", alias=alias.name)


def _check_rates(catalog: Catalog, card: RateCard, rates: Sequence[Rate]) -> None:
    units = {rate.slot: rate.credit_type_id for rate in card.rates}
    for rate in rates:
        _check_rate(catalog, card, rate)
        if units.setdefault(rate.slot, rate.credit_type_id) != rate.credit_type_id:
            raise Refused(
                "the unit of a product's rate cannot change (R251)",
                rate=rate.id,
                expected=units[rate.slot],
            )
    ids = [rate.id for rate in rates]
    taken = set(ids) & {r.id for other in catalog.rate_cards.values() for r in other.rates}
    if taken or len(set(ids)) != len(ids):
        raise Conflict("a rate id is used twice", rates=", ".join(sorted(taken or set(ids))))


def _check_rate(catalog: Catalog, card: RateCard, rate: Rate) -> None:
    if rate.rate_card_id != card.id:
        raise Refused("a rate names another rate card", rate=rate.id, card=card.id)
    on_hour(rate.window.start, "rate start")
    if rate.window.end is not None:
        on_hour(rate.window.end, "rate end")
    if rate.window.start == rate.window.end:
        raise Refused("a rate ends after it starts", rate=rate.id)
    product = catalog.products.get(rate.product_id)
    if product is None:
        raise Refused("a rate for an unknown product", product=rate.product_id)
    if product.archived_at is not None:
        raise Refused("an archived product gets no new rates", product=product.id)
    _check_prices(product, rate)
    _check_frequency(product.type, rate)
    _check_unit(catalog, card, rate)


def _check_prices(product: Product, rate: Rate) -> None:
    """A price per pricing tuple (R69); a commit rate of usage products only (R71)."""
    check_price(product, rate.price, rate.id)
    keys = product.at(rate.window.start).pricing_group_key
    if set(rate.pricing_group_values) != set(keys):
        raise Refused(
            "a rate needs a value for every pricing key of its product (R69)",
            rate=rate.id,
            expected=", ".join(keys) or "none",
        )
    if rate.commit_price is not None:
        if product.type is not ProductType.USAGE:
            raise Refused("only usage products have a commit rate (R71)", rate=rate.id)
        check_price(product, rate.commit_price, rate.id)


def _check_frequency(kind: ProductType, rate: Rate) -> None:
    """R53, R90."""
    if kind is ProductType.SUBSCRIPTION:
        if rate.billing_frequency not in BILLING_FREQUENCIES:
            raise Refused(
                "a subscription rate needs its billing_frequency (R90)",
                rate=rate.id,
                found=rate.billing_frequency or "none",
                expected=", ".join(BILLING_FREQUENCIES),
            )
    elif rate.billing_frequency is not None:
        raise Refused("billing_frequency goes with subscription products (R90)", rate=rate.id)


def _check_unit(catalog: Catalog, card: RateCard, rate: Rate) -> None:
    """In the card's currency, or in a pricing unit the card has a fiat price for (R252)."""
    unit = catalog.credit_types.get(rate.credit_type_id)
    if unit is None:
        raise Refused("unknown credit type", credit_type=rate.credit_type_id)
    if unit.currency is not None and unit.id != card.fiat_credit_type_id:
        raise Refused(
            "a rate is in the card's currency or in a pricing unit (R138)",
            rate=rate.id,
            found=unit.name,
        )
    priced = {conversion.credit_type_id for conversion in card.conversions}
    if unit.currency is None and unit.id not in priced:
        raise Refused(
            "the card has no conversion for the rate's pricing unit (R252)",
            rate=rate.id,
            credit_type=unit.id,
        )
