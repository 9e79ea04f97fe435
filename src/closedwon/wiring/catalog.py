"""Catalogue files: metrics, products and rate cards as YAML, loaded as often as one likes.

Every scalar is read as text, so prices keep their digits. What is there already and says the same
is left alone; the engine refuses what contradicts it.
"""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import yaml

from closedwon.billing.catalog.types import (
    Aggregation,
    Alias,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.pricing import Flat, Tier, Tiered
from closedwon.engine import Engine
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, midnight


class MetricEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric; ``events`` are the event types it counts, ``property`` what it aggregates.

    A metric with ``sql`` has none of the others but id and name (R38).
    """

    id: str
    aggregation: Aggregation | None = None
    events: tuple[str, ...] = ()
    sql: str | None = None
    name: str = ""
    property: str | None = None
    group_keys: tuple[tuple[str, ...], ...] = ()


class ProductEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A usage product when it names a metric, else a fixed one."""

    id: str
    name: str
    metric: str | None = None
    tags: tuple[str, ...] = ()
    pricing_group_key: tuple[str, ...] = ()
    presentation_group_key: tuple[str, ...] = ()
    sql_granularity: str = "SERVICE_PERIOD"
    """HOUR or SERVICE_PERIOD, of a product billed by a SQL metric (R39)."""


class RateEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Price of a product in wire units (USD: cents); ``price`` or ``tiers``."""

    product: str
    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    starting_at: datetime | None = None
    ending_before: datetime | None = None
    entitled: bool = True
    pricing_group_values: dict[str, str] = {}


class CardEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rate card and the aliases deals ask for it by."""

    id: str
    name: str
    aliases: tuple[str, ...]
    rates: tuple[RateEntry, ...]


class CatalogFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; everything is in force from ``starting_on`` (a date) unless it says else."""

    starting_on: str
    metrics: tuple[MetricEntry, ...] = ()
    products: tuple[ProductEntry, ...] = ()
    rate_cards: tuple[CardEntry, ...] = ()


class Loaded(msgspec.Struct, frozen=True):
    """How many definitions a file holds."""

    metrics: int
    products: int
    rate_cards: int


def read_catalog(path: Path) -> CatalogFile:
    """Parse a catalogue file; raises ConfigError with the file and the place in it."""
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(
            yaml.load(text, Loader=yaml.CBaseLoader),  # noqa: S506 - builds text, lists and dicts
            CatalogFile,
            strict=False,
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"{place}: {error.problem}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the catalogue {path}: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def load_catalog(engine: Engine, found: CatalogFile, now: datetime) -> Loaded:
    """Bring the catalogue to what the file says; raises Conflict where billing says otherwise."""
    start = midnight(datetime.fromisoformat(found.starting_on).date())
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
        group_keys=entry.group_keys,
        created_at=start,
    )


def _product(entry: ProductEntry, start: datetime) -> Product:
    version = ProductVersion(
        starting_at=start,
        name=entry.name,
        tags=entry.tags,
        metric_id=entry.metric,
        pricing_group_key=entry.pricing_group_key,
        presentation_group_key=entry.presentation_group_key,
        sql_granularity=entry.sql_granularity,
    )
    kind = ProductType.FIXED if entry.metric is None else ProductType.USAGE
    return Product(id=entry.id, type=kind, versions=(version,))


def _card(entry: CardEntry, start: datetime) -> RateCard:
    return RateCard(
        id=entry.id,
        name=entry.name,
        aliases=tuple(Alias(name=name, window=Interval(start)) for name in entry.aliases),
        rates=tuple(_rate(entry.id, rate, start) for rate in entry.rates),
        created_at=start,
    )


def _rate(card_id: str, entry: RateEntry, start: datetime) -> Rate:
    if (entry.price is None) == (not entry.tiers):
        raise ConfigError("a rate has either a price or tiers", product=entry.product)
    begins = start if entry.starting_at is None else entry.starting_at.astimezone(UTC)
    values = sorted(entry.pricing_group_values.items())
    return Rate(
        id=derive("rate", card_id, entry.product, str(values), begins.isoformat()),
        rate_card_id=card_id,
        product_id=entry.product,
        window=Interval(begins, entry.ending_before),
        price=Tiered(tiers=entry.tiers) if entry.price is None else Flat(price=entry.price),
        entitled=entry.entitled,
        pricing_group_values=entry.pricing_group_values,
    )
