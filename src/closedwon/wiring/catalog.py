"""Catalogue files: metrics, products and rate cards as YAML, loaded as often as one likes.

Every scalar is read as text, so prices keep their digits. What is there already and says the same
is left alone; the engine refuses what contradicts it.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from closedwon.billing.catalog.types import (
    FIAT,
    Alias,
    CreditType,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
    UnitConversion,
)
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tiered,
    TieredPercentage,
)
from closedwon.engine import Engine
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, midnight
from closedwon.wiring.catalog_entries import (
    CardEntry,
    CatalogFile,
    MetricEntry,
    PriceEntry,
    ProductEntry,
    RateEntry,
)
from closedwon.wiring.yaml_file import read


class Loaded(msgspec.Struct, frozen=True):
    """How many definitions a file holds."""

    metrics: int
    products: int
    rate_cards: int


def read_catalog(path: Path) -> CatalogFile:
    """Parse a catalogue file; raises ConfigError with the file and the place in it."""
    return read(path, CatalogFile, "catalogue")


def load_catalog(engine: Engine, found: CatalogFile, now: datetime) -> Loaded:
    """Bring the catalogue to what the file says; raises Conflict where billing says otherwise."""
    start = midnight(datetime.fromisoformat(found.starting_on).date())
    for unit in found.units:
        engine.create_credit_type(CreditType(id=unit.id, name=unit.name), now)
    for metric in found.metrics:
        engine.create_metric(_metric(metric, start), now)
    for product in found.products:
        engine.create_product(_product(product, start), now)
    for card in found.rate_cards:
        engine.create_rate_card(_card(card, start), now)
    return Loaded(len(found.metrics), len(found.products), len(found.rate_cards))


def _metric(entry: MetricEntry, start: datetime) -> Metric:
    return Metric(
        id=entry.id,
        name=entry.name or entry.id,
        aggregation=entry.aggregation,
        sql=entry.sql,
        key=entry.property,
        event_types=entry.events,
        filters=entry.filters,
        group_keys=entry.group_keys,
        created_at=start,
    )


def _product(entry: ProductEntry, start: datetime) -> Product:
    version = ProductVersion(
        starting_at=start,
        name=entry.name,
        tags=entry.tags,
        metric_id=entry.metric,
        conversion=entry.conversion,
        rounding=entry.rounding,
        pricing_group_key=entry.pricing_group_key,
        presentation_group_key=entry.presentation_group_key,
        sql_granularity=entry.sql_granularity,
        composite=entry.composite,
    )
    return Product(id=entry.id, type=_kind(entry), versions=(version,))


def _kind(entry: ProductEntry) -> ProductType:
    said = (entry.metric is not None, entry.composite is not None, entry.subscription)
    if sum(said) > 1:
        raise ConfigError(
            "a product has a metric, or a composite base, or is a subscription", product=entry.id
        )
    kinds = (ProductType.USAGE, ProductType.COMPOSITE, ProductType.SUBSCRIPTION)
    return next((kind for kind, is_it in zip(kinds, said, strict=True) if is_it), ProductType.FIXED)


def _card(entry: CardEntry, start: datetime) -> RateCard:
    fiat = {kind.currency: kind.id for kind in FIAT.values()}
    if entry.currency not in fiat:
        expected = ", ".join(sorted(code for code in fiat if code))
        raise ConfigError(f"no such currency; one of {expected}", found=entry.currency)
    return RateCard(
        id=entry.id,
        name=entry.name,
        fiat_credit_type_id=fiat[entry.currency],
        aliases=tuple(Alias(name=name, window=Interval(start)) for name in entry.aliases),
        conversions=tuple(
            UnitConversion(credit_type_id=unit, fiat_per_unit=price)
            for unit, price in entry.conversions.items()
        ),
        rates=tuple(_rate(entry.id, fiat[entry.currency], rate, start) for rate in entry.rates),
        created_at=start,
    )


def _rate(card_id: str, fiat: str, entry: RateEntry, start: datetime) -> Rate:
    begins = start if entry.starting_at is None else entry.starting_at.astimezone(UTC)
    values = sorted(entry.pricing_group_values.items())
    frequency = () if entry.billing_frequency is None else (entry.billing_frequency,)
    return Rate(
        id=derive("rate", card_id, entry.product, str(values), begins.isoformat(), *frequency),
        rate_card_id=card_id,
        product_id=entry.product,
        window=Interval(begins, entry.ending_before),
        price=_price(entry, entry.product),
        entitled=entry.entitled,
        credit_type_id=entry.unit or fiat,
        pricing_group_values=entry.pricing_group_values,
        billing_frequency=entry.billing_frequency,
        commit_price=None if entry.commit is None else _price(entry.commit, entry.product),
    )


def _price(entry: PriceEntry, product: str) -> Price:
    """The one kind of price an entry gives; raises ConfigError for none or several."""
    made: list[Price] = []
    if entry.price is not None:
        made.append(Flat(price=entry.price))
    if entry.tiers:
        made.append(Tiered(tiers=entry.tiers))
    if entry.percentage is not None:
        made.append(Percentage(fraction=entry.percentage, minimum=entry.minimum))
    if entry.percentage_tiers:
        made.append(TieredPercentage(tiers=entry.percentage_tiers, minimum=entry.minimum))
    if entry.processor is not None:
        made.append(Custom(processor=entry.processor, terms=entry.terms))
    if len(made) != 1:
        kinds = "price, tiers, percentage, percentage_tiers or processor"
        raise ConfigError(f"a rate gives one of {kinds}", product=product)
    if entry.minimum is not None and not isinstance(made[0], Percentage | TieredPercentage):
        raise ConfigError("a minimum goes with percentages only (R66)", product=product)
    return made[0]
