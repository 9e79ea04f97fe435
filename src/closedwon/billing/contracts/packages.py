"""Packages: contract templates whose terms are dated from the contract's start (R308-R311)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import USD, Alias
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.overrides import Override, Prioritization
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.spans import Span, Unit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import (
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
)
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

AT_ONCE = Span(value=0, unit=Unit.DAYS)


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """A window that begins ``offset`` after the contract does and lasts ``duration`` (R309)."""

    offset: Span = AT_ONCE
    duration: Span | None = None
    """None does not end by itself."""

    def on(self, start: datetime) -> Interval:
        """The window on a contract that starts at ``start``."""
        begins = self.offset.after(start)
        return Interval(begins, None if self.duration is None else self.duration.after(begins))


class PackageSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One access window; amount in the wire unit."""

    amount: Decimal
    window: Relative

    def __post_init__(self) -> None:
        if self.window.duration is None:
            raise Refused("an access window of a package has a duration (R309)")


class PackagePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One point of an invoice schedule, ``date_offset`` after the start."""

    date_offset: Span
    unit_price: Decimal
    quantity: Decimal = Decimal(1)


class PackageCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit or credit of the package."""

    id: str
    kind: CommitKind
    product_id: str
    name: str
    segments: tuple[PackageSegment, ...]
    payments: tuple[PackagePoint, ...] = ()
    do_not_invoice: bool = False
    description: str = ""
    priority: Decimal | None = None
    rollover_fraction: Decimal | None = None
    applicability: Applicability = EVERYTHING
    rate_type: str = "LIST_RATE"
    access_credit_type_id: str = USD
    payment_credit_type_id: str = USD
    custom_fields: Mapping[str, str] = {}


class PackageCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled charge of the package."""

    id: str
    product_id: str
    name: str
    items: tuple[PackagePoint, ...]
    credit_type_id: str = USD
    custom_fields: Mapping[str, str] = {}


class PackageOverride(msgspec.Struct, frozen=True, kw_only=True):
    """An override; without ``window`` the template's own, absolute one counts."""

    template: Override
    window: Relative | None = None


class PackageRecurring(msgspec.Struct, frozen=True, kw_only=True):
    """A recurring term; the window of the template counts for nothing."""

    template: RecurringCommit
    window: Relative = Relative()


class PackageSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription; the window of the template counts for nothing."""

    template: Subscription
    window: Relative = Relative()


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """Immutable but for its alias windows and its archiving (R308)."""

    id: str
    name: str
    aliases: tuple[Alias, ...] = ()
    rate_card_id: str | None = None
    """Id or alias, resolved at each contract's start (R57)."""
    duration: Span | None = None
    """How long its contracts last; None leaves them open."""
    contract_name: str = ""
    commits: tuple[PackageCommit, ...] = ()
    charges: tuple[PackageCharge, ...] = ()
    overrides: tuple[PackageOverride, ...] = ()
    recurring: tuple[PackageRecurring, ...] = ()
    subscriptions: tuple[PackageSubscription, ...] = ()
    statement: StatementSchedule = StatementSchedule()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    net_payment_terms_days: int | None = None
    charges_on_usage_invoices: bool = False
    settings: ContractSettings = ContractSettings()
    billing_provider: str | None = None
    """Where its contracts' invoices go: the customer's own configuration there (R102)."""
    delivery_method: str | None = None
    uniqueness_key: str | None = None
    custom_fields: Mapping[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.statement.day is StatementDay.CUSTOM_DATE:
            raise Refused("a package bills on FIRST_OF_MONTH or CONTRACT_START", package=self.name)
        ids = [commit.id for commit in self.commits] + [charge.id for charge in self.charges]
        ids += [one.template.id for one in self.overrides]
        ids += [one.template.id for one in self.recurring]
        ids += [one.template.id for one in self.subscriptions]
        if len(set(ids)) != len(ids):
            raise Refused("term ids of a package must be different", package=self.name)


class PackageOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All that may be said beside the package itself (R310)."""

    customer_id: str
    starting_at: datetime
    uniqueness_key: str | None = None
    transition: Transition | None = None
    custom_fields: Mapping[str, str] = {}
