"""Invoices for professional services, as the work is done (metronome.md 2.3; R159)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.invoice_shapes import every_invoice, invoice_shapes
from closedwon.api.model import Instant, Number, Wire
from closedwon.engine.services import Work
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.tokens import Scope

LINES_MAX = 100
ONE = Decimal(1)


class WorkSent(Wire):
    """Work that was done: a quantity at its price or the agreed one, or an amount."""

    professional_service_id: str
    quantity: Number | None = None
    unit_price: Number | None = None
    amount: Number | None = None
    amendment_id: str | None = None
    """Accepted: a service has one id, whatever brought it."""
    metadata: str | None = None
    netsuite_invoice_billing_start: Instant | None = None
    netsuite_invoice_billing_end: Instant | None = None


class Schedule(Wire):
    """POST /v1/contracts/scheduleProServicesInvoice."""

    customer_id: str
    contract_id: str
    issued_at: Instant
    line_items: Annotated[list[WorkSent], Field(min_length=1, max_length=LINES_MAX)]
    netsuite_invoice_header_start: Instant | None = None
    netsuite_invoice_header_end: Instant | None = None


UNSUPPORTED = (
    "metadata",
    "netsuite_invoice_billing_start",
    "netsuite_invoice_billing_end",
    "netsuite_invoice_header_start",
    "netsuite_invoice_header_end",
)


def schedule(call: Call, body: Schedule) -> Any:
    """Put the work on the scheduled invoice of ``issued_at``; answers that invoice (R159)."""
    for sent in (body, *body.line_items):
        for name in UNSUPPORTED:
            if getattr(sent, name, None) is not None:
                raise Unsupported(f"{name}: is not kept")
    known = call.engine.contract(body.contract_id)
    if known.customer_id != body.customer_id:
        raise NotFound(
            "no such contract of the customer", contract=known.id, customer=body.customer_id
        )
    work = [_work(one, f"line_items.{at}") for at, one in enumerate(body.line_items)]
    made = call.engine.invoice_service(known.id, work, body.issued_at, by=call.by, now=call.now)
    new = {one.id for one in made.charges} - {one.id for one in known.charges}
    invoices = [
        one
        for one in every_invoice(call, body.customer_id)
        if any(line.charge_id in new for line in one.lines)
    ]
    return {"data": invoice_shapes(call, invoices)}


def _work(sent: WorkSent, where: str) -> Work:
    if (sent.amount is None) == (sent.quantity is None):
        raise Refused(f"{where}: give quantity or amount, one of them")
    if sent.quantity is not None:
        return Work(
            service_id=sent.professional_service_id,
            quantity=sent.quantity,
            unit_price=sent.unit_price,
        )
    if sent.unit_price is not None:
        raise Refused(f"{where}.unit_price: goes with quantity")
    return Work(service_id=sent.professional_service_id, quantity=ONE, unit_price=sent.amount)


ROUTES = (
    Route(
        method="POST",
        path="/v1/contracts/scheduleProServicesInvoice",
        scope=Scope.WRITE,
        do=schedule,
        body=Schedule,
    ),
)
