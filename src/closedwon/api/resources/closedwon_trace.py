"""Ours: what an opportunity, quote or quote line became, forwards to its invoices (D10)."""

from typing import Any

from pydantic import Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.shapes import credit_type_shape
from closedwon.engine.trace import BilledLine, TracedTerm
from closedwon.kernel.errors import NotFound
from closedwon.store.tokens import Scope


class Trace(Wire):
    """GET /closedwon/trace."""

    id: str = Field(min_length=1)
    """Of an opportunity, quote or quote line, as the CRM has it."""


def trace(call: Call, _body: None) -> Any:
    """The terms it brought, each with every line that bills it, draws on it or has its price."""
    query: Trace = call.query
    found = call.engine.trace(query.id, call.now)
    if not found:
        raise NotFound("nothing in billing came from this", id=query.id)
    return {"data": {"id": query.id, "terms": [_term(call, one) for one in found]}}


def _term(call: Call, one: TracedTerm) -> dict[str, Any]:
    source = one.source
    return {
        "kind": one.kind,
        "id": one.id,
        "name": one.name,
        "customer_id": one.customer_id,
        **sparse(
            contract_id=one.contract_id,
            edit_id=None if one.edit is None else one.edit.id,
            timestamp=None if one.edit is None else one.edit.at,
        ),
        "source": {
            "opportunity_id": source.opportunity_id,
            "quote_id": source.quote_id,
            "quote_line_ids": list(source.line_ids),
            "rule": source.rule,
            "place": source.place,
        },
        "lines": [_line(call, line) for line in one.lines],
    }


def _line(call: Call, one: BilledLine) -> dict[str, Any]:
    invoice, line = one.invoice, one.line
    return {
        "invoice_id": invoice.id,
        "invoice_status": invoice.status.value,
        "issued_at": invoice.issued_at,
        "line": one.number,
        "name": line.name,
        "total": line.total,
        "credit_type": credit_type_shape(call.engine.catalog(), line.credit_type_id),
    }


ROUTES = (Route(method="GET", path="/closedwon/trace", scope=Scope.READ, do=trace, query=Trace),)
