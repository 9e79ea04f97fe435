"""Invoices as they are answered (2.10)."""

from closedwon.api.answered.kinds import (
    Amount,
    Anything,
    At,
    Fields,
    Named,
    NotRequired,
    TypedDict,
)


class Line(TypedDict):
    """A line; ``total`` in the wire unit of its credit type."""

    name: str
    type: str
    total: Amount
    credit_type: Named
    quantity: NotRequired[Amount]
    unit_price: NotRequired[Amount]
    product_id: NotRequired[str]
    product_type: NotRequired[str]
    product_tags: NotRequired[list[str]]
    starting_at: NotRequired[At]
    ending_before: NotRequired[At]
    commit_id: NotRequired[str]
    commit_segment_id: NotRequired[str]
    commit_type: NotRequired[str]
    applied_commit_or_credit: NotRequired[dict[str, str]]
    subscription_id: NotRequired[str]
    scheduled_charge_id: NotRequired[str]
    is_prorated: NotRequired[bool]
    tier: NotRequired[Anything]
    list_price: NotRequired[Anything]


class Invoice(TypedDict):
    """An invoice: a draft, final or void."""

    id: str
    customer_id: str
    type: str
    status: str
    credit_type: Named
    total: Amount
    line_items: list[Line]
    contract_id: NotRequired[str]
    start_timestamp: NotRequired[At]
    end_timestamp: NotRequired[At]
    issued_at: NotRequired[At]
    net_payment_terms_days: NotRequired[int]
    custom_fields: NotRequired[Fields]
    customer_custom_fields: NotRequired[Fields]
    contract_custom_fields: NotRequired[Fields]
    external_invoice: NotRequired[Anything]
    regenerated_from_invoice_id: NotRequired[str]


class Part(Invoice):
    """A window of an invoice."""

    breakdown_start_timestamp: At
    breakdown_end_timestamp: At


class Spend(TypedDict):
    """What a group cost in a stretch of one price."""

    invoice_id: str
    product_id: str
    product_name: str
    starting_at: At
    ending_before: At | None
    group: dict[str, str | None]
    quantity: Amount
    total: Amount
    credit_type: Named
