"""Reading accounts: a customer with all its bill depends on, one or many at a time (D2)."""

from collections.abc import Iterable

from msgspec.structs import replace

from closedwon.billing.account import Account
from closedwon.billing.contracts.customer_terms import commits_of
from closedwon.billing.contracts.state import Contract
from closedwon.billing.family import joined
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.engine import customers
from closedwon.kernel.errors import NotFound
from closedwon.kernel.ids import digest
from closedwon.store.rows import encoded
from closedwon.store.stores import Stores


def account(stores: Stores, customer_id: str) -> Account:
    """One account; raises NotFound."""
    found = accounts(stores, [customer_id])
    if customer_id not in found:
        raise NotFound("no such customer", customer=customer_id)
    return found[customer_id]


def accounts(stores: Stores, customer_ids: Iterable[str]) -> dict[str, Account]:
    """Accounts by customer id, in the order asked for; a handful of queries for all of them.

    Who is in a hierarchy comes with its whole family (R301).
    """
    ids = list(customer_ids)
    families = stores.families.of(ids)
    everyone = dict.fromkeys([*ids, *(one for family in families.values() for one in family)])
    found = _alone(stores, everyone)
    return {
        customer_id: joined([found[one] for one in families[customer_id]], customer_id)
        if customer_id in families
        else found[customer_id]
        for customer_id in ids
        if customer_id in found
    }


def _alone(stores: Stores, customer_ids: Iterable[str]) -> dict[str, Account]:
    """Each customer's own account."""
    ids = list(customer_ids)
    people = customers.many(stores, ids)
    contracts = stores.contracts.of_customers(ids)
    invoices = stores.invoices.of_customers(ids)
    void = stores.invoices.of_customers(ids, InvoiceStatus.VOID)
    rolled, reopened = stores.ledger.rolled(ids), stores.ledger.reopened(ids)
    lapsed = stores.ledger.lapsed(ids)
    dates, billable = stores.marks.issue_dates(ids), stores.marks.billable(ids)
    manual = stores.ledger.manual(ids)
    own = stores.customer_terms.edits(ids)
    return {
        customer_id: Account(
            customer=people[customer_id],
            contracts=with_fields(stores, contracts.get(customer_id, ())),
            commits=commits_of(own.get(customer_id, ())),
            finalized=tuple(invoices.get(customer_id, ())),
            voided=tuple(void.get(customer_id, ())),
            issue_dates=dates.get(customer_id, {}),
            billable=billable.get(customer_id, ()),
            rolled=rolled.get(customer_id, {}),
            lapsed=lapsed.get(customer_id, {}),
            reopened=reopened.get(customer_id, {}),
            manual=tuple(manual.get(customer_id, ())),
        )
        for customer_id in ids
        if customer_id in people
    }


def contract(stores: Stores, contract_id: str) -> Contract:
    """Current state of a contract with its current custom fields; raises NotFound."""
    found = stores.contracts.get(contract_id)
    if found is None:
        raise NotFound("no such contract", contract=contract_id)
    return with_fields(stores, [found])[0]


def with_fields(stores: Stores, contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Contracts as they are, with the custom fields they have now (R365)."""
    listed = list(contracts)
    fields = stores.custom_fields.of("contract", (found.id for found in listed))
    return tuple(replace(found, custom_fields=fields.get(found.id, {})) for found in listed)


def versions(stores: Stores, customer_ids: Iterable[str]) -> dict[str, str]:
    """Digests of what accounts' bills depend on besides usage; one changes when any of it does."""
    ids = list(customer_ids)
    families = stores.families.of(ids)
    everyone = dict.fromkeys([*ids, *(one for family in families.values() for one in family)])
    found = _versions(stores, everyone)
    return {
        one: digest("".join(found[who] for who in families.get(one, (one,))).encode())
        for one in ids
        if one in found
    }


def _versions(stores: Stores, customer_ids: Iterable[str]) -> dict[str, str]:
    ids = list(customer_ids)
    catalogue = stores.catalogue.revision()
    people = customers.many(stores, ids)
    contracts = stores.contracts.digests(ids)
    manual = stores.ledger.manual(ids)
    counts = stores.invoices.counts(ids)
    dates, billable = stores.marks.issue_dates(ids), stores.marks.billable(ids)
    own = stores.customer_terms.edits(ids)
    found = {}
    for customer_id, customer in people.items():
        parts = [
            catalogue,
            encoded(customer),
            counts.get(customer_id, ""),
            encoded(dates.get(customer_id)),
            encoded(billable.get(customer_id)),
            *contracts.get(customer_id, ()),
            *(encoded(edit) for edit in own.get(customer_id, ())),
            *(encoded(entry) for entry in manual.get(customer_id, ())),
        ]
        found[customer_id] = digest("\n".join(parts).encode())
    return found
