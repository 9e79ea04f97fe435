"""What a rule may bring, with its formulas compiled."""

from collections.abc import Mapping

import msgspec

from closedwon.deals.mapping.problems import Spot
from closedwon.formula import Formula

DEAL = "deal"
"""Name of the root record among the collections."""
GROUP = "group"
"""Name under which aggregates see the rows of one group."""


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """A value found in a table by a formula's answer."""

    table: str
    key: Formula
    rows: Mapping[str, str]
    default: str | None
    spot: Spot


Value = Formula | Lookup


class Applies(msgspec.Struct, frozen=True, kw_only=True):
    """What a balance or override applies to, and in which order."""

    tags: Value | None = None
    products: Value | None = None
    priority: Value | None = None


class ProductRef(msgspec.Struct, frozen=True, kw_only=True):
    """The fixed product a term is sold as, and what the term is called."""

    key: Value | None
    product: Value
    product_name: Value | None
    name: Value


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One access segment per row of the group."""

    amount: Value
    start: Value
    end: Value
    allows_gaps: bool


class Installments(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of another collection that are a commit's payments."""

    collection: str
    match: Formula
    amount: Value
    on: Value


class SinglePayment(msgspec.Struct, frozen=True, kw_only=True):
    """The one payment when there are no installments."""

    amount: Value
    on: Value


class Payments(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice schedule of a commit."""

    installments: Installments | None
    otherwise: SinglePayment | None
    difference: str
    """``reject``, ``warn`` or ``allow`` a sum that differs from the access granted (F126)."""


class CommitOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A commit or, when ``is_credit``, free balance."""

    product: ProductRef
    kind: Value | None
    access: Access
    payments: Payments | None
    rollover_fraction: Value | None
    applies: Applies
    custom_fields: Mapping[str, Value]
    is_credit: bool
    spot: Spot


class OverrideOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A rate of the contract's own: a multiplier or a price."""

    key: Value | None
    start: Value
    end: Value | None
    multiplier: Value | None
    price: Value | None
    applies: Applies
    spot: Spot


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """Recurring dates of a charge (R152, R153)."""

    start: Value
    end: Value
    frequency: Value
    amounts: str
    in_arrears: Value | None


class ChargeOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled charge: one date, or a recurring schedule."""

    product: ProductRef
    amount: Value
    on: Value | None
    schedule: Recurring | None
    custom_fields: Mapping[str, Value]
    spot: Spot


class SubscriptionOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A recurring fee for seats or units."""

    key: Value | None
    product: Value
    name: Value
    frequency: Value
    quantity: Value
    start: Value
    end: Value | None
    collection: Value | None
    prorated: Value | None
    bills_at_once: bool
    own_periods: bool
    """Whether its periods are counted from its start, where it is billed in advance (R217)."""
    price: Value | None
    custom_fields: Mapping[str, Value]
    spot: Spot


class SeatsFollowed(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription a recurring balance grants for."""

    key: Value
    prorated: Value | None


class RecurringOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A commit or, when ``is_credit``, free balance of every period."""

    product: ProductRef
    amount: Value
    price: Value | None
    start: Value
    end: Value | None
    frequency: Value | None
    duration_periods: Value | None
    proration: str
    rollover_fraction: Value | None
    applies: Applies
    seats: SeatsFollowed | None
    custom_fields: Mapping[str, Value]
    is_credit: bool
    spot: Spot


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's own reason to park."""

    code: str
    message: str
    fix: str


Output = CommitOutput | OverrideOutput | ChargeOutput | SubscriptionOutput | RecurringOutput
