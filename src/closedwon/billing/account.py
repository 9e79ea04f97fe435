"""What a bill is computed from, and what it is (D2)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Self

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.types import Balance, LedgerEntry
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.kernel.ids import derive


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is billed; never deleted, only archived (metronome.md 1.1)."""

    id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    """Identifiers events may carry instead of ``id``; unique across customers (R6)."""
    salesforce_account_id: str | None = None
    custom_fields: Mapping[str, str] = {}
    created_at: datetime
    updated_at: datetime | None = None
    """When its name, account or aliases changed last; None while they never did."""
    archived_at: datetime | None = None


INDIVIDUAL_SEATS_MAX = 1000
"""Unless the setting says otherwise (R237, Appendix E)."""


class BillingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Named choices where the source is silent (metronome.md section 6)."""

    grace_hours: int = 24
    """Usage invoices finalize this long after their period ends (R130, G7)."""
    rollover_base: str = "segment"
    """``segment`` or ``commit_total``: what rollover_fraction is a fraction of (R121, G4)."""
    drawdown_dates: str = "segment"
    """``segment`` or ``commit``: whose dates order balances (R175, G21)."""
    corrections: bool = False
    """Whether correction invoices may be written (R285); voiding is the ordinary way."""
    max_individual_seats: int = INDIVIDUAL_SEATS_MAX
    """Seats of one subscription that may own a credit (R237)."""


class Regeneration(msgspec.Struct, frozen=True, kw_only=True):
    """A void invoice that is made anew with what is known at ``at`` (R284)."""

    invoice: Invoice
    at: datetime

    @property
    def new_id(self) -> str:
        """Id of the invoice that takes its place; a void invoice is regenerated once."""
        return derive("invoice", "regenerated", self.invoice.id)

    def is_of(self, draft: Invoice) -> bool:
        """Whether ``draft`` bills the same period, or any of the same payments."""
        old = self.invoice
        if (old.contract_id, old.type) != (draft.contract_id, draft.type):
            return False
        if old.type is InvoiceType.SCHEDULED:
            return not old.payment_ids.isdisjoint(draft.payment_ids)
        return (old.start, old.credit_type_id) == (draft.start, draft.credit_type_id)


class Billable(msgspec.Struct, frozen=True, kw_only=True):
    """From ``effective_at``, whether invoices of the customer are meant to be collected (R290)."""

    effective_at: datetime
    is_billable: bool


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """An expiration that was posted; ``amount`` as a positive number in the wire unit."""

    at: datetime
    amount: Decimal


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One customer with everything its bill depends on, besides catalogue, usage and instant."""

    customer: Customer
    contracts: tuple[Contract, ...] = ()
    commits: tuple[Commit, ...] = ()
    """Customer-level commits and credits (R109)."""
    finalized: tuple[Invoice, ...] = ()
    """Finalized, not voided invoices: their deductions are frozen (R12)."""
    voided: tuple[Invoice, ...] = ()
    """Void invoices, regenerated or not: their deductions do not count (R196)."""
    regenerating: Regeneration | None = None
    """The void invoice this very computation makes anew."""
    manual: tuple[LedgerEntry, ...] = ()
    """Manual ledger entries (R198)."""
    rolled: Mapping[str, Decimal] = {}
    """By segment id, what was rolled over and posted: it stays so when an invoice is voided."""
    lapsed: Mapping[str, Lapse] = {}
    """By segment id, what expired and was posted: nothing signed or dated later finds it (R184)."""
    issue_dates: Mapping[str, datetime] = {}
    """By draft id, the issue date a person gave it (R291)."""
    billable: tuple[Billable, ...] = ()
    """By ``effective_at``; billable before the first one (R290)."""
    members: tuple["Account", ...] = ()
    """Of a hierarchy: every customer's own account, this one's too (R301). The contracts, balances
    and invoices here are then those of all of them."""
    reopened: Mapping[str, int] = {}
    """By segment id, how often voiding took an expiration back; the next one has a new id."""

    def owner(self, contract: Contract) -> "Account":
        """The account of the contract's customer: itself, or a member's (R301)."""
        for one in self.members:
            if one.customer.id == contract.customer_id:
                return one
        return self

    @property
    def withheld(self) -> tuple[Invoice, ...]:
        """Void and not regenerated: their periods and payments are not billed by themselves."""
        if not self.voided:
            return ()
        made_anew = {invoice.regenerated_from for invoice in (*self.finalized, *self.voided)}
        if self.regenerating is not None:
            made_anew.add(self.regenerating.invoice.id)
        return tuple(invoice for invoice in self.voided if invoice.id not in made_anew)

    @property
    def billed(self) -> tuple[Invoice, ...]:
        """What no draft may bill again: final invoices and those that are withheld (R283)."""
        withheld = self.withheld
        return (*self.finalized, *withheld) if withheld else self.finalized

    def is_billable(self, at: datetime) -> bool:
        """What holds at ``at``: a usage period's start, another invoice's issue date (R290)."""
        said = [change.is_billable for change in self.billable if change.effective_at <= at]
        return said[-1] if said else True

    def at(self, now: datetime) -> Self:
        """The account as a reader at ``now`` sees it: what happened later has not happened yet."""
        stood = [invoice for invoice in self.voided if (invoice.voided_at or now) > now]
        rolled = self._rolled_by(now)
        lapsed = {key: lapse for key, lapse in self.lapsed.items() if lapse.at <= now}
        same = (len(rolled), len(lapsed)) == (len(self.rolled), len(self.lapsed)) and not stood
        if same and all(invoice.issued_at <= now for invoice in self.finalized):
            return self
        again = (replace(i, status=InvoiceStatus.FINALIZED, voided_at=None) for i in stood)
        return replace(
            self,
            rolled=rolled,
            lapsed=lapsed,
            finalized=tuple(i for i in (*self.finalized, *again) if i.issued_at <= now),
            voided=tuple(invoice for invoice in self.voided if invoice not in stood),
        )

    def _rolled_by(self, now: datetime) -> Mapping[str, Decimal]:
        """Rollovers to contracts that had begun by ``now`` (R121)."""
        later = {
            segment.id
            for contract in self.contracts
            if self.rolled and contract.followed_at is not None and contract.followed_at > now
            for commit in contract.commits
            for segment in commit.segments
        }
        return {key: amount for key, amount in self.rolled.items() if key not in later}


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an account owes and holds at an instant."""

    invoices: tuple[Invoice, ...]
    """Open invoices in processing order (R14), drafts; one whose ``issued_at`` has come is due."""
    commits: tuple[Commit, ...]
    """Every balance, rollover commits included (R121)."""
    balances: tuple[Balance, ...]
    """One per segment of every commit."""
    entries: tuple[LedgerEntry, ...]
    """Ledger entries that are final by now, oldest first; ids derive from their facts."""
    warnings: tuple[str, ...] = ()
    """What a person should know: usage without a rate (R70), overlapping contracts (R108)."""
