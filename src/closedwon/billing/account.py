"""What a bill is computed from, and what it is (D2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.types import Balance, LedgerEntry
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is billed; never deleted, only archived (metronome.md 1.1)."""

    id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    """Identifiers events may carry instead of ``id``; unique across customers (R6)."""
    salesforce_account_id: str | None = None
    custom_fields: Mapping[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None


class BillingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Named choices where the source is silent (metronome.md section 6)."""

    grace_hours: int = 24
    """Usage invoices finalize this long after their period ends (R130, G7)."""
    rollover_base: str = "segment"
    """``segment`` or ``commit_total``: what rollover_fraction is a fraction of (R121, G4)."""
    drawdown_dates: str = "segment"
    """``segment`` or ``commit``: whose dates order balances (R175, G21)."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One customer with everything its bill depends on, besides catalogue, usage and instant."""

    customer: Customer
    contracts: tuple[Contract, ...] = ()
    commits: tuple[Commit, ...] = ()
    """Customer-level commits and credits (R109)."""
    finalized: tuple[Invoice, ...] = ()
    """Finalized, not voided invoices: their deductions are frozen (R12)."""
    manual: tuple[LedgerEntry, ...] = ()
    """Manual ledger entries (R198)."""

    def at(self, now: datetime) -> Self:
        """The account as a reader at ``now`` sees it: what was issued later is not final yet."""
        if all(invoice.issued_at <= now for invoice in self.finalized):
            return self
        known = tuple(invoice for invoice in self.finalized if invoice.issued_at <= now)
        return replace(self, finalized=known)


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
