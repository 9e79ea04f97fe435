"""What the catalogue holds (metronome.md 2.5, 2.6; R29-R60)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

import msgspec

from closedwon.billing.pricing import Price
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, edges

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
"""Credit type id of "USD (cents)", the default of every money field."""


class CreditType(msgspec.Struct, frozen=True, kw_only=True):
    """A fiat currency or a custom pricing unit; amounts are in its wire unit (metronome.md 2.2)."""

    id: str
    name: str
    currency: str | None = None
    """ISO 4217 code; None for a custom pricing unit."""
    archived_at: datetime | None = None


USD_CENTS = CreditType(id=USD, name="USD (cents)", currency="USD")
CURRENCIES = "AUD BRL CAD CHF CZK EUR GBP INR MXN NGN NOK NZD PLN SEK SGD TRY ZAR"  # 2.2, seed 001
FIAT: Mapping[str, CreditType] = {USD: USD_CENTS} | {
    kind.id: kind
    for code in CURRENCIES.split()
    for kind in [CreditType(id=derive("credit_type", code), name=code, currency=code)]
}
"""The currencies there are without being created, by id; all but USD in whole units (R377)."""


class Aggregation(StrEnum):
    """How events become a quantity (R30-R34)."""

    COUNT = "COUNT"
    SUM = "SUM"
    MAX = "MAX"
    UNIQUE = "UNIQUE"
    LATEST = "LATEST"


class PropertyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """One condition on an event property; all conditions of a metric must pass (R29)."""

    name: str
    exists: bool | None = None
    in_values: tuple[str, ...] = ()
    not_in_values: tuple[str, ...] = ()


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A billable metric, streaming or SQL; immutable but for its name (R29-R39).

    A streaming metric has an ``aggregation``; a SQL metric has ``sql`` and none of the streaming
    fields. Raises Refused for both, for neither, and for a key that does not fit (metronome 2.5).
    """

    id: str
    name: str
    aggregation: Aggregation | None = None
    """None for a SQL metric only."""
    sql: str | None = None
    """The query of a SQL metric over the table ``events`` (R38); None for a streaming one."""
    key: str | None = None
    """Property aggregated; None for COUNT and SQL only."""
    event_types: tuple[str, ...] = ()
    """Accepted event types; empty accepts every type not in ``not_event_types``."""
    not_event_types: tuple[str, ...] = ()
    filters: tuple[PropertyFilter, ...] = ()
    group_keys: tuple[tuple[str, ...], ...] = ()
    """Compound group keys (R35). Of a SQL metric: its columns beside the value, as one key."""
    created_at: datetime
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        streaming = (self.aggregation, self.key, self.event_types, self.not_event_types)
        if self.sql is not None:
            if any((*streaming, self.filters)):
                raise Refused("a metric has sql or the streaming fields, not both", metric=self.id)
            return
        if self.aggregation is None:
            raise Refused("a metric needs sql or an aggregation_type", metric=self.id)
        if (self.key is None) != (self.aggregation is Aggregation.COUNT):
            raise Refused("aggregation_key is required, except for COUNT, where it is forbidden")

    def can_group_by(self, keys: frozenset[str]) -> bool:
        """Whether ``keys`` is empty or within one (compound) group key (R35)."""
        return not keys or any(keys <= set(group) for group in self.group_keys)


class ProductType(StrEnum):
    """What kind of charge a product stands for (R45)."""

    USAGE = "USAGE"
    FIXED = "FIXED"
    SUBSCRIPTION = "SUBSCRIPTION"
    COMPOSITE = "COMPOSITE"
    PROFESSIONAL_SERVICE = "PROFESSIONAL_SERVICE"


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """Metric unit to billed unit (R46)."""

    factor: Decimal
    divide: bool
    name: str = ""  # of the billed unit; shown only

    def __post_init__(self) -> None:
        if self.factor <= 0:
            raise Refused("a conversion factor must be above 0 (R46)", found=str(self.factor))


class Rounding(msgspec.Struct, frozen=True, kw_only=True):
    """Rounding of the converted cumulative quantity (R46, R47)."""

    method: str
    """ROUND_UP, ROUND_DOWN or ROUND_HALF_UP."""
    decimal_places: int

    def __post_init__(self) -> None:
        if self.method not in ("ROUND_UP", "ROUND_DOWN", "ROUND_HALF_UP"):
            raise Refused("no such rounding method (R46)", found=self.method)
        if self.decimal_places < 0:
            raise Refused("decimal_places must not be negative (R46)", found=self.decimal_places)


class CompositeBase(msgspec.Struct, frozen=True, kw_only=True):
    """The lines a composite product is a percentage of (R241-R244)."""

    product_ids: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    """Products with ANY of these tags."""
    scope: str = "CONTRACT"
    """CONTRACT or CUSTOMER: whose spend counts (R242)."""
    exclude_free_usage: bool = False
    include_composite_spend: bool = False


