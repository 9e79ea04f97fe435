"""Words of finance exports (R351, R352, R354)."""

from decimal import Decimal

import pytest

from billing.world import at
from closedwon.billing.balances.types import EntryType
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.finance.export import (
    ExportType,
    Recognition,
    Standing,
    export_type,
    movement,
    recognition,
    standing,
)


def line(kind: LineType, commit_kind: CommitKind | None = None) -> Line:
    commit_id = None if commit_kind is None else "commit"
    return Line(type=kind, name="x", total=Decimal(1), commit_id=commit_id, commit_kind=commit_kind)


def invoice(kind: InvoiceType, status: InvoiceStatus, *lines: Line) -> Invoice:
    return Invoice(
        id="i",
        customer_id="c",
        contract_id="k",
        type=kind,
        status=status,
        total=Decimal(1),
        lines=lines,
        issued_at=at("2025-01-01"),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (line(LineType.USAGE), Recognition.ON_DEMAND),
        (line(LineType.USAGE, CommitKind.CREDIT), Recognition.CONTRA),
        (line(LineType.USAGE, CommitKind.PREPAID), Recognition.DRAWDOWN),
        (line(LineType.USAGE, CommitKind.POSTPAID), Recognition.BILLED),
        (line(LineType.COMMIT_PURCHASE, CommitKind.POSTPAID), Recognition.TRUEUP),
        (line(LineType.COMMIT_PURCHASE, CommitKind.PREPAID), Recognition.DEFERRED),
        (line(LineType.SCHEDULED), Recognition.CHARGE),
        (line(LineType.APPLIED, CommitKind.PREPAID), None),
    ],
)
def test_r351_every_line_has_its_class(given: Line, expected: Recognition | None) -> None:
    assert recognition(given) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (InvoiceStatus.FINALIZED, Standing.RECOGNIZED),
        (InvoiceStatus.DRAFT, Standing.ACCRUED),
        (InvoiceStatus.VOID, Standing.VOID),
    ],
)
def test_r352_final_is_recognized_and_a_draft_is_accrued(
    status: InvoiceStatus, expected: Standing
) -> None:
    assert standing(invoice(InvoiceType.USAGE, status)) is expected


def test_r354_invoices_are_filed_by_what_they_bill() -> None:
    final = InvoiceStatus.FINALIZED
    trueup = line(LineType.COMMIT_PURCHASE, CommitKind.POSTPAID)
    purchase = line(LineType.COMMIT_PURCHASE, CommitKind.PREPAID)

    assert export_type(invoice(InvoiceType.USAGE, final)) is ExportType.USAGE
    assert export_type(invoice(InvoiceType.SCHEDULED, final, trueup)) is ExportType.TRUEUP
    assert export_type(invoice(InvoiceType.SCHEDULED, final, purchase)) is ExportType.SCHEDULED


@pytest.mark.parametrize(
    ("kind", "entry", "expected"),
    [
        (CommitKind.PREPAID, EntryType.SEGMENT_START, "prepaid_segment_start"),
        (CommitKind.PREPAID, EntryType.EXPIRATION, "prepaid_segment_expiration"),
        (CommitKind.CREDIT, EntryType.EXPIRATION, "credit_segment_expiration"),
        (CommitKind.POSTPAID, EntryType.TRUEUP, "postpaid_trueup"),
    ],
)
def test_r354_movements_have_their_export_names(
    kind: CommitKind, entry: EntryType, expected: str
) -> None:
    assert movement(kind, entry) == expected
