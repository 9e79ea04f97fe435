"""Invoices before and beside real billing: previews of events, imports of the past (R44, R286)."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.invoice_shapes import invoice_shapes
from closedwon.api.model import Instant, Number, Texts, Wire, one_of, word
from closedwon.billing.catalog.types import USD
from closedwon.billing.invoices.breakdown import WindowSize
from closedwon.billing.invoices.historical import PastInvoice, PastUsage
from closedwon.billing.invoices.types import Invoice
from closedwon.engine.preview import PreviewEvent, PreviewMode
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import Interval
from closedwon.store.database import writing
from closedwon.store.tokens import Scope
from closedwon.usage.validate import property_texts

INVOICES_MAX = 100


class Event(Wire):
    """An event that may happen; without a timestamp, now."""

    event_type: str = Field(min_length=1)
    timestamp: Instant | None = None
    properties: dict[str, Any] = {}
    transaction_id: str | None = None
    customer_id: str | None = None
    """Accepted: the customer of the path counts."""


class Preview(Wire):
    """POST /v1/customers/{customer_id}/previewEvents."""

    events: list[Event]
    mode: Annotated[PreviewMode, word(PreviewMode)] = PreviewMode.REPLACE
    skip_zero_qty_line_items: bool = False


class Subtotal(Wire):
    """Units of one stretch."""

    inclusive_start_date: Instant
    exclusive_end_date: Instant
    quantity: Number


class PastLine(Wire):
    """Units of a product: as a whole, or stretch by stretch."""

    product_id: str
    inclusive_start_date: Instant
    exclusive_end_date: Instant
    quantity: Number | None = None
    subtotals_with_quantity: list[Subtotal] = []
    pricing_group_values: Texts = {}
    presentation_group_values: dict[str, str | None] = {}


class Past(Wire):
    """An invoice another system issued."""

    customer_id: str
    contract_id: str
    credit_type_id: str
    inclusive_start_date: Instant
    exclusive_end_date: Instant
    issue_date: Instant
    usage_line_items: Annotated[list[PastLine], Field(min_length=1)]
    breakdown_granularity: Annotated[WindowSize, word(WindowSize)] | None = None
    """Accepted: breakdowns are made of usage, which an imported invoice does not bring."""
    billable_status: Annotated[str, one_of("billable", "unbillable")] = "billable"
    custom_fields: Texts = {}


class Historical(Wire):
    """POST /v1/contracts/createHistoricalInvoices: all of them or none."""

    invoices: Annotated[list[Past], Field(min_length=1, max_length=INVOICES_MAX)]
    preview: bool


def preview_events(call: Call, body: Preview) -> Any:
    """The customer's drafts as they would be with the events; nothing is stored (R44)."""
    drafts = call.engine.preview_events(
        call.path["customer_id"],
        [
            PreviewEvent(
                event_type=one.event_type,
                timestamp=one.timestamp,
                properties=property_texts(one.properties),
                transaction_id=one.transaction_id,
            )
            for one in body.events
        ],
        body.mode,
        call.now,
        skip_zero_lines=body.skip_zero_qty_line_items,
    )
    return {"data": invoice_shapes(call, drafts)}


def create_historical(call: Call, body: Historical) -> Any:
    """Price, draw on balances and keep invoices of the time before (R286)."""
    with writing(call.engine.db):
        made = [_past(call, one, preview=body.preview) for one in body.invoices]
    return {"data": invoice_shapes(call, made)}


def _past(call: Call, past: Past, *, preview: bool) -> Invoice:
    if past.billable_status != "billable":
        raise Unsupported("billable_status: set it on the customer (setBillableStatus)")
    contract = call.engine.contract(past.contract_id)
    if contract.customer_id != past.customer_id:
        raise NotFound(
            "no such contract of the customer", contract=contract.id, customer=past.customer_id
        )
    card = call.engine.catalog().rate_cards.get(contract.rate_card_id or "")
    kind = USD if card is None else card.fiat_credit_type_id
    if past.credit_type_id != kind:
        raise Refused("credit_type_id: not what the contract is billed in", expected=kind)
    wanted = PastInvoice(
        contract_id=contract.id,
        window=Interval(past.inclusive_start_date, past.exclusive_end_date),
        issued_at=past.issue_date,
        usage=tuple(used for line in past.usage_line_items for used in _usage(line)),
    )
    if preview:
        return call.engine.preview_historical(wanted, call.now)
    made = call.engine.create_historical(wanted, call.now, call.by)
    if past.custom_fields:
        call.engine.set_custom_fields("invoice", made.id, past.custom_fields, call.now, call.by)
    return made


def _usage(line: PastLine) -> Iterator[PastUsage]:
    if (line.quantity is None) == (not line.subtotals_with_quantity):
        raise Refused("usage_line_items: give quantity or subtotals_with_quantity, one of them")
    whole = Interval(line.inclusive_start_date, line.exclusive_end_date)
    parts = [
        (Interval(one.inclusive_start_date, one.exclusive_end_date), one.quantity)
        for one in line.subtotals_with_quantity
    ]
    if line.quantity is not None:
        parts = [(whole, line.quantity)]
    for window, quantity in parts:
        if not (whole.start <= window.start and window.until <= whole.until):
            raise Refused("subtotals_with_quantity: outside of its line", product=line.product_id)
        yield PastUsage(
            product_id=line.product_id,
            window=window,
            quantity=quantity,
            pricing_group_values=line.pricing_group_values,
            presentation_group_values=line.presentation_group_values,
        )


ROUTES = (
    Route(
        method="POST",
        path="/v1/customers/{customer_id}/previewEvents",
        scope=Scope.READ,
        do=preview_events,
        body=Preview,
    ),
    Route(
        method="POST",
        path="/v1/contracts/createHistoricalInvoices",
        scope=Scope.WRITE,
        do=create_historical,
        body=Historical,
    ),
)
