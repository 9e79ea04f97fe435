"""Reconcile: CRM = billing, every difference classed, and invoiced against agreed (G2)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.deals.subscribed import bill_by_deal
from closedwon.finance.figures.picture import Picture
from closedwon.finance.reconcile import CrmValue, DifferenceClass, Reconciliation, reconcile
from closedwon.kernel.exact import ZERO, major
from closedwon.reports.agreed import agreed
from closedwon.reports.table import Cell, Column, Kind, Report, Table

SIDES = (
    Column("currency"),
    Column("CRM", Kind.MONEY),
    Column("billing", Kind.MONEY),
    Column("difference", Kind.MONEY),
    Column("explained", Kind.MONEY),
    Column("unexplained", Kind.MONEY),
    Column("deals that match", Kind.NUMBER),
)
CLASSES = (
    Column("currency"),
    Column("class"),
    Column("deals", Kind.NUMBER),
    Column("amount", Kind.MONEY),
)
DIFFERENCES = (
    Column("opportunity"),
    Column("name"),
    Column("class"),
    Column("currency"),
    Column("amount", Kind.MONEY),
    Column("reason"),
)
BRIDGE = (
    Column("customer"),
    Column("currency"),
    Column("agreed", Kind.MONEY),
    Column("invoiced", Kind.MONEY),
    Column("to be invoiced", Kind.MONEY),
    Column("unexplained", Kind.MONEY),
)


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer agreed to pay, and where it is; in the wire unit of ``currency``."""

    customer_id: str
    name: str
    currency: str
    agreed: Decimal
    """All that is scheduled, and fees of subscriptions to the end of the running usage period."""
    invoiced: Decimal
    waiting: Decimal
    """To be invoiced."""

    @property
    def unexplained(self) -> Decimal:
        """Zero, or an error of ours."""
        return self.agreed - self.invoiced - self.waiting


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """CRM = billing by currency, and agreed = invoiced + to be invoiced by customer."""

    sides: tuple[Reconciliation, ...]
    bridge: tuple[Bridge, ...]

    @property
    def is_broken(self) -> bool:
        """Whether anything is unexplained: an error of ours."""
        unexplained = (
            *(one.unexplained for one in self.sides),
            *(one.unexplained for one in self.bridge),
        )
        return any(unexplained)


def compared(pictures: Iterable[Picture], deals: Iterable[CrmValue]) -> Compared:
    """Both comparisons; a classed difference is a person's work."""
    listed = list(pictures)
    return Compared(
        sides=tuple(reconcile(deals, _billed(listed))),
        bridge=tuple(row for picture in listed for row in _bridge(picture)),
    )


def report(pictures: Iterable[Picture], deals: Iterable[CrmValue], now: datetime) -> Report:
    """Three comparisons: by currency, by class, and what terms owe against invoices.

    An "unexplained" that is not zero is an error of ours; a classed difference is a person's work.
    """
    found = compared(pictures, deals)
    sides, broken = found.sides, found.is_broken
    bridge = tuple(_crossed(row) for row in found.bridge)
    return Report(
        title="Reconciliation of CRM and billing",
        as_of=now,
        tables=(
            Table(name="CRM = billing", columns=SIDES, rows=tuple(map(_side, sides))),
            Table(
                name="Differences by class",
                columns=CLASSES,
                rows=tuple(row for side in sides for row in _classes(side)),
            ),
            Table(
                name="Differences by deal",
                columns=DIFFERENCES,
                rows=tuple(row for side in sides for row in _differences(side)),
            ),
            Table(name="Agreed = invoiced + to be invoiced", columns=BRIDGE, rows=bridge),
        ),
        notes=("Unexplained amounts found: stop and report.",) if broken else (),
        has_exceptions=broken or any(side.differences for side in sides),
    )


def _billed(pictures: Iterable[Picture]) -> Iterator[tuple[str, str, Decimal]]:
    """What each deal brought: payments of its commits, scheduled charges and what recurs."""
    for picture in pictures:
        for commit in picture.bought:
            currency = picture.currency(commit.payment_credit_type_id) or ""
            if commit.source is not None and commit.archived_at is None:
                yield commit.source.opportunity_id, currency, commit.cost_total
        for contract in picture.account.contracts:
            for charge in contract.charges:
                currency = picture.currency(charge.credit_type_id) or ""
                if charge.source is not None and charge.archived_at is None:
                    total = sum((x.amount for x in charge.items), ZERO)
                    yield charge.source.opportunity_id, currency, total
            card = picture.catalog.rate_cards.get(contract.rate_card_id or "")
            fiat = "" if card is None else picture.currency(card.fiat_credit_type_id) or ""
            for opportunity_id, total in bill_by_deal(contract, picture.catalog):
                yield opportunity_id, fiat, total


def _side(side: Reconciliation) -> tuple[Cell, ...]:
    amounts = (
        side.crm_total,
        side.billing_total,
        side.crm_total - side.billing_total,
        side.explained,
        side.unexplained,
    )
    return (side.currency, *(major(amount, side.currency) for amount in amounts), side.matched)


def _classes(side: Reconciliation) -> Iterator[tuple[Cell, ...]]:
    for kind in DifferenceClass:
        amounts = [d.amount for d in side.differences if d.kind is kind]
        if amounts:
            total = major(sum(amounts, ZERO), side.currency)
            yield (side.currency, kind.value, len(amounts), total)


def _differences(side: Reconciliation) -> Iterator[tuple[Cell, ...]]:
    for difference in sorted(side.differences, key=lambda d: (-abs(d.amount), d.opportunity_id)):
        yield (
            difference.opportunity_id,
            difference.name,
            difference.kind.value,
            difference.currency,
            major(difference.amount, difference.currency),
            difference.reason,
        )


def _crossed(row: Bridge) -> tuple[Cell, ...]:
    amounts = (row.agreed, row.invoiced, row.waiting, row.unexplained)
    return (row.name, row.currency, *(major(amount, row.currency) for amount in amounts))


def _bridge(picture: Picture) -> Iterator[Bridge]:
    """What the terms owe against the lines that bill it.

    What a void invoice billed is to be invoiced: it waits for its regeneration (R283).
    """
    for unit, total in sorted(agreed(picture).items()):
        invoiced = _owed(picture.account.finalized, unit)
        waiting = _owed((*picture.bill.invoices, *picture.account.withheld), unit)
        yield Bridge(
            customer_id=picture.account.customer.id,
            name=picture.account.customer.name,
            currency=picture.currency(unit) or "",
            agreed=total,
            invoiced=invoiced,
            waiting=waiting,
        )


def _owed(invoices: Iterable[Invoice], unit: str) -> Decimal:
    return sum(
        (
            line.total
            for invoice in invoices
            if invoice.credit_type_id == unit
            for line in invoice.lines
            if _is_owed(line)
        ),
        ZERO,
    )


def _is_owed(line: Line) -> bool:
    """Whether terms owe the line, whoever pays it; usage and what balances pay of it are not.

    Balances may split the line of a subscription: only the first one names the payment (R240).
    """
    if line.type is LineType.SUBSCRIPTION:
        return line.origin is None
    return line.payment_id is not None and line.commit_kind is not CommitKind.POSTPAID
