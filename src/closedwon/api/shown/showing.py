"""What reads of contracts and balances show beside the terms: balances, ledgers, who made them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from closedwon.api.call import Call
from closedwon.billing.account import Account, Bill
from closedwon.billing.balances.ledger import in_order
from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.customer_terms import AddCommit, CustomerEdit
from closedwon.billing.contracts.edits import Edit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.kernel.errors import NotFound
from closedwon.kernel.exact import ZERO
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.revenue_systems import RevenueSystem

ENTITIES = ("commit", "contract_credit", "scheduled_charge", "subscription")


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A customer's contracts at an instant, with all that is shown of them."""

    catalog: Catalog
    now: datetime
    customer_id: str
    account: Account
    """Generators' children are among the commits; a family's contracts are here too."""
    contracts: tuple[Contract, ...]
    """The customer's own, rollover commits included (R121)."""
    edits: Mapping[str, Edit]
    own: Mapping[str, CustomerEdit]
    """Who gave the customer a balance of its own, by commit id."""
    fields: Mapping[str, Mapping[str, str]]
    """Current custom fields by term id."""
    invoices: Mapping[str, str]
    """Final invoices by the point of a schedule they bill."""
    providers: Mapping[str, ProviderConfiguration]
    revenue_systems: Mapping[str, RevenueSystem]
    balances: Mapping[str, Decimal] | None
    """What is left by commit id; None when nobody asked (R181, R195)."""
    ledgers: Mapping[str, tuple[LedgerEntry, ...]] | None
    """Entries by commit id, oldest first; None when nobody asked."""

    def contract(self, contract_id: str) -> Contract:
        """One of the customer's contracts; raises NotFound."""
        for found in self.contracts:
            if found.id == contract_id:
                return found
        raise NotFound("the customer has no such contract", contract=contract_id)

    def product(self, product_id: str) -> dict[str, Any]:
        """``{id, name}``."""
        return {"id": product_id, "name": self.catalog.products[product_id].name}


def own_contract(call: Call, customer_id: str, contract_id: str) -> Contract:
    """A contract of this customer as it stands; raises NotFound for another one's."""
    call.engine.customer(customer_id)
    contract = call.engine.contract(contract_id)
    if contract.customer_id != customer_id:
        raise NotFound("the customer has no such contract", contract=contract_id)
    return contract


def showing(
    call: Call,
    customer_id: str,
    *,
    as_of: datetime | None = None,
    balance: bool = False,
    ledgers: bool = False,
) -> Showing:
    """All that is shown of a customer; a bill is made only when balances are asked for.

    Or when a contract follows another: what rolls over follows from the bill (R121).
    """
    engine = call.engine
    account = engine.account(customer_id, call.now, as_of)
    own = tuple(one for one in account.contracts if one.customer_id == customer_id)
    bill = None
    if balance or ledgers or any(one.transition is not None for one in own):
        bill = engine.bill(customer_id, call.now, as_of)
        own = tuple(_with_rollovers(one, bill) for one in own)
    commits = [*account.commits, *(commit for one in own for commit in one.commits)]
    edits = (edit for one in own for edit in engine.edits(one.id))
    return Showing(
        catalog=engine.catalog(),
        now=call.now,
        customer_id=customer_id,
        account=account,
        contracts=own,
        edits={edit.id: edit for edit in edits if as_of is None or edit.at <= as_of},
        own=_own(call, customer_id),
        fields=_fields(call, own, commits),
        invoices={
            payment: invoice.id for invoice in account.finalized for payment in invoice.payment_ids
        },
        providers={one.id: one for one in engine.stores.providers.of_customer(customer_id)},
        revenue_systems={
            one.id: one for one in engine.stores.revenue_systems.of_customer(customer_id)
        },
        balances=_balances(bill) if balance and bill is not None else None,
        ledgers=_ledgers(call, commits, bill) if ledgers and bill is not None else None,
    )


def _with_rollovers(contract: Contract, bill: Bill) -> Contract:
    known = {commit.id for commit in contract.commits}
    here = {one.commit_id for one in bill.balances if one.contract_id == contract.id}
    rolled = tuple(
        commit
        for commit in bill.commits
        if commit.rolled_over_from is not None and commit.id in here - known
    )
    return replace(contract, commits=contract.commits + rolled)


def _own(call: Call, customer_id: str) -> dict[str, CustomerEdit]:
    found = call.engine.stores.customer_terms.edits([customer_id]).get(customer_id, ())
    return {edit.commit_id: edit for edit in found if isinstance(edit.change, AddCommit)}


def _balances(bill: Bill) -> dict[str, Decimal]:
    """Sums of the segments that run now; a segment that went negative counts as zero (R195)."""
    found = dict.fromkeys((commit.id for commit in bill.commits), ZERO)
    for one in bill.balances:
        if one.is_active:
            found[one.commit_id] += max(one.remaining, ZERO)
    return found


def _ledgers(
    call: Call, commits: Iterable[Commit], bill: Bill
) -> dict[str, tuple[LedgerEntry, ...]]:
    """What is posted, and what is final by now and not posted yet."""
    found = {commit.id: {e.id: e for e in call.engine.ledger(commit.id)} for commit in commits}
    for entry in bill.entries:
        if entry.commit_id in found:
            found[entry.commit_id].setdefault(entry.id, entry)
    return {
        commit_id: tuple(sorted(entries.values(), key=in_order))
        for commit_id, entries in found.items()
    }


def _fields(
    call: Call, contracts: Iterable[Contract], commits: Iterable[Commit]
) -> dict[str, dict[str, str]]:
    ids = [commit.id for commit in commits]
    for contract in contracts:
        ids += [charge.id for charge in contract.charges]
        ids += [sold.id for sold in contract.subscriptions]
    store = call.engine.stores.custom_fields
    found: dict[str, dict[str, str]] = {}
    for entity in ENTITIES:
        found |= store.of(entity, ids)
    return found
