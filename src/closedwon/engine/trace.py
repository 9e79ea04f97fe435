"""From an opportunity or a quote line forwards: its terms, and the lines that bill them (D10)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol, assert_never

import msgspec

from closedwon.billing.account import Account, Bill
from closedwon.billing.balances.rollover import rollover_id
from closedwon.billing.contracts.edits import Edit
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduledCharge
from closedwon.billing.invoices.types import Invoice, Line
from closedwon.engine.explain import Brought, brought
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import id18
from closedwon.store.stores import Stores


class BilledLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that bills a term, draws on it or was priced by it."""

    invoice: Invoice
    number: int
    """From 1."""
    line: Line


class TracedTerm(msgspec.Struct, frozen=True, kw_only=True):
    """A term the deal brought, and every line it had a part in, oldest invoice first."""

    kind: str
    """commit, credit, override, charge, discount, recurring or subscription."""
    id: str
    name: str
    customer_id: str
    contract_id: str | None
    """None for a balance of the customer itself."""
    source: Source
    edit: Edit | None
    lines: tuple[BilledLine, ...] = ()


class Bills(Protocol):
    """What ``Engine`` knows of a customer."""

    def account(self, customer_id: str, now: datetime) -> Account:
        """All a bill depends on."""
        ...

    def bill(self, customer_id: str, now: datetime) -> Bill:
        """Drafts included."""
        ...


def trace(stores: Stores, bills: Bills, origin: str, now: datetime) -> tuple[TracedTerm, ...]:
    """Terms whose source is ``origin``, an opportunity, quote or quote line, in order of id.

    A Salesforce id may come with 15 characters or 18. Empty when nothing in billing came from it;
    bills of its customers are made anew.
    """
    origin = _whole(origin)
    found: list[TracedTerm] = []
    for customer_id in stores.contracts.customers_mentioning(origin):
        account = bills.account(customer_id, now)
        own = tuple(one for one in account.contracts if one.customer_id == customer_id)
        terms = [
            *(term for one in own for term in _of_contract(stores, one, origin)),
            *_of_customer(account, origin),
        ]
        if not terms:
            continue
        bill = bills.bill(customer_id, now)
        lines = _lines((*account.finalized, *bill.invoices), _parents(own))
        found += [msgspec.structs.replace(one, lines=tuple(lines.get(one.id, ()))) for one in terms]
    return tuple(sorted(found, key=lambda one: (one.customer_id, one.contract_id or "", one.id)))


def comes_from(source: Source | None, origin: str) -> bool:
    """Whether a source is this opportunity, this quote, or has this line."""
    if source is None:
        return False
    return origin in (source.opportunity_id, source.quote_id, *source.line_ids)


def _whole(origin: str) -> str:
    """A Salesforce id as terms keep it; any other as it is."""
    try:
        return id18(origin)
    except Refused:
        return origin


def _of_contract(stores: Stores, contract: Contract, origin: str) -> Iterator[TracedTerm]:
    terms: dict[str, TracedTerm] = {}
    for edit in stores.contracts.edits(contract.id):
        for term in brought(edit):
            source = term.source or edit.source
            if source is None or not comes_from(source, origin):
                continue
            kind = _kind(term)
            name = kind if isinstance(term, Override) else term.name or kind
            terms.setdefault(
                term.id,
                TracedTerm(
                    kind=kind,
                    id=term.id,
                    name=name,
                    customer_id=contract.customer_id,
                    contract_id=contract.id,
                    source=source,
                    edit=edit,
                ),
            )
    yield from terms.values()


def _kind(term: Brought) -> str:
    match term:
        case Commit():
            return "credit" if term.kind is CommitKind.CREDIT else "commit"
        case Override():
            return "override"
        case ScheduledCharge():
            return "charge"
        case Discount():
            return "discount"
        case RecurringCommit():
            return "recurring"
        case Subscription():
            return "subscription"
        case _:
            assert_never(term)


def _of_customer(account: Account, origin: str) -> Iterator[TracedTerm]:
    for commit in account.commits:
        if commit.source is not None and comes_from(commit.source, origin):
            yield TracedTerm(
                kind=_kind(commit),
                id=commit.id,
                name=commit.name or "commit",
                customer_id=account.customer.id,
                contract_id=None,
                source=commit.source,
                edit=None,
            )


def _parents(contracts: Iterable[Contract]) -> Mapping[str, str]:
    """Term that was sold, by the id of what it became: a recurring child, a rollover (R121)."""
    known = {one.id: one for one in contracts}
    found: dict[str, str] = {}
    for contract in known.values():
        for commit in contract.commits:
            if commit.recurring_id is not None:
                found[commit.id] = commit.recurring_id
        old = known.get(contract.transition.from_contract_id) if contract.transition else None
        for commit in old.commits if old is not None else ():
            found[rollover_id(contract.id, commit.id)] = commit.id
    return found


def _lines(
    invoices: Iterable[Invoice], parents: Mapping[str, str]
) -> Mapping[str, list[BilledLine]]:
    """Lines by the id of each term they name."""
    found: dict[str, list[BilledLine]] = {}
    for invoice in sorted(invoices, key=lambda one: (one.issued_at, one.id)):
        for number, line in enumerate(invoice.lines, start=1):
            for term_id in dict.fromkeys(_sold(line, parents)):
                billed = BilledLine(invoice=invoice, number=number, line=line)
                found.setdefault(term_id, []).append(billed)
    return found


def _sold(line: Line, parents: Mapping[str, str]) -> Iterator[str]:
    named = (
        line.commit_id,
        line.charge_id,
        line.subscription_id,
        line.discount_id,
        line.why.override_id,
    )
    for term_id in named:
        while term_id is not None:
            yield term_id
            term_id = parents.get(term_id)  # noqa: PLW2901 walks up to what was sold
