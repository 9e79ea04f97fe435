"""The immutable changes a contract is made of (D1; R111, R112, R115).

An ``Edit`` is stored once, as JSON, with who, when and why. ``fold.contract_of`` turns the list
into the contract; nothing else interprets edits.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from closedwon.billing.contracts.gated import (
    Discount,
    ProfessionalService,
    ProviderSegment,
    Royalty,
)
from closedwon.billing.contracts.hierarchy import Hierarchy
from closedwon.billing.contracts.overrides import Override, Prioritization
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import (
    Commit,
    ScheduledCharge,
    StatementSchedule,
    Transition,
    UsageFilter,
)
from closedwon.billing.contracts.thresholds import BalanceThreshold, SpendThreshold, SpendTracker
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """Terms an edit brings."""

    commits: tuple[Commit, ...] = ()
    """Commits and credits alike."""
    overrides: tuple[Override, ...] = ()
    charges: tuple[ScheduledCharge, ...] = ()
    recurring: tuple[RecurringCommit, ...] = ()
    """Recurring commits and credits alike."""
    subscriptions: tuple[Subscription, ...] = ()
    discounts: tuple[Discount, ...] = ()
    services: tuple[ProfessionalService, ...] = ()
    royalties: tuple[Royalty, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it brings nothing."""
        return not self.ids

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all terms."""
        return tuple(term.id for name in self.__struct_fields__ for term in getattr(self, name))


class ContractSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a contract has one of, besides its terms (metronome.md 2.7)."""

    spend_threshold: SpendThreshold | None = None
    balance_threshold: BalanceThreshold | None = None
    trackers: tuple[SpendTracker, ...] = ()
    hierarchy: Hierarchy | None = None
    providers: tuple[ProviderSegment, ...] = ()
    """By ``effective_at`` (R103)."""
    revenue_systems: tuple[ProviderSegment, ...] = ()
    """Where revenue is recognized; at most one, kept and shown (2.8)."""
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: salesforce_opportunity_id, netsuite_sales_order_id, ..."""


class Create(msgspec.Struct, frozen=True, kw_only=True, tag="create"):
    """The first edit: the contract as signed."""

    customer_id: str
    term: Interval
    name: str = ""
    rate_card_id: str | None = None
    terms: Added = Added()
    usage_filter: UsageFilter | None = None
    statement: StatementSchedule = StatementSchedule()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    transition: Transition | None = None
    net_payment_terms_days: int | None = None
    charges_on_usage_invoices: bool = False
    """scheduled_charges_on_usage_invoices ALL (R155)."""
    settings: ContractSettings = ContractSettings()
    package_id: str | None = None
    uniqueness_key: str | None = None
    custom_fields: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        on_hour(self.term.start, "contract start")
        if self.term.end is not None:
            on_hour(self.term.end, "contract end")
        if self.term.start == self.term.end:
            raise Refused("a contract ends when it starts")


class Amend(msgspec.Struct, frozen=True, kw_only=True, tag="amend"):
    """v1 amendment: additive only; terms keep their own dates (R111)."""

    starting_at: datetime
    """Descriptive; orders amendments for presentation."""
    terms: Added
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """As the contract's; total_contract_value is the contract's from then on."""


class ChangeEnd(msgspec.Struct, frozen=True, kw_only=True, tag="change_end"):
    """New contract end; None opens it (R117, R118)."""

    ending_before: datetime | None
    allow_before_finalized: bool = False
    """Whether finalized invoices may reach beyond the new end; they stay as they are (R119)."""


class Revise(msgspec.Struct, frozen=True, kw_only=True, tag="revise"):
    """v2 edit: adds, replaces (by term id) and removes terms (R112, R113, R116)."""

    add: Added = Added()
    replace: Added = Added()
    remove_ids: tuple[str, ...] = ()
    archive_ids: tuple[str, ...] = ()
    name: str | None = None
    net_payment_terms_days: int | None = None
    settings: ContractSettings | None = None
    """The whole new settings; None keeps them."""
    end: ChangeEnd | None = None
    """update_contract_end_date in the same edit."""
    custom_fields: Mapping[str, str] = {}


class Follow(msgspec.Struct, frozen=True, kw_only=True, tag="follow"):
    """Written on the old contract when another follows it at ``at`` (R120)."""

    transition: Transition
    to_contract_id: str
    at: datetime


class FilterUsage(msgspec.Struct, frozen=True, kw_only=True, tag="filter_usage"):
    """Schedules a usage filter (R106)."""

    usage_filter: UsageFilter


class Archive(msgspec.Struct, frozen=True, kw_only=True, tag="archive"):
    """Ends every term (R123)."""

    void_invoices: bool


Change = Create | Amend | Revise | ChangeEnd | Follow | FilterUsage | Archive


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One stored change of one contract."""

    id: str
    contract_id: str
    at: datetime
    """When it was recorded."""
    by: str
    """Who: a person, a token or ``sync``."""
    change: Change
    source: Source | None = None
    uniqueness_key: str | None = None
