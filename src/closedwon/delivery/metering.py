"""What a marketplace is told: whole cents of growth, hour by hour, never less (R295-R298); pure.

The running total of a customer is what its invoices make payable in US cents, open ones as they
stand now; true-ups are left out. What was reported never shrinks: after a credit nothing is
reported until the total is above its old height again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.delivery.channel import Outcome
from closedwon.kernel.exact import ZERO

HOUR = timedelta(hours=1)
LAST_CALL = {
    "aws_marketplace": timedelta(minutes=15),
    "azure_marketplace": timedelta(hours=2),
    "gcp_marketplace": timedelta(hours=2),
}
"""How long after the contract's end a marketplace still takes reports (R297)."""
QUANTITY_MAX = 2_147_483_647
"""Most cents in one report; the rest goes with the next hour."""


class MeterReport(msgspec.Struct, frozen=True, kw_only=True):
    """One report of one customer at one marketplace; ``key`` is the same on every try."""

    key: str
    hour: datetime
    """Start of the hour it is reported for; marketplaces drop a second report of one hour."""
    quantity: int
    """US cents at $0.01 per unit, above zero."""
    configuration: Mapping[str, str]
    """The customer's ids at the marketplace."""


class Marketplace(Protocol):
    """A marketplace that takes metering reports."""

    @property
    def name(self) -> str:
        """Its billing_provider_type."""
        ...

    def report(self, report: MeterReport) -> Outcome:
        """Send one report; the same again counts once there. Nothing is raised for its answers."""
        ...


def running_total(invoices: Iterable[Invoice], now: datetime) -> int:
    """Payable US cents of a customer's invoices on a marketplace, each rounded as it is paid (R4).

    Pass finalized and open ones; voided ones do not count, purchases from their scheduled date on
    (R295), postpaid true-ups never (R297). Invoices in other currencies cannot be metered.
    """
    return sum(
        int(_metered(invoice).to_integral_value(ROUND_HALF_UP))
        for invoice in invoices
        if invoice.status is not InvoiceStatus.VOID
        and invoice.credit_type_id == USD
        and (invoice.type is not InvoiceType.SCHEDULED or invoice.issued_at <= now)
    )


def increment(total: int, reported: int) -> int:
    """What to report now: growth above everything reported so far, never below zero (R296)."""
    return min(max(total - reported, 0), QUANTITY_MAX)


def takes_reports(provider: str, ends_at: datetime | None, now: datetime) -> bool:
    """Whether the marketplace still takes reports of a contract that ends at ``ends_at`` (R297)."""
    return ends_at is None or now <= ends_at + LAST_CALL[provider]


def hour_of(now: datetime) -> datetime:
    """The hour that a report made ``now`` is for."""
    return now.replace(minute=0, second=0, microsecond=0)


def _metered(invoice: Invoice) -> Decimal:
    own = (line for line in invoice.lines if line.credit_type_id == invoice.credit_type_id)
    return sum((line.payable for line in own if not _is_trueup(line)), ZERO)


def _is_trueup(line: Line) -> bool:
    return line.type is LineType.COMMIT_PURCHASE and line.commit_kind is CommitKind.POSTPAID
