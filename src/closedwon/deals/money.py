"""What a change does to money: contract value, access and scheduled invoices by date."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.terms import Commit, ScheduleItem
from closedwon.deals.subscribed import Recurs
from closedwon.deals.types import MoneyEffect
from closedwon.kernel.exact import ZERO

NOTHING = Recurs()


def scheduled(terms: Added) -> Decimal:
    """Commit payments and scheduled charges, in the wire unit."""
    return sum((item.amount for item, _ in _items(terms)), ZERO)


def money_effect(
    currency: str, added: Iterable[Added], removed: Iterable[Added], recurs: Recurs = NOTHING
) -> MoneyEffect:
    """Money of ``added`` terms minus money of ``removed`` ones, in the wire unit.

    Payments that are not invoiced (R154) count in the contract value and on no date; dates whose
    amounts cancel out are left out. What recurs is told apart, by ``recurs``.
    """
    value, access = sum(recurs.billed.values(), ZERO), recurs.granted
    invoices: dict[date, Decimal] = dict(recurs.billed)
    for sign, bundles in ((1, added), (-1, removed)):
        for terms in bundles:
            access += sign * sum((one.access_total for one in terms.commits), ZERO)
            for item, is_invoiced in _items(terms):
                value += sign * item.amount
                if is_invoiced:
                    on = item.timestamp.date()
                    invoices[on] = invoices.get(on, ZERO) + sign * item.amount
    return MoneyEffect(
        currency=currency,
        contract_value=value,
        access_granted=access,
        invoices={on: amount for on, amount in sorted(invoices.items()) if amount},
    )


def _items(terms: Added) -> Iterable[tuple[ScheduleItem, bool]]:
    for commit in terms.commits:
        yield from ((item, _is_invoiced(commit)) for item in commit.payments)
    for charge in terms.charges:
        yield from ((item, True) for item in charge.items)


def _is_invoiced(commit: Commit) -> bool:
    return not commit.do_not_invoice
