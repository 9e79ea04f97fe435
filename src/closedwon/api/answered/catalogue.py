"""Metrics, products, rate cards and rates as they are answered (2.5, 2.6)."""

from closedwon.api.answered.kinds import (
    Amount,
    Anything,
    At,
    Fields,
    Named,
    NotRequired,
    TypedDict,
)


class Metric(TypedDict):
    """A billable metric: streaming fields, or SQL."""

    id: str
    name: str
    custom_fields: Fields
    aggregation_type: NotRequired[str]
    aggregation_key: NotRequired[str]
    event_type_filter: NotRequired[dict[str, list[str]]]
    property_filters: NotRequired[list[Anything]]
    group_keys: NotRequired[list[list[str]]]
    sql: NotRequired[str]
    archived_at: NotRequired[At]


class ProductState(TypedDict):
    """What a product was from an instant on."""

    created_at: At
    created_by: str
    name: str
    tags: list[str]
    starting_at: NotRequired[At]
    billable_metric_id: NotRequired[str]
    quantity_conversion: NotRequired[Anything]
    quantity_rounding: NotRequired[Anything]
    pricing_group_key: NotRequired[list[str]]
    presentation_group_key: NotRequired[list[str]]
    composite_product_ids: NotRequired[list[str]]
    composite_tags: NotRequired[list[str]]
    exclude_free_usage: NotRequired[bool]
    include_composite_spend: NotRequired[bool]


class Product(TypedDict):
    """A product with its first definition, the one in force and those that came after."""

    id: str
    type: str
    initial: ProductState
    current: ProductState
    updates: list[ProductState]
    custom_fields: Fields
    archived_at: At | None


class Tier(TypedDict):
    """``size`` units at ``price``; the last tier has no size."""

    price: Amount
    size: NotRequired[Amount]


class Price(TypedDict):
    """How much, and in which unit; which fields there are goes by ``rate_type``."""

    rate_type: str
    price: NotRequired[Amount]
    tiers: NotRequired[list[Tier]]
    minimum_config: NotRequired[Anything]
    custom_rate: NotRequired[Anything]
    credit_type: NotRequired[Named]


class Rate(TypedDict):
    """What a product costs on a card over a window."""

    product_id: str
    product_name: str
    product_tags: list[str]
    product_custom_fields: Fields
    starting_at: At
    entitled: bool
    rate: Price
    rate_card_id: NotRequired[str]
    ending_before: NotRequired[At]
    pricing_group_values: NotRequired[Fields]
    billing_frequency: NotRequired[str]
    commit_rate: NotRequired[Price]


class ContractRate(TypedDict):
    """What a product costs on a contract: the list, and what overrides make of it (B7)."""

    rate_card_id: str
    product_id: str
    product_name: str
    product_tags: list[str]
    product_custom_fields: Fields
    pricing_group_values: Fields
    starting_at: At
    entitled: bool
    list_rate: Price
    ending_before: NotRequired[At]
    billing_frequency: NotRequired[str]
    override_rate: NotRequired[Price]
    commit_rate: NotRequired[Price]


class RateCard(TypedDict):
    """A card without its rates; a conversion is text, as the vendor has it."""

    id: str
    name: str
    description: str
    created_at: At
    created_by: str
    aliases: list[Anything]
    fiat_credit_type: Named
    credit_type_conversions: list[Anything]
    custom_fields: Fields
    archived_at: NotRequired[At]


class CreditType(TypedDict):
    """A currency, or a pricing unit of one's own."""

    id: str
    name: str
    is_currency: bool


class Package(TypedDict):
    """A template of contracts."""

    id: str
    name: str
    created_at: At
    created_by: str
    contract_name: NotRequired[str]
    rate_card_id: NotRequired[str]
    archived_at: NotRequired[At]


class NamedSegment(TypedDict):
    """A value over a window."""

    starting_at: At
    value: object
    ending_before: NotRequired[At]
