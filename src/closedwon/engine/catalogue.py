"""Commands on the catalogue: products, rate cards, rates (R45-R60)."""

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from closedwon.billing.catalog.types import (
    Catalog,
    CreditType,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.engine.command import command
from closedwon.engine.fields import check_fields
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import on_hour, wire_instant
from closedwon.store.stores import Stores

Definition = TypeVar("Definition", CreditType, Product)


def create_credit_type(stores: Stores, kind: CreditType, *, by: str, now: datetime) -> None:
    """Add a currency or pricing unit; again with the same content changes nothing."""
    with command(stores, "create", ("credit_type", kind.id), by=by, now=now) as running:
        known = stores.catalogue.catalog().credit_types
        if _is_new(known.get(kind.id), kind, "credit type"):
            if any(other.name == kind.name for other in known.values()):
                raise Conflict(f"a credit type is called {kind.name!r} already")
            stores.catalogue.add_credit_type(kind)
            running.changed = True


def create_product(stores: Stores, product: Product, *, by: str, now: datetime) -> None:
    """Add a product (R45); again with the same content changes nothing."""
    with command(stores, "create", ("contract_product", product.id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        if _is_new(catalog.products.get(product.id), product, "product"):
            for version in product.versions:
                _check_version(catalog, product.type, version)
            check_fields(stores, "contract_product", product.id, product.custom_fields)
            stores.catalogue.add_product(product)
            stores.custom_fields.set("contract_product", product.id, product.custom_fields)
            running.changed = True


def update_product(
    stores: Stores, product_id: str, version: ProductVersion, *, by: str, now: datetime
) -> None:
    """Define a product anew from ``version.starting_at`` on (R48); drafts follow, R12."""
    with command(stores, "update", ("contract_product", product_id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        product = catalog.products.get(product_id)
        if product is None:
            raise NotFound("no such product", product=product_id)
        on_hour(version.starting_at, "product update")
        if version.starting_at < product.versions[0].starting_at:
            raise Refused(
                "an update cannot start before the product's first definition",
                product=product_id,
                first=wire_instant(product.versions[0].starting_at),
            )
        _check_version(catalog, product.type, version, product)
        if version not in product.versions:
            stores.catalogue.put_product_version(product_id, version)
            running.changed = True


def create_rate_card(stores: Stores, card: RateCard, *, by: str, now: datetime) -> None:
    """Add a card with its aliases and rates (R53-R57); again the same changes nothing."""
    with command(stores, "create", ("rate_card", card.id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        known = catalog.rate_cards.get(card.id)
        if known is not None:
            if _first(known, card) != card:
                raise Conflict("a rate card with this id and other content exists", card=card.id)
            return
        if card.fiat_credit_type_id not in catalog.credit_types:
            raise Refused("unknown credit type", credit_type=card.fiat_credit_type_id)
        _check_rates(catalog, card.id, card.rates)
        check_fields(stores, "rate_card", card.id, card.custom_fields)
        stores.catalogue.add_rate_card(card)
        stores.custom_fields.set("rate_card", card.id, card.custom_fields)
        running.changed = True


def add_rates(
    stores: Stores, card_id: str, rates: tuple[Rate, ...], *, by: str, now: datetime
) -> None:
    """Add rates to a card; one that is there already is left alone.

    They win over older ones in their window (R54) and reach every contract on the card (R56).
    """
    with command(stores, "add_rates", ("rate_card", card_id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        card = catalog.rate_cards.get(card_id)
        if card is None:
            raise NotFound("no such rate card", card=card_id)
        known = {rate.id: rate for other in catalog.rate_cards.values() for rate in other.rates}
        new = tuple(rate for rate in rates if _is_new_rate(known.get(rate.id), rate))
        _check_rates(catalog, card_id, new)
        stores.catalogue.add_rates(card_id, new)
        running.changed = bool(new)


def _is_new(known: Definition | None, given: Definition, what: str) -> bool:
    if known is None:
        return True
    if known != given:
        raise Conflict(f"a {what} with this id and other content exists", id=given.id)
    return False


def _is_new_rate(known: Rate | None, given: Rate) -> bool:
    if known is None:
        return True
    if known != given:
        raise Conflict("a rate with this id and other content exists", rate=given.id)
    return False


def _first(known: RateCard, given: RateCard) -> RateCard:
    """``known`` as it was created: rates added later are left out."""
    return replace(known, rates=known.rates[: len(given.rates)])


def _check_version(
    catalog: Catalog, kind: ProductType, version: ProductVersion, known: Product | None = None
) -> None:
    """What a definition must fulfil; a product keeps a metric it has, archived or not (R37)."""
    if (kind is ProductType.USAGE) != (version.metric_id is not None):
        raise Refused("a metric goes with USAGE products, and only with them", name=version.name)
    if version.metric_id is None:
        return
    metric = catalog.metrics.get(version.metric_id)
    kept = known is not None and any(v.metric_id == version.metric_id for v in known.versions)
    if metric is None or (metric.archived_at is not None and not kept):
        raise Refused("unknown or archived metric", metric=version.metric_id)
    keys = frozenset(version.pricing_group_key) | frozenset(version.presentation_group_key)
    if not metric.can_group_by(keys):
        raise Refused(
            "the metric has no compound group key with these keys (R35)",
            metric=metric.id,
            keys=", ".join(sorted(keys)),
        )


def _check_rates(catalog: Catalog, card_id: str, rates: tuple[Rate, ...]) -> None:
    for rate in rates:
        if rate.rate_card_id != card_id:
            raise Refused("a rate names another rate card", rate=rate.id, card=card_id)
        if rate.credit_type_id not in catalog.credit_types:
            raise Refused("unknown credit type", credit_type=rate.credit_type_id)
        on_hour(rate.window.start, "rate start")
        if rate.window.end is not None:
            on_hour(rate.window.end, "rate end")
        _check_priced(catalog, rate)
    ids = [rate.id for rate in rates]
    taken = set(ids) & {r.id for card in catalog.rate_cards.values() for r in card.rates}
    if taken or len(set(ids)) != len(ids):
        raise Conflict("a rate id is used twice", rates=", ".join(sorted(taken or set(ids))))


def _check_priced(catalog: Catalog, rate: Rate) -> None:
    product = catalog.products.get(rate.product_id)
    if product is None:
        raise Refused("a rate for an unknown product", product=rate.product_id)
    if product.type is ProductType.FIXED:
        raise Refused("a fixed product has no rate (R156)", product=product.id)
    keys = product.at(rate.window.start).pricing_group_key
    if set(rate.pricing_group_values) != set(keys):
        raise Refused(
            "a rate needs a value for every pricing key of its product (R69)",
            rate=rate.id,
            expected=", ".join(keys) or "none",
        )
