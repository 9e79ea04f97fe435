"""Ledger entries that became final, under who holds the balance, and their journal entries."""

from collections.abc import Mapping
from datetime import datetime

from closedwon.billing.account import Account, Bill
from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.family import owners
from closedwon.billing.invoices.types import Invoice
from closedwon.engine import books
from closedwon.finance.journal import JournalEntry
from closedwon.store.stores import Stores


def post(
    stores: Stores,
    account: Account,
    made: Bill,
    invoices: Mapping[str, Invoice],
    catalog: Catalog,
    now: datetime,
) -> tuple[int, list[JournalEntry]]:
    """Append the bill's entries that are new; how many, and the journal entries they call for.

    ``invoices`` holds every invoice the entries name; they must be stored already. In a hierarchy
    an entry belongs to the customer whose balance moved, whoever drew it (R302).
    """
    owner = owners(made, account) if account.members else {}
    by_customer: dict[str, list[LedgerEntry]] = {}
    for entry in made.entries:
        who = owner.get(entry.commit_id, account.customer.id)
        by_customer.setdefault(who, []).append(entry)
    before = books.books_of(stores, (commit.id for commit in made.commits))
    commits = {commit.id: commit for commit in made.commits}
    count, journal = 0, []
    for customer_id, own in by_customer.items():
        new = stores.ledger.append(customer_id, own, now)
        count += len(new)
        journal += books.movement_entries(customer_id, new, before, commits, invoices, catalog)
    return count, journal
