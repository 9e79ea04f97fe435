"""Archiving a customer with all it has (R125)."""

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Archive
from closedwon.engine import contracts, customer_terms, customers
from closedwon.engine.command import Author, command
from closedwon.engine.contracts import EditNote
from closedwon.store.stores import Stores


def archive_customer(stores: Stores, catalog: Catalog, customer_id: str, author: Author) -> None:
    """Archive the customer, its contracts and balances, for good; again changes nothing.

    Open invoices are gone, finalized ones stay, what balances hold expires. Its aliases stay taken
    and its name and account stay known (R6, R11).
    """
    what = ("customer", customer_id)
    with command(stores, "archive", what, by=author.by, now=author.now) as running:
        if customers.get(stores, customer_id).archived_at is not None:
            return
        note = EditNote(by=author.by, now=author.now)
        for contract in stores.contracts.of_customers([customer_id]).get(customer_id, ()):
            if contract.archived_at is None:
                contracts.edit(stores, catalog, contract.id, Archive(void_invoices=False), note)
        customer_terms.archive_all(stores, customer_id, author)
        stores.customers.archive(customer_id, author.now)
        running.changed = True
