"""What a contract is after its edits."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.gated import Discount, ProfessionalService, Royalty
from closedwon.billing.contracts.overrides import Override, Prioritization
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import (
    Commit,
    ScheduledCharge,
    StatementSchedule,
    Transition,
    UsageFilter,
)
from closedwon.kernel.instant import Interval


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The fold of a contract's edits; terms in the order they were added."""

    id: str
    customer_id: str
    term: Interval
    name: str = ""
    rate_card_id: str | None = None
    commits: tuple[Commit, ...] = ()
    overrides: tuple[Override, ...] = ()
    charges: tuple[ScheduledCharge, ...] = ()
    recurring: tuple[RecurringCommit, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    discounts: tuple[Discount, ...] = ()
    services: tuple[ProfessionalService, ...] = ()
    royalties: tuple[Royalty, ...] = ()
    usage_filters: tuple[UsageFilter, ...] = ()
    """By ``starting_at``; each ends where the next begins (R106)."""
    statement: StatementSchedule = StatementSchedule()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    transition: Transition | None = None
    """How this contract follows another one."""
    followed_by: str | None = None
    followed_at: datetime | None = None
    removes_trueup: bool = False
    """Whether the contract that follows cancelled this one's true-ups (R122, R124)."""
    net_payment_terms_days: int | None = None
    charges_on_usage_invoices: bool = False
    settings: ContractSettings = ContractSettings()
    package_id: str | None = None
    uniqueness_key: str | None = None
    custom_fields: Mapping[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None
    voids_invoices: bool = False
    archived_children: Mapping[str, datetime] = {}
    """Children of generators that were archived one by one (R205)."""
    edit_of: Mapping[str, str] = {}
    """Term id -> id of the edit that brought it (D10)."""
