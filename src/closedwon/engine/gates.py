"""Gated purchases: what a payment's outcome does (R200, R262)."""

from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.contracts.thresholds import GateStatus
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.billing.thresholds.purchase import Workflow
from closedwon.engine import accounts, contracts, customer_terms, lifecycle
from closedwon.engine.command import Author, command
from closedwon.engine.contracts import EditNote
from closedwon.engine.events import emit
from closedwon.engine.thresholds import disabled
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import wire_instant
from closedwon.store.stores import Stores

MANUAL = "manual_commit"
"""workflow_type of a purchase somebody made by hand."""
PAYMENT_STATUS = "payment_gate.payment_status"


def resolve(
    stores: Stores, catalog: Catalog, commit_id: str, author: Author, *, paid: bool
) -> Commit:
    """Release a pending purchase, or void it with its invoice; the same outcome again is a no-op.

    A threshold whose purchase could not be paid is switched off (R262, R266). Raises Refused for a
    commit that awaits no payment or had the other outcome.
    """
    outcome = GateStatus.PAID if paid else GateStatus.FAILED
    what = ("commit", commit_id)
    with command(stores, "resolve_payment", what, by=author.by, now=author.now) as running:
        held = customer_terms.find(stores, commit_id, author.now)
        gate = held.commit.gate
        if gate is None or held.contract_id is None:
            raise Refused("the commit awaits no payment (R200)", commit=commit_id)
        if gate.status is outcome:
            return held.commit
        if gate.status is not GateStatus.PENDING:
            raise Refused(
                "the payment was settled before", commit=commit_id, found=gate.status.value
            )
        contract = accounts.contract(stores, held.contract_id)
        invoices = _billing(stores, held.commit)
        for invoice_id in () if paid else invoices:
            lifecycle.void(stores, invoice_id, by=author.by, now=author.now)
        settled = replace(
            held.commit,
            gate=replace(gate, status=outcome),
            archived_at=None if paid else author.now,
        )
        workflow = _workflow(contract, held.commit)
        settings = None
        if workflow is not None and not paid:
            settings = disabled(contract.settings, workflow)
        change = Revise(replace=Added(commits=(settled,)), settings=settings)
        note = EditNote(by=author.by, now=author.now, uniqueness_key=author.uniqueness_key)
        contracts.edit(stores, catalog, contract.id, change, note)
        properties = {
            "workflow_type": MANUAL if workflow is None else workflow.value,
            "customer_id": contract.customer_id,
            "contract_id": contract.id,
            "workflow_id": gate.workflow_id,
            "invoice_id": invoices[0] if invoices else None,
            "payment_status": "paid" if paid else "failed",
            "timestamp": wire_instant(author.now),
        }
        emit(stores, PAYMENT_STATUS, properties, author.now)
        running.changed = True
    return settled


def _billing(stores: Stores, commit: Commit) -> list[str]:
    """Finalized invoices that bill the commit's payments."""
    points = {payment.id for payment in commit.payments}
    return [
        invoice.id
        for invoice in stores.invoices.with_payments(points)
        if invoice.status is InvoiceStatus.FINALIZED
    ]


def _workflow(contract: Contract, commit: Commit) -> Workflow | None:
    """The threshold that made the purchase; None for one made by hand."""
    if not commit.is_recharge:
        return None
    for workflow in Workflow:
        for number in range(len(contract.commits)):
            if commit.id == derive("recharge", contract.id, workflow, str(number)):
                return workflow
    return None
