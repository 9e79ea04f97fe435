"""The journal entries of what a customer's bill made final (R351-R353)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice
from closedwon.finance.journal import (
    CommitBooks,
    JournalEntry,
    Movement,
    balance_entry,
    deferral,
    invoice_entry,
    moved,
)
from closedwon.kernel.errors import InvariantBroken
from closedwon.store.stores import Stores


def books_of(stores: Stores, commit_ids: Iterable[str]) -> dict[str, CommitBooks]:
    """What is booked so far for each commit."""
    ids = list(commit_ids)
    consumed = stores.ledger.consumed(ids)
    recognised = stores.journal.recognised(ids)
    received_minor = stores.journal.received(ids)
    return {
        commit: CommitBooks(
            consumed=consumed.get(commit, CommitBooks().consumed),
            recognised=recognised.get(commit, 0),
            received=received_minor.get(commit, 0),
        )
        for commit in ids
    }


def invoice_entries(invoices: Iterable[Invoice], catalog: Catalog) -> list[JournalEntry]:
    """Receivables; raises InvariantBroken for an invoice that is not in a currency."""
    found = []
    for invoice in invoices:
        currency = catalog.credit_types[invoice.credit_type_id].currency
        if currency is None:
            raise InvariantBroken("an invoice without a currency", invoice=invoice.id)
        entry = invoice_entry(invoice, currency)
        if entry is not None:
            found.append(entry)
    return found


def movement_entries(
    customer_id: str,
    new: Sequence[LedgerEntry],
    books: Mapping[str, CommitBooks],
    commits: Mapping[str, Commit],
    invoices: Mapping[str, Invoice],
    catalog: Catalog,
) -> list[JournalEntry]:
    """Deferrals, in the order of ``new``; ``books`` is what was booked before it."""
    running = dict(books)
    currencies = {kind.id: kind.currency for kind in catalog.credit_types.values()}
    found = []
    for entry in new:
        movement = Movement(
            entry=entry,
            commit=commits[entry.commit_id],
            books=running.get(entry.commit_id, CommitBooks()),
            customer_id=customer_id,
            invoice=None if entry.invoice_id is None else invoices[entry.invoice_id],
            currencies=currencies,
        )
        booked = balance_entry(movement)
        running[entry.commit_id] = moved(movement, booked)
        if booked is None:
            continue
        found.append(booked)
        if entry.new_commit_id is not None:
            before = running.get(entry.new_commit_id, CommitBooks())
            gained = -deferral(booked, entry.new_commit_id)
            running[entry.new_commit_id] = replace(before, received=before.received + gained)
    return found
