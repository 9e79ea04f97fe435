"""Contracts and their balances as they are answered (2.7, 2.9)."""

from closedwon.api.answered.kinds import (
    Amount,
    Anything,
    At,
    Fields,
    Id,
    Named,
    NotRequired,
    TypedDict,
)


class Segment(TypedDict):
    """An access window and what it grants."""

    id: str
    amount: Amount
    starting_at: At
    ending_before: NotRequired[At]


class Access(TypedDict):
    """When how much can be drawn."""

    credit_type: Named
    schedule_items: list[Segment]


class Payment(TypedDict):
    """A payment; ``invoice_id`` once it is billed."""

    id: str
    invoice_id: str | None
    amount: Amount
    unit_price: Amount
    quantity: Amount
    timestamp: At


class Payments(TypedDict):
    """When how much is paid."""

    credit_type: Named
    schedule_items: list[Payment]
    do_not_invoice: NotRequired[bool]


class Entry(TypedDict):
    """A movement of a balance."""

    type: str
    timestamp: At
    amount: Amount
    segment_id: NotRequired[str]
    invoice_id: NotRequired[str]
    contract_id: NotRequired[str]
    reason: NotRequired[str]


class Balance(TypedDict):
    """A commit or a credit."""

    id: str
    type: str
    product: Named
    rate_type: str
    access_schedule: Access
    custom_fields: Fields
    created_at: At
    name: NotRequired[str]
    description: NotRequired[str]
    priority: NotRequired[Amount]
    rollover_fraction: NotRequired[Amount]
    invoice_schedule: NotRequired[Payments]
    contract: NotRequired[Id]
    balance: NotRequired[Amount]
    ledger: NotRequired[list[Entry]]
    applicable_product_ids: NotRequired[list[str]]
    applicable_product_tags: NotRequired[list[str]]
    applicable_contract_ids: NotRequired[list[str]]
    archived_at: NotRequired[At]
    created_by: NotRequired[str]
    uniqueness_key: NotRequired[str]


class NetBalance(TypedDict):
    """All that may be drawn now, added up."""

    balance: Amount
    credit_type_id: str


class Charge(TypedDict):
    """A scheduled charge or a discount."""

    id: str
    product: Named
    schedule: Payments
    custom_fields: Fields
    name: NotRequired[str]


class Override(TypedDict):
    """What replaces or multiplies a rate."""

    id: str
    starting_at: At
    ending_before: NotRequired[At]
    type: NotRequired[str]
    multiplier: NotRequired[Amount]
    entitled: NotRequired[bool]
    target: NotRequired[str]
    is_commit_specific: NotRequired[bool]


class Statement(TypedDict):
    """When usage is invoiced."""

    frequency: str
    billing_anchor_date: At


class Terms(TypedDict):
    """What a contract says, as created or as it is."""

    commits: list[Balance]
    credits: NotRequired[list[Balance]]
    overrides: list[Override]
    scheduled_charges: list[Charge]
    discounts: NotRequired[list[Charge]]
    usage_statement_schedule: Statement
    starting_at: At
    ending_before: NotRequired[At]
    created_at: At
    created_by: str
    rate_card_id: NotRequired[str]
    name: NotRequired[str]


class ContractV1(TypedDict):
    """A contract as created, as it is, and its amendments."""

    id: str
    customer_id: str
    initial: Terms
    current: Terms
    amendments: list[Anything]
    custom_fields: NotRequired[Fields]
    archived_at: NotRequired[At]


class Contract(Terms):
    """A contract as it is, flat."""

    id: str
    customer_id: str
    subscriptions: NotRequired[list[Anything]]
    recurring_commits: NotRequired[list[Anything]]
    recurring_credits: NotRequired[list[Anything]]
    uniqueness_key: NotRequired[str]
    multiplier_override_prioritization: NotRequired[str]
    custom_fields: NotRequired[Fields]
    archived_at: NotRequired[At]


class Edit(TypedDict):
    """One edit of a contract; what it did stands in fields that begin with its kind."""

    id: str
    timestamp: NotRequired[At]


class Edited(TypedDict):
    """The contract and the edit that was made."""

    id: str
    edit: Edit


class Seats(TypedDict):
    """Seats of a subscription over a window."""

    starting_at: At
    ending_before: At | None
    total_quantity: int
    assigned_seat_ids: list[str]


class Quantities(TypedDict):
    """What was paid for from the start until now."""

    subscription_id: str
    fiat_credit_type_id: str
    history: list[Anything]


class SeatPage(TypedDict):
    """Seats with what each has left."""

    data: list[Anything]
    pagination: Anything


class OnPackage(TypedDict):
    """A contract made from a package."""

    contract_id: str
    customer_id: str
    starting_at: At
    ending_before: At | None
    archived_at: At | None
