"""The words finance systems expect of invoices, lines and balance movements (R351, R352, R354)."""

from enum import StrEnum

from closedwon.billing.balances.types import EntryType
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType


class ExportType(StrEnum):
    """Which table of an export an invoice belongs to (R354)."""

    SCHEDULED = "CONTRACT_SCHEDULED"
    USAGE = "CONTRACT_USAGE"
    TRUEUP = "CONTRACT_TRUEUP"


class Recognition(StrEnum):
    """What a line means for revenue (R351)."""

    ON_DEMAND = "on_demand"
    """Usage that no balance covers."""
    CONTRA = "contra"
    """Usage that a free credit covers."""
    DRAWDOWN = "prepaid_drawdown"
    """Usage that was paid before: recognised now."""
    BILLED = "postpaid_drawdown"
    """Usage that counts toward a postpaid commit: billed and recognised now."""
    TRUEUP = "postpaid_trueup"
    DEFERRED = "prepaid_purchase"
    CHARGE = "charge"


class Standing(StrEnum):
    """Whether amounts are revenue or an estimate of it (R352)."""

    RECOGNIZED = "recognized"
    ACCRUED = "accrued"
    VOID = "void"


def export_type(invoice: Invoice) -> ExportType:
    """Where an export files the invoice (R354)."""
    if invoice.type is not InvoiceType.SCHEDULED:
        return ExportType.USAGE
    if any(recognition(line) is Recognition.TRUEUP for line in invoice.lines):
        return ExportType.TRUEUP
    return ExportType.SCHEDULED


def recognition(line: Line) -> Recognition | None:
    """The class of a line; None for application lines, which would count usage twice (R352)."""
    if line.type is LineType.APPLIED:
        return None
    postpaid = line.commit_kind is CommitKind.POSTPAID
    if line.type is LineType.COMMIT_PURCHASE:
        return Recognition.TRUEUP if postpaid else Recognition.DEFERRED
    if line.type is LineType.SCHEDULED:
        return Recognition.CHARGE
    if line.commit_id is None:
        return Recognition.ON_DEMAND
    if line.commit_kind is CommitKind.CREDIT:
        return Recognition.CONTRA
    return Recognition.BILLED if postpaid else Recognition.DRAWDOWN


def standing(invoice: Invoice) -> Standing:
    """FINALIZED is recognized, DRAFT is accrued (R352)."""
    match invoice.status:
        case InvoiceStatus.FINALIZED:
            return Standing.RECOGNIZED
        case InvoiceStatus.DRAFT:
            return Standing.ACCRUED
        case InvoiceStatus.VOID:
            return Standing.VOID


def movement(kind: CommitKind, entry: EntryType) -> str:
    """Name of a ledger entry in exports: ``prepaid_segment_expiration`` (R354, G14)."""
    whose = "credit" if kind is CommitKind.CREDIT else kind.value.lower()
    return f"{whose}_{_MOVEMENTS.get(entry, entry.value.lower())}"


_MOVEMENTS = {EntryType.EXPIRATION: "segment_expiration"}
