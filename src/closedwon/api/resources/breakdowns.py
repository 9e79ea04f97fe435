"""Invoices by day or hour, and spend by group keys (metronome.md 2.3; R287, R288)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from msgspec.structs import replace
from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.invoice_shapes import invoice_shapes
from closedwon.api.model import Instant, Wire, one_of, whole, word
from closedwon.api.paging import LIMIT_MAX, Key, asked, paged, paged_body
from closedwon.api.query import Flag
from closedwon.api.shapes import credit_type_shape
from closedwon.billing.invoices.breakdown import Breakdown, WindowSize
from closedwon.billing.invoices.listing import InvoiceFilter
from closedwon.billing.invoices.spend import Spend
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, format_instant, parse_instant
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.tokens import Scope

ROWS_MAX = {WindowSize.DAY: 35, WindowSize.HOUR: 24}
"""Rows of a page, so that none covers more than 35 days or 24 hours (Appendix E)."""
Part = tuple[Invoice, Breakdown]


class ListQuery(Wire):
    """GET /v1/customers/{customer_id}/invoices/breakdowns."""

    starting_on: Instant
    ending_before: Instant
    window_size: Annotated[WindowSize, word(WindowSize)] = WindowSize.DAY
    credit_type_id: str | None = None
    contract_id: str | None = None
    status: Annotated[InvoiceStatus, word(InvoiceStatus)] | None = None
    sort: Annotated[str, one_of("date_asc", "date_desc")] = "date_asc"
    skip_zero_qty_line_items: Flag = False


class SpendQuery(Wire):
    """Query string of spend breakdowns."""

    include_list_prices: Flag = False


class SpendBody(Wire):
    """POST /v1/customers/{customer_id}/invoices/spend-breakdowns."""

    starting_on: Instant
    ending_before: Instant
    window_size: Annotated[str, one_of("DAY", "NONE")] = "NONE"
    group_keys: Annotated[list[str], Field(min_length=1)]
    group_filters: dict[str, list[str]] = {}
    limit: Annotated[int, whole(1, LIMIT_MAX)] | None = None
    next_page: str | None = None


def list_(call: Call, _body: None) -> Any:
    """Windows of usage invoices that lie in the range, by time (R287)."""
    query: ListQuery = call.query
    newest_first = query.sort == "date_desc"
    most = min(call.page.limit, ROWS_MAX[query.window_size])
    page = replace(call.page, limit=most)
    after = None if page.after is None else parse_instant(page.after[0])
    invoices = _standing(call, query, after)
    parts = _parts(call, invoices, query, most)
    shown, following = paged(parts, page, _place, newest_first=newest_first)
    return {"data": _shapes(call, shown, query), "next_page": following}


def spend(call: Call, body: SpendBody) -> Any:
    """What the usage of billing periods in the range cost by group, before balances (R288).

    A period's spend is told by stretches of one price; a day's share of a tier is not defined.
    """
    if body.window_size == "DAY":
        raise Unsupported("window_size: spend is told by period (NONE); invoices/breakdowns by day")
    if call.query.include_list_prices:
        raise Unsupported("include_list_prices: invoices have them, spend breakdowns do not")
    if body.starting_on >= body.ending_before:
        raise Refused("ending_before: must be after starting_on")
    wanted = InvoiceFilter(
        type=InvoiceType.USAGE, starting_on=body.starting_on, ending_before=body.ending_before
    )
    found = [
        (invoice, one)
        for invoice in call.engine.list_invoices(call.path["customer_id"], call.now, wanted)
        if invoice.status is not InvoiceStatus.VOID
        for one in call.engine.spend_breakdown(invoice, body.group_keys)
        if _passes(one, body.group_filters)
    ]
    page = asked(body.limit, body.next_page)
    return paged_body(found, page, _spend_place, lambda row: _spend_shape(call, row))


def _standing(call: Call, query: ListQuery, after: datetime | None) -> list[Invoice]:
    """Usage invoices with windows in the range that the cursor has not passed, in its order."""
    if query.starting_on >= query.ending_before:
        raise Refused("ending_before: must be after starting_on")
    newest_first = query.sort == "date_desc"
    wanted = InvoiceFilter(
        type=InvoiceType.USAGE,
        status=query.status,
        contract_id=query.contract_id,
        credit_type_id=query.credit_type_id,
    )
    found = [
        one
        for one in call.engine.list_invoices(call.path["customer_id"], call.now, wanted)
        if one.status is not InvoiceStatus.VOID
        and _period(one).start < query.ending_before
        and query.starting_on < _period(one).until
        and (after is None or _is_ahead(one, after, newest_first=newest_first))
    ]
    if newest_first:
        return sorted(found, key=lambda one: _period(one).until, reverse=True)
    return sorted(found, key=lambda one: _period(one).start)


def _is_ahead(invoice: Invoice, after: datetime, *, newest_first: bool) -> bool:
    period = _period(invoice)
    return period.start <= after if newest_first else after < period.until


def _parts(call: Call, invoices: Iterable[Invoice], query: ListQuery, most: int) -> list[Part]:
    """Windows of the invoices, at least as many as a page and its successor need."""
    newest_first = query.sort == "date_desc"
    after = call.page.after
    found: list[Part] = []
    for invoice in invoices:
        if len(found) > most and not _reaches(invoice, found[most], newest_first=newest_first):
            break
        for one in call.engine.breakdown(invoice, query.window_size):
            part = (invoice, one)
            inside = query.starting_on <= one.window.start and one.window.until <= (
                query.ending_before
            )
            passed = after is not None and (
                _place(part) >= after if newest_first else _place(part) <= after
            )
            if inside and not passed:
                found.append(part)
        found.sort(key=_place, reverse=newest_first)
    return found


def _reaches(invoice: Invoice, last: Part, *, newest_first: bool) -> bool:
    """Whether some window of the invoice may come before or at ``last`` in the order."""
    at, period = last[1].window.start, _period(invoice)
    return at < period.until if newest_first else period.start <= at


def _period(invoice: Invoice) -> Interval:
    return Interval(invoice.start or invoice.issued_at, invoice.end)


def _place(part: Part) -> Key:
    invoice, one = part
    return (format_instant(one.window.start), invoice.id)


def _shapes(call: Call, parts: list[Part], query: ListQuery) -> list[dict[str, Any]]:
    shown = [replace(invoice, lines=one.lines, total=one.total) for invoice, one in parts]
    shapes = invoice_shapes(call, shown, skip_zero_lines=query.skip_zero_qty_line_items)
    return [
        {
            **shape,
            "breakdown_start_timestamp": one.window.start,
            "breakdown_end_timestamp": one.window.end,
        }
        for shape, (_, one) in zip(shapes, parts, strict=True)
    ]


def _passes(one: Spend, filters: dict[str, list[str]]) -> bool:
    return all(one.group.get(key) in values for key, values in filters.items())


def _spend_place(row: tuple[Invoice, Spend]) -> Key:
    invoice, one = row
    start = format_instant(one.window.start)
    return (start, invoice.id, one.product_id, canonical_dumps(dict(one.group)))


def _spend_shape(call: Call, row: tuple[Invoice, Spend]) -> dict[str, Any]:
    invoice, one = row
    return {
        "invoice_id": invoice.id,
        "contract_id": invoice.contract_id,
        "product_id": one.product_id,
        "product_name": one.name,
        "starting_at": one.window.start,
        "ending_before": one.window.end,
        "group": dict(one.group),
        "quantity": one.quantity,
        "total": one.amount,
        "credit_type": credit_type_shape(call.engine.catalog(), one.credit_type_id),
    }


ALL = "/v1/customers/{customer_id}/invoices"
ROUTES = (
    Route(
        method="GET",
        path=f"{ALL}/breakdowns",
        scope=Scope.READ,
        do=list_,
        query=ListQuery,
        is_paged=True,
    ),
    Route(
        method="POST",
        path=f"{ALL}/spend-breakdowns",
        scope=Scope.READ,
        do=spend,
        body=SpendBody,
        query=SpendQuery,
    ),
)
