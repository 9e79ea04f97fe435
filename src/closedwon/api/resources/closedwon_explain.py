"""Ours: why an invoice line is what it is, back to the deal and the mapping rule (D10)."""

from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.invoice_shapes import invoice_shapes
from closedwon.billing.contracts.edits import Edit
from closedwon.billing.contracts.source import Source
from closedwon.engine import Cause
from closedwon.kernel.errors import Refused
from closedwon.store.tokens import Scope

DIGITS_MAX = 9


def explain(call: Call, _body: None) -> Any:
    """A line of a stored invoice, counted from 1: its rate, terms and balance, and their edits."""
    invoice_id, text = call.path["invoice_id"], call.path["line"]
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise Refused(f"line: expected a number from 1, found {text[:DIGITS_MAX]!r}")
    found = call.engine.explain(invoice_id, int(text))
    (shape,) = invoice_shapes(call, [call.engine.invoice(invoice_id)])
    return {
        "data": {
            "invoice_id": found.invoice_id,
            "line": found.number,
            "line_item": shape["line_items"][found.number - 1],
            "billable_metric_id": found.metric_id,
            "events_sent_by": list(found.customer_ids),
            "causes": [_cause(one) for one in found.causes],
        }
    }


def _cause(cause: Cause) -> dict[str, Any]:
    edit, source = cause.edit, cause.source
    return {
        "kind": cause.kind,
        "id": cause.id,
        "name": cause.name,
        **sparse(
            edit=None if edit is None else _edit(edit),
            source=None if source is None else _source(source),
        ),
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"id": edit.id, "contract_id": edit.contract_id, "timestamp": edit.at, "by": edit.by}


def _source(source: Source) -> dict[str, Any]:
    return {
        "opportunity_id": source.opportunity_id,
        "quote_id": source.quote_id,
        "quote_line_ids": list(source.line_ids),
        "rule": source.rule,
        "place": source.place,
    }


ROUTES = (
    Route(
        method="GET",
        path="/closedwon/invoices/{invoice_id}/lines/{line}/explain",
        scope=Scope.READ,
        do=explain,
    ),
)
