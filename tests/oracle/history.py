"""A customer's billing history in words of its own: what was sold, agreed, used, and when.

Nothing here knows the engine. The brute force biller (``oracle.biller``) reads it directly, and
``oracle.embedded`` says the same to the engine. Money is a ``Fraction`` of cents; every instant is
UTC; every window is half-open. Words are those of the reference: a term that is None is absent.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

Pairs = tuple[tuple[str, str], ...]
"""Sorted (key, value) pairs; a dict that can be compared and hashed."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """(size, unit price) in order, the last size None; one tier that never ends is FLAT (R58-R60)."""

    tiers: tuple[tuple[Fraction | None, Fraction], ...]

    @property
    def is_flat(self) -> bool:
        return len(self.tiers) == 1


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A streaming metric; events must carry every one of ``keys`` (R29-R36)."""

    name: str
    kind: str
    """COUNT, SUM, MAX, LATEST or UNIQUE."""
    event_type: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Definition:
    """How a product is defined from ``since`` on (R46-R49)."""

    since: datetime
    tags: tuple[str, ...] = ()
    meter: str | None = None
    """None is the product's own (R40)."""
    factor: Fraction | None = None
    divides: bool = False
    rounding: str | None = None
    """ROUND_UP, ROUND_DOWN or ROUND_HALF_UP."""
    places: int = 0


@dataclass(frozen=True, kw_only=True)
class Product:
    name: str
    meter: str
    definitions: tuple[Definition, ...]
    pricing_keys: tuple[str, ...] = ()
    shown_keys: tuple[str, ...] = ()
    """Presentation group key: splits lines, and counts tiers apart (R62)."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    product: str
    since: datetime
    until: datetime | None
    price: Price
    entitled: bool = True
    dims: Pairs = ()
    commit_price: Price | None = None
    unit: str = "USD"


@dataclass(frozen=True, kw_only=True)
class Composite:
    """A product that is a percentage of the lines of others (R64-R66, R241)."""

    name: str
    tags: tuple[str, ...]
    products: tuple[str, ...]
    """Counts these, and what has one of ``counted_tags``."""
    counted_tags: tuple[str, ...]
    price: Price
    """Fractions; sizes are spend."""
    minimum: Fraction | None


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A specifier: everything it names must fit (R75, R76)."""

    product: str | None = None
    tags: tuple[str, ...] = ()
    pricing: Pairs = ()
    shown: Pairs = ()


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Products and tags (any of them), or specifiers; nothing named is everything (R74, R165)."""

    products: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    specs: tuple[Spec, ...] = ()


ALL = Selector()


@dataclass(frozen=True, kw_only=True)
class Segment:
    name: str
    amount: Fraction
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Payment:
    name: str
    at: datetime
    amount: Fraction


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit or credit (R161-R199)."""

    name: str
    kind: str
    """PREPAID, POSTPAID or CREDIT."""
    segments: tuple[Segment, ...]
    payments: tuple[Payment, ...] = ()
    priority: Fraction | None = None
    selector: Selector = ALL
    rate_type: str = "LIST_RATE"
    rollover: Fraction | None = None
    is_silent: bool = False
    """do_not_invoice (R154)."""
    unit: str = "USD"
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Override:
    """At most one of ``overwrite``, ``times`` and ``ranges`` (R73-R92)."""

    name: str
    since: datetime
    until: datetime | None
    selector: Selector = ALL
    overwrite: Price | None = None
    times: Fraction | None = None
    ranges: tuple[tuple[Fraction | None, Fraction], ...] = ()
    """TIERED: (size, multiplier); what lies past the last size counts once (R84)."""
    entitled: bool | None = None
    priority: Fraction | None = None
    is_commit_specific: bool = False
    commits: tuple[str, ...] = ()
    """Names of the balances it is about; none is any (R87)."""
    on_commit_rate: bool = False
    """target COMMIT_RATE (R88)."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    name: str
    payments: tuple[Payment, ...]


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Generates one commit or credit per period (R201-R210)."""

    name: str
    is_credit: bool
    amount: Fraction
    invoiced: Fraction | None
    since: datetime
    until: datetime | None
    frequency: str | None
    """None follows the usage statement (R201)."""
    lives: int = 1
    proration: str = "FIRST_AND_LAST"
    rounding: tuple[str, int] | None = None
    """(HALF_UP, FLOOR or CEILING; decimal places in wire units)."""
    priority: Fraction
    selector: Selector = ALL
    rate_type: str = "LIST_RATE"
    rollover: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Seats billed in arrears on the usage statement's own grid (R216-R224)."""

    name: str
    since: datetime
    is_prorated: bool
    rounding: tuple[str, int] | None
    quantity: Fraction
    updates: tuple[tuple[datetime, Fraction], ...] = ()
    """(instant, quantity from then on)."""


@dataclass(frozen=True, kw_only=True)
class Fee:
    """A rate of the subscription product (R216, R218)."""

    frequency: str
    since: datetime
    price: Fraction


@dataclass(frozen=True, kw_only=True)
class Terms:
    commits: tuple[Commit, ...] = ()
    overrides: tuple[Override, ...] = ()
    charges: tuple[Charge, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Statement:
    """When usage is invoiced (R96, R126-R128, R137)."""

    frequency: str = "MONTHLY"
    day: str = "FIRST_OF_MONTH"
    anchor: datetime | None = None
    billed_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Filter:
    key: str
    values: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Contract:
    name: str
    since: datetime
    until: datetime | None
    terms: Terms = Terms()
    statement: Statement = Statement()
    filter: Filter | None = None
    is_explicit: bool = False
    """EXPLICIT multiplier prioritization instead of LOWEST_MULTIPLIER (R82, R83)."""
    follows: str | None = None
    is_supersede: bool = False
    removes_trueup: bool = False
    has_card: bool = True
    is_consolidated: bool = False
    """scheduled_charges_on_usage_invoices ALL (R155)."""


@dataclass(frozen=True, kw_only=True)
class Event:
    id: str
    kind: str
    at: datetime
    properties: Pairs


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    meters: tuple[Meter, ...]
    products: tuple[Product, ...]
    rates: tuple[Rate, ...]
    composite: Composite | None = None
    fees: tuple[Fee, ...] = ()
    conversions: tuple[tuple[str, Fraction], ...] = ()
    """(custom pricing unit, cents for one of it) (R249)."""
