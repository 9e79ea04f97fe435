"""Usage that is not invoiced yet, of all customers at once: what finance accrues at a close.

Plain contracts are priced as columns, the others one by one; both mean the same (D2).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.account import Account, Bill, BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.columns.cohort import Sheet
from closedwon.billing.columns.drafts import Drafts, Measure, drafts
from closedwon.billing.columns.roster import Roster
from closedwon.billing.columns.whole import decimal
from closedwon.billing.invoices.types import Invoice, InvoiceType, LineType
from closedwon.engine.types import Bills
from closedwon.kernel.exact import ZERO

TOGETHER = 5_000
"""Customers read and priced at once; bounds the memory, not the result (G24)."""


class Unbilled(msgspec.Struct, frozen=True, kw_only=True):
    """One open usage invoice, as far as it has come; amounts in the wire unit."""

    customer_id: str
    contract_id: str
    start: datetime
    end: datetime | None
    credit_type_id: str
    usage: Decimal
    """What usage, subscriptions and all else on it cost."""
    covered: Decimal
    """What prepaid commits and credits paid of it (R133)."""

    @property
    def total(self) -> Decimal:
        """What will be invoiced."""
        return self.usage - self.covered


class UnbilledFound(msgspec.Struct, frozen=True, kw_only=True):
    """Every open usage invoice, by customer in the order asked for, then by start."""

    rows: tuple[Unbilled, ...]
    failures: Mapping[str, str]
    """Why there is nothing for these customers."""
    as_columns: int
    """Customers that were priced as columns."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What accounts, usage and ordinary bills come from."""

    accounts: Callable[[Sequence[str]], Mapping[str, Account]]
    measure: Measure
    bills: Callable[[Sequence[str]], Bills]


def unbilled(
    customer_ids: Sequence[str],
    catalog: Catalog,
    settings: BillingSettings,
    now: datetime,
    sources: Sources,
) -> UnbilledFound:
    """What is open at ``now``; nothing is stored."""
    rows: dict[str, list[Unbilled]] = {}
    failures: dict[str, str] = {}
    as_columns = 0
    for first in range(0, len(customer_ids), TOGETHER):
        found = sources.accounts(customer_ids[first : first + TOGETHER])
        made = drafts(found.values(), catalog, settings, now, sources.measure)
        ordinary = sources.bills([account.customer.id for account in made.others])
        failures |= ordinary.failures
        as_columns += len(found) - len(made.others)
        for row in (*_of_columns(made), *_of_bills(ordinary.bills)):
            rows.setdefault(row.customer_id, []).append(row)
    ordered = (
        row
        for customer_id in customer_ids
        for row in sorted(rows.get(customer_id, ()), key=lambda row: (row.start, row.contract_id))
    )
    return UnbilledFound(rows=tuple(ordered), failures=failures, as_columns=as_columns)


def _of_columns(made: Drafts) -> Iterator[Unbilled]:
    for sheet in made.sheets:
        yield from _of_sheet(made.roster, sheet)


def _of_sheet(roster: Roster, sheet: Sheet) -> Iterator[Unbilled]:
    window = sheet.layout.window
    usage, payable = sheet.usage.tolist(), sheet.payable.tolist()
    for at, number in enumerate(sheet.rows.tolist()):
        row = roster.rows[number]
        yield Unbilled(
            customer_id=row.account.customer.id,
            contract_id=row.contract.id,
            start=window.start,
            end=window.end,
            credit_type_id=sheet.layout.fiat,
            usage=decimal(usage[at], sheet.places),
            covered=decimal(usage[at] - payable[at], sheet.places),
        )


def _of_bills(bills: Mapping[str, Bill]) -> Iterator[Unbilled]:
    for bill in bills.values():
        for invoice in bill.invoices:
            if invoice.type is InvoiceType.USAGE and invoice.start is not None:
                yield _of_invoice(invoice, invoice.start)


def _of_invoice(invoice: Invoice, start: datetime) -> Unbilled:
    applied = (line for line in invoice.lines if line.type is LineType.APPLIED)
    covered = -sum((line.payable for line in applied), ZERO)
    return Unbilled(
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        start=start,
        end=invoice.end,
        credit_type_id=invoice.credit_type_id,
        usage=invoice.total + covered,
        covered=covered,
    )
