"""Invoices: lists, one, its PDF, and what can be done to it (metronome.md 2.3, 3.P)."""

from typing import Annotated, Any

from closedwon.api.answers import Unsupported
from closedwon.api.call import Answer, Call, Route
from closedwon.api.invoice_shapes import every_invoice, find_invoice, invoice_shapes, issued
from closedwon.api.model import Id, Instant, Wire, one_of, word
from closedwon.api.paging import Key, paged
from closedwon.api.query import Flag
from closedwon.billing.invoices.listing import InvoiceFilter, listed
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.delivery.documents import pdf_of
from closedwon.kernel.errors import ConfigError, NotFound, Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope

TOGETHER = 500
"""Customers whose drafts are made together when one is looked for by its id alone."""


class OneQuery(Wire):
    """How an invoice is shown."""

    skip_zero_qty_line_items: Flag = False
    include_list_prices: Flag = False


class ListQuery(Wire):
    """GET /v1/customers/{customer_id}/invoices."""

    skip_zero_qty_line_items: Flag = False
    include_list_prices: Flag = False
    status: Annotated[InvoiceStatus, word(InvoiceStatus)] | None = None
    type: Annotated[InvoiceType, word(InvoiceType)] | None = None
    contract_id: str | None = None
    credit_type_id: str | None = None
    starting_on: Instant | None = None
    ending_before: Instant | None = None
    sort: Annotated[str, one_of("date_asc", "date_desc")] = "date_asc"
    include_historical_commit_invoices: Flag = True
    """Accepted: every invoice there is is listed."""


class IssueDate(Wire):
    """POST /v1/contracts/updateInvoiceIssueDate."""

    invoice_id: str
    issue_date: Instant
    customer_id: str | None = None
    """Ours: saves looking for the draft among all customers."""


def list_(call: Call, _body: None) -> Any:
    """A customer's invoices by issue date (R144, R289)."""
    query: ListQuery = call.query
    wanted = InvoiceFilter(
        status=query.status,
        type=query.type,
        contract_id=query.contract_id,
        credit_type_id=query.credit_type_id,
        starting_on=query.starting_on,
        ending_before=query.ending_before,
    )
    found = listed(every_invoice(call, call.path["customer_id"]), wanted)
    newest_first = query.sort == "date_desc"
    shown, following = paged(found, call.page, _place, newest_first=newest_first)
    return {"data": _shapes(call, shown, query), "next_page": following}


def retrieve(call: Call, _body: None) -> Any:
    """One invoice of a customer."""
    invoice = find_invoice(call, call.path["customer_id"], call.path["invoice_id"])
    return {"data": _shapes(call, [invoice], call.query)[0]}


def pdf(call: Call, _body: None) -> Any:
    """The document people read."""
    invoice = find_invoice(call, call.path["customer_id"], call.path["invoice_id"])
    try:
        document = pdf_of(issued(call, invoice))
    except ConfigError as error:
        raise Unsupported(error.message) from error
    return Answer(200, "", {"Content-Type": "application/pdf"}, document)


def void(call: Call, body: Id) -> Any:
    """FINALIZED -> VOID; what it drew returns (R196, R283)."""
    call.engine.void_invoice(body.id, call.now, call.by)
    return {"data": {"id": body.id}}


def regenerate(call: Call, body: Id) -> Any:
    """Bill a void invoice anew; the answer is the new one's id (R284)."""
    return {"data": {"id": call.engine.regenerate_invoice(body.id, call.now, call.by).id}}


def update_issue_date(call: Call, body: IssueDate) -> Any:
    """Move when a draft is issued (R291)."""
    customer_id = body.customer_id or _owner(call, body.invoice_id)
    call.engine.update_issue_date(customer_id, body.invoice_id, body.issue_date, call.now, call.by)
    return {"data": {"id": body.invoice_id}}


def _shapes(
    call: Call, invoices: list[Invoice], query: OneQuery | ListQuery
) -> list[dict[str, Any]]:
    return invoice_shapes(
        call,
        invoices,
        skip_zero_lines=query.skip_zero_qty_line_items,
        list_prices=query.include_list_prices,
    )


def _place(invoice: Invoice) -> Key:
    return (format_instant(invoice.issued_at), invoice.id)


def _owner(call: Call, invoice_id: str) -> str:
    """Whose draft it is; raises Refused for a stored invoice, NotFound for an unknown id."""
    if call.engine.stores.invoices.get(invoice_id) is not None:
        raise Refused("only a DRAFT can be issued on another date (R291)", invoice=invoice_id)
    ids = call.engine.stores.customers.ids()
    for start in range(0, len(ids), TOGETHER):
        made = call.engine.bills(ids[start : start + TOGETHER], call.now)
        for bill in made.bills.values():
            for invoice in bill.invoices:
                if invoice.id == invoice_id:
                    return invoice.customer_id
    raise NotFound("no such draft", invoice=invoice_id)


ALL = "/v1/customers/{customer_id}/invoices"
ROUTES = (
    Route(method="GET", path=ALL, scope=Scope.READ, do=list_, query=ListQuery, is_paged=True),
    Route(
        method="GET", path=f"{ALL}/{{invoice_id}}", scope=Scope.READ, do=retrieve, query=OneQuery
    ),
    Route(method="GET", path=f"{ALL}/{{invoice_id}}/pdf", scope=Scope.READ, do=pdf),
    Route(method="POST", path="/v1/invoices/void", scope=Scope.WRITE, do=void, body=Id),
    Route(method="POST", path="/v1/invoices/regenerate", scope=Scope.WRITE, do=regenerate, body=Id),
    Route(
        method="POST",
        path="/v1/contracts/updateInvoiceIssueDate",
        scope=Scope.WRITE,
        do=update_issue_date,
        body=IssueDate,
    ),
)