class ProductVersion(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How a product is defined from ``starting_at`` until the next version (R48, R49)."""

    starting_at: datetime
    name: str
    tags: tuple[str, ...] = ()
    metric_id: str | None = None
    conversion: Conversion | None = None
    rounding: Rounding | None = None
    pricing_group_key: tuple[str, ...] = ()
    presentation_group_key: tuple[str, ...] = ()
    sql_granularity: str = "SERVICE_PERIOD"
    """HOUR or SERVICE_PERIOD, for SQL metrics (R39)."""
    composite: CompositeBase | None = None
    """What a COMPOSITE product takes its percentage of (R241)."""
    created_at: datetime | None = None
    created_by: str = ""  # the API caller; empty, and no created_at, when there was none

    @cached_property
    def tag_set(self) -> frozenset[str]:
        """The tags, for matching."""
        return frozenset(self.tags)


class Product(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A product and its dated definitions, oldest first; it carries no price (R45-R52)."""

    id: str
    type: ProductType
    versions: tuple[ProductVersion, ...]
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if not self.versions:
            raise Refused("a product needs a first definition", product=self.id)

    def at(self, instant: datetime) -> ProductVersion:
        """The definition in force; before the first one, the first one (R48)."""
        current = self.versions[0]
        for version in self.versions[1:]:
            if version.starting_at <= instant:
                current = version
        return current

    @cached_property
    def tag_set(self) -> frozenset[str]:
        """Every tag it has at any time."""
        return frozenset(tag for version in self.versions for tag in version.tags)

    @property
    def name(self) -> str:
        """The newest name, for lists; lines freeze the name of their own time (R52)."""
        return self.versions[-1].name


Slot = tuple[str, frozenset[tuple[str, str]], str | None]
"""What a rate is for: product, pricing values and, of subscription rates, billing frequency."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a rate card over its window (R53-R60)."""

    id: str
    rate_card_id: str
    product_id: str
    window: Interval
    price: Price
    entitled: bool = True
    credit_type_id: str = USD
    pricing_group_values: Mapping[str, str] = {}
    billing_frequency: str | None = None
    commit_price: Price | None = None
    """Price while a COMMIT_RATE balance pays (R71)."""

    @property
    def slot(self) -> Slot:
        """Product, pricing values and billing frequency: rates of one slot replace one another."""
        values = frozenset(self.pricing_group_values.items())
        return self.product_id, values, self.billing_frequency


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A name a rate card answers to during a window (R57)."""

    name: str
    window: Interval


class UnitConversion(msgspec.Struct, frozen=True, kw_only=True):
    """What one custom pricing unit costs in the card's fiat wire unit (R249, R251)."""

    credit_type_id: str
    fiat_per_unit: Decimal

    def __post_init__(self) -> None:
        if self.fiat_per_unit < 0:
            raise Refused("a conversion must not be negative", credit_type=self.credit_type_id)


class RateCard(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A price book in one fiat currency (R53-R57)."""

    id: str
    name: str
    description: str = ""
    fiat_credit_type_id: str = USD
    aliases: tuple[Alias, ...] = ()
    conversions: tuple[UnitConversion, ...] = ()
    rates: tuple[Rate, ...] = ()
    """In the order they were added; the last one that covers an instant wins (R54)."""
    product_order: tuple[str, ...] = ()
    """Products in the order invoices show them; those left out follow (R134)."""
    created_at: datetime
    created_by: str = ""
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}

    @cached_property
    def by_product(self) -> Mapping[str, tuple[Rate, ...]]:
        """Rates of each product, in the order they were added.

        Products are in ``product_order``, the rest after them in the order of their first rate.
        """
        found: dict[str, list[Rate]] = {product: [] for product in self.product_order}
        for rate in self.rates:
            found.setdefault(rate.product_id, []).append(rate)
        return {product: tuple(rates) for product, rates in found.items() if rates}

    @cached_property
    def by_slot(self) -> Mapping[Slot, tuple[Rate, ...]]:
        """Rates of each slot, in the order they were added (R53, R54)."""
        found: dict[Slot, list[Rate]] = {}
        for rate in self.rates:
            found.setdefault(rate.slot, []).append(rate)
        return {slot: tuple(rates) for slot, rates in found.items()}

    @cached_property
    def changes(self) -> Mapping[str, frozenset[datetime]]:
        """Instants at which a rate of each product begins or ends."""
        return {
            product: edges(rate.window for rate in rates)
            for product, rates in self.by_product.items()
        }


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the catalogue a bill may need, by id."""

    metrics: Mapping[str, Metric] = {}
    products: Mapping[str, Product] = {}
    rate_cards: Mapping[str, RateCard] = {}
    credit_types: Mapping[str, CreditType] = msgspec.field(default_factory=lambda: dict(FIAT))
