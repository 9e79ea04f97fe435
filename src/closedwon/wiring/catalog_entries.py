"""What a catalogue file may say (``closedwon catalog load``); every scalar is read as text."""

from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import (
    Aggregation,
    CompositeBase,
    Conversion,
    PropertyFilter,
    Rounding,
)
from closedwon.billing.pricing import Tier


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
    filters: tuple[PropertyFilter, ...] = ()
    """Conditions on properties, all of which must pass (R29)."""
    group_keys: tuple[tuple[str, ...], ...] = ()


class UnitEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custom pricing unit, such as credits (R249)."""

    id: str
    name: str


class ProductEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USAGE with a metric, COMPOSITE with a base, SUBSCRIPTION when it says so, else FIXED."""

    id: str
    name: str
    metric: str | None = None
    composite: CompositeBase | None = None
    """What it is a percentage of (R241)."""
    subscription: bool = False
    conversion: Conversion | None = None
    rounding: Rounding | None = None
    tags: tuple[str, ...] = ()
    pricing_group_key: tuple[str, ...] = ()
    presentation_group_key: tuple[str, ...] = ()
    sql_granularity: str = "SERVICE_PERIOD"
    """HOUR or SERVICE_PERIOD, of a product billed by a SQL metric (R39)."""


class PriceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price in wire units (USD: cents): ``price`` or ``tiers``, of units or of money.

    ``percentage`` and ``percentage_tiers`` are for composite products (R64, R65); ``processor``
    with its ``terms`` makes the price by plug-in (R68).
    """

    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    percentage: Decimal | None = None
    percentage_tiers: tuple[Tier, ...] = ()
    minimum: Decimal | None = None
    """Least charge of a percentage per billing period, in wire units (R66)."""
    processor: str | None = None
    terms: dict[str, str] = {}


class RateEntry(PriceEntry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a product costs on a card, and when."""

    product: str
    unit: str | None = None
    """Id of a pricing unit; the card's currency unless said."""
    commit: PriceEntry | None = None
    """Price while a COMMIT_RATE balance pays (R71)."""
    billing_frequency: str | None = None
    """Of subscription products: MONTHLY, QUARTERLY, ANNUAL or WEEKLY."""
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
    currency: str = "USD"
    conversions: dict[str, Decimal] = {}
    """Wire units of the currency that one of a pricing unit costs, by unit id (R249)."""


class CatalogFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; everything is in force from ``starting_on`` (a date) unless it says else."""

    starting_on: str
    units: tuple[UnitEntry, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    products: tuple[ProductEntry, ...] = ()
    rate_cards: tuple[CardEntry, ...] = ()
