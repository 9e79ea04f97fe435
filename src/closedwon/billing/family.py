"""Hierarchies: customers whose contracts share balances are billed together (R301-R305).

A family's account holds the contracts, balances and invoices of all its customers, so that shared
balances burn in one processing order (R14, R302); each reads its own part of the bill.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill
from closedwon.billing.contracts.hierarchy import StatementBehavior
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, Origin
from closedwon.kernel.ids import derive


def joined(members: Sequence[Account], customer_id: str) -> Account:
    """One account of all ``members``, seen from ``customer_id``; alone, it is itself.

    A customer-level balance keeps to its own customer's contracts (R109).
    """
    (own,) = (one for one in members if one.customer.id == customer_id)
    if len(members) == 1:
        return own
    return replace(
        own,
        contracts=_by_age(contract for one in members for contract in one.contracts),
        commits=tuple(
            commit
            if commit.contract_ids
            else replace(commit, contract_ids=tuple(contract.id for contract in one.contracts))
            for one in members
            for commit in one.commits
        ),
        finalized=_by_date(invoice for one in members for invoice in one.finalized),
        voided=_by_date(invoice for one in members for invoice in one.voided),
        manual=tuple(entry for one in members for entry in one.manual),
        rolled=_merged(one.rolled for one in members),
        lapsed={at: lapse for one in members for at, lapse in one.lapsed.items()},
        issue_dates={at: when for one in members for at, when in one.issue_dates.items()},
        reopened={at: n for one in members for at, n in one.reopened.items()},
        members=tuple(members),
    )


def part(bill: Bill, account: Account) -> Bill:
    """The bill of the account's own customer: its invoices, its balances, its entries.

    What a parent shares stays the parent's: it is absent from the child's balances (R305).
    """
    if not account.members:
        return bill
    owner = owners(bill, account)
    customer_id = account.customer.id
    mine = frozenset(commit_id for commit_id, who in owner.items() if who == customer_id)
    return replace(
        bill,
        invoices=tuple(one for one in bill.invoices if one.customer_id == customer_id),
        commits=tuple(one for one in bill.commits if one.id in mine),
        balances=tuple(one for one in bill.balances if one.commit_id in mine),
        entries=tuple(one for one in bill.entries if one.commit_id in mine),
    )


def owners(bill: Bill, account: Account) -> Mapping[str, str]:
    """Customer id by commit id: who holds the balance, whoever draws it."""
    customers = {contract.id: contract.customer_id for contract in account.contracts}
    found = {c.id: one.customer.id for one in account.members for c in one.commits}
    found |= {c.id: owner.customer_id for owner in account.contracts for c in owner.commits}
    for balance in bill.balances:
        if balance.contract_id is not None:
            found[balance.commit_id] = customers[balance.contract_id]
    return found


def consolidated_invoices(
    contracts: Iterable[Contract], invoices: Iterable[Invoice]
) -> Iterator[Invoice]:
    """USAGE_CONSOLIDATED invoices of parents that concatenate (R304).

    Each copies the lines of the parent's usage invoice and of its consolidating children's whose
    period lies inside the parent's and which are issued on the same day. They show what the
    constituents bill and bill nothing themselves.
    """
    listed = list(contracts)
    usage = [one for one in invoices if one.type is InvoiceType.USAGE]
    for parent in listed:
        place = parent.settings.hierarchy
        if place is None or not place.concatenates:
            continue
        children = {one.id for one in listed if _consolidates(one, parent.id)}
        for own in usage:
            joining = [one for one in usage if one.contract_id in children and _fits(one, own)]
            if own.contract_id == parent.id and joining:
                yield _concatenated(own, joining)


def _consolidates(contract: Contract, parent_id: str) -> bool:
    place = contract.settings.hierarchy
    return (
        place is not None
        and place.parent_contract_id == parent_id
        and place.statement is StatementBehavior.CONSOLIDATE
    )


def _fits(child: Invoice, parent: Invoice) -> bool:
    """Ex: Dec 28 to Jan 28 against January does not (R304)."""
    if None in (child.start, child.end, parent.start, parent.end):
        return False
    inside = parent.start <= child.start and child.end <= parent.end  # type: ignore[operator]
    same_day = child.issued_at.date() == parent.issued_at.date()
    return inside and same_day and child.credit_type_id == parent.credit_type_id


def _concatenated(own: Invoice, joining: Sequence[Invoice]) -> Invoice:
    lines: list[Line] = []
    for invoice in (own, *joining):
        lines += [
            replace(
                line,
                origin=Origin(
                    customer_id=invoice.customer_id,
                    contract_id=invoice.contract_id,
                    invoice_id=invoice.id,
                    line_number=number,
                ),
            )
            for number, line in enumerate(invoice.lines, start=1)
        ]
    return replace(
        own,
        id=derive("invoice", "consolidated", own.id),
        type=InvoiceType.USAGE_CONSOLIDATED,
        lines=tuple(lines),
        total=sum((one.total for one in joining), own.total),
        constituents=(own.id, *(one.id for one in joining)),
    )


def _by_age(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    return tuple(sorted(contracts, key=lambda one: (one.created_at, one.id)))


def _by_date(invoices: Iterable[Invoice]) -> tuple[Invoice, ...]:
    return tuple(sorted(invoices, key=lambda one: (one.issued_at, one.id)))


def _merged(maps: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    return {key: value for one in maps for key, value in one.items()}
