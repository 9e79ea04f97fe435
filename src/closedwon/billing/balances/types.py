"""Movements of a balance (metronome.md 2.9, R193-R198)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class EntryType(StrEnum):
    """Kind of a ledger entry; the wire name adds the commit kind in front (PREPAID_COMMIT_)."""

    SEGMENT_START = "SEGMENT_START"
    AUTOMATED_INVOICE_DEDUCTION = "AUTOMATED_INVOICE_DEDUCTION"
    ROLLOVER = "ROLLOVER"
    EXPIRATION = "EXPIRATION"
    CANCELED = "CANCELED"
    CREDITED = "CREDITED"
    MANUAL = "MANUAL"
    SEAT_BASED_ADJUSTMENT = "SEAT_BASED_ADJUSTMENT"
    INITIAL_BALANCE = "INITIAL_BALANCE"
    TRUEUP = "TRUEUP"


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One signed movement of one segment in the wire unit; their sum is the balance (R195)."""

    id: str
    commit_id: str
    segment_id: str
    type: EntryType
    timestamp: datetime
    amount: Decimal
    invoice_id: str | None = None
    contract_id: str | None = None
    """Of the invoice, or the new contract of a rollover."""
    new_commit_id: str | None = None
    reason: str = ""
    per_seat: Mapping[str, Decimal] = {}
    """Manual entries on INDIVIDUAL credits: each seat's part; sums to ``amount`` (R198)."""


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a commit or credit stands at an instant; amounts in the wire unit."""

    commit_id: str
    segment_id: str
    contract_id: str | None = None
    """Contract it belongs to; None for a customer-level balance (R109)."""
    granted: Decimal
    used: Decimal
    """By finalized and draft invoices (R181)."""
    used_final: Decimal
    expired: Decimal
    rolled: Decimal
    trued_up: Decimal
    """Postpaid shortfall that was invoiced (R187)."""
    adjusted: Decimal
    """Manual entries."""
    remaining: Decimal
    """granted - used - expired - rolled - trued_up + adjusted."""
    is_settled: bool
    """Whether it has ended and no open invoice can touch it: expired and rolled are final."""
    seats: Mapping[str, Decimal] = {}
    """INDIVIDUAL allocation: what each seat has left; sums to ``remaining`` (R230)."""
    is_active: bool
    """Whether the instant lies in the segment's window; others contribute 0 (R195)."""
