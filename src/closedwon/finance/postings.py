"""Journal entries and their postings; every entry balances or does not exist (G8)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive


class LedgerAccount(StrEnum):
    """Accounts of the general ledger we post to."""

    RECEIVABLE = "receivable"
    BILLED_ELSEWHERE = "billed_elsewhere"
    DEFERRED = "deferred_revenue"
    """Credit balance: paid, not used yet. A debit balance is used before it was billed."""
    REVENUE = "revenue"
    BREAKAGE = "breakage"
    PROMOTION = "promotion"
    """Contra revenue: usage paid by free credits."""
    ADJUSTMENT = "adjustment"
    ROUNDING = "rounding"
    """Fractions of a minor unit that no revenue line of an invoice can carry."""


class JournalKind(StrEnum):
    """What an entry records."""

    INVOICE = "invoice"
    PURCHASE = "purchase"
    DRAWDOWN = "drawdown"
    EXPIRATION = "expiration"
    ROLLOVER = "rollover"
    ADJUSTMENT = "adjustment"


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an entry: ``minor`` units of ``currency``, debit positive, credit negative."""

    entry_id: str
    number: int
    kind: JournalKind
    account: LedgerAccount
    minor: int
    currency: str
    booked_on: date
    customer_id: str
    contract_id: str | None = None
    invoice_id: str | None = None
    commit_id: str | None = None
    product_id: str | None = None


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Postings that belong together and sum to zero (G8)."""

    id: str
    kind: JournalKind
    booked_on: date
    customer_id: str
    contract_id: str | None = None
    invoice_id: str | None = None
    ledger_entry_id: str | None = None
    commit_id: str | None = None
    """The commit that moved; on a rollover the old one."""
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for posting in self.postings:
            sums[posting.currency] = sums.get(posting.currency, 0) + posting.minor
        if not self.postings or any(sums.values()):
            raise InvariantBroken("a journal entry does not balance", entry=self.id)

    def reversed_on(self, day: date) -> Self:
        """The entry that takes this one back, booked when that happens: closed days stay."""
        reversal_id = derive("journal", "reversal", self.id)
        return replace(
            self.booked_again(day),
            id=reversal_id,
            postings=tuple(
                replace(posting, entry_id=reversal_id, minor=-posting.minor, booked_on=day)
                for posting in self.postings
            ),
        )

    def booked_again(self, day: date) -> Self:
        """The same entry, booked on ``day``: what is made anew belongs to the day it is made."""
        postings = tuple(replace(posting, booked_on=day) for posting in self.postings)
        return replace(self, booked_on=day, postings=postings)


class CommitBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked for one commit before the movement at hand."""

    consumed: Decimal = ZERO
    """Left the commit so far, in its wire unit: used, expired, rolled, removed."""
    recognised: int = 0
    """Debited to its deferral by movements, minor units."""
    received: int = 0
    """Credited to its deferral by rollovers into it, minor units."""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger entry with what its booking depends on."""

    entry: LedgerEntry
    commit: Commit
    books: CommitBooks
    customer_id: str
    invoice: Invoice | None = None
    """The invoice of a deduction."""
    currencies: Mapping[str, str | None]
    """ISO code by credit type id; None for a custom pricing unit."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A posting before it has its place in an entry."""

    account: LedgerAccount
    minor: int
    commit_id: str | None = None
    product_id: str | None = None


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an entry, which every posting repeats."""

    id: str
    kind: JournalKind
    booked_on: date
    currency: str
    customer_id: str
    contract_id: str | None
    invoice_id: str | None
    ledger_entry_id: str | None = None
    commit_id: str | None = None

    def entry(self, sides: Iterable[Side]) -> JournalEntry | None:
        """The entry with every side that is not zero; None when none is left."""
        postings = tuple(
            Posting(
                entry_id=self.id,
                number=number,
                kind=self.kind,
                account=side.account,
                minor=side.minor,
                currency=self.currency,
                booked_on=self.booked_on,
                customer_id=self.customer_id,
                contract_id=self.contract_id,
                invoice_id=self.invoice_id,
                commit_id=side.commit_id,
                product_id=side.product_id,
            )
            for number, side in enumerate((s for s in sides if s.minor), start=1)
        )
        if not postings:
            return None
        return JournalEntry(
            id=self.id,
            kind=self.kind,
            booked_on=self.booked_on,
            customer_id=self.customer_id,
            contract_id=self.contract_id,
            invoice_id=self.invoice_id,
            ledger_entry_id=self.ledger_entry_id,
            commit_id=self.commit_id,
            postings=postings,
        )
