"""scheduled_charges_on_usage_invoices: charges of a statement's last day go onto it (R155)."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.periods import usage_invoice_id
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, LineType
from closedwon.kernel.exact import ZERO


def consolidated(contracts: Iterable[Contract], drafts: Iterable[Invoice]) -> list[Invoice]:
    """``drafts`` with the charges moved that a contract wants on its usage invoices.

    A scheduled or commit charge moves when an open usage invoice of the contract, in the same
    unit, ends on the same UTC day; of two, the one that ends first. A scheduled invoice that is
    left without lines is gone. Balances never pay what was moved (R157), and what an invoice made
    anew bills stays where it was.
    """
    wanting = {contract.id for contract in contracts if contract.charges_on_usage_invoices}
    listed = list(drafts)
    if not wanting:
        return listed
    hosts: dict[tuple[str, str, str], str] = {}
    for i in sorted(listed, key=lambda one: one.end or one.issued_at):
        if i.contract_id in wanting and i.end is not None and _is_statement(i):
            hosts.setdefault(_host(i.contract_id, i.end, i), i.id)
    moved: dict[str, list[Line]] = {}
    kept: list[Invoice] = []
    for draft in listed:
        host = hosts.get(_host(draft.contract_id, draft.issued_at, draft))
        if draft.type is not InvoiceType.SCHEDULED or host is None or draft.regenerated_from:
            kept.append(draft)
            continue
        moved.setdefault(host, []).extend(filter(_moves, draft.lines))
        rest = tuple(line for line in draft.lines if not _moves(line))
        if rest:
            kept.append(_with_lines(draft, rest))
    return [_with_lines(i, (*i.lines, *moved[i.id])) if i.id in moved else i for i in kept]


def _is_statement(draft: Invoice) -> bool:
    """A usage invoice of the contract's own periods; a historical one bills what it was given."""
    if draft.type is not InvoiceType.USAGE or draft.start is None:
        return False
    own = draft.id == usage_invoice_id(draft.contract_id, draft.start)
    return own or draft.regenerated_from is not None


def _host(contract_id: str, at: datetime, invoice: Invoice) -> tuple[str, str, str]:
    return (contract_id, at.date().isoformat(), invoice.credit_type_id)


def _moves(line: Line) -> bool:
    """Charges, discounts and purchases; a true-up comes after the last statement (R140)."""
    if line.type is LineType.COMMIT_PURCHASE:
        return line.commit_kind is not CommitKind.POSTPAID
    return line.type is LineType.SCHEDULED


def _with_lines(invoice: Invoice, lines: tuple[Line, ...]) -> Invoice:
    """The draft with other lines; custom pricing units count through their conversion (R250)."""
    own = (line.payable for line in lines if line.credit_type_id == invoice.credit_type_id)
    return replace(invoice, lines=lines, total=sum(own, ZERO))
