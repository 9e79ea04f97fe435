"""Ours: what terms would cost over usage that repeats, against today's terms (D2)."""

from typing import Annotated, Any

from closedwon.api.call import Call, Route
from closedwon.api.model import whole
from closedwon.api.shapes import credit_type_shape
from closedwon.api.terms.cards import card_meant
from closedwon.api.terms.contract import (
    KINDS,
    ContractOffer,
    added,
    statement,
    transition,
    with_temporary_ids,
)
from closedwon.api.terms.making import making
from closedwon.billing.catalog.types import RateCard
from closedwon.billing.contracts.edits import Amend, Create
from closedwon.billing.whatif.outcome import Month, Outcome
from closedwon.engine.whatif import MONTHS_MAX, Comparison, Question
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval
from closedwon.store.tokens import Scope

PROPOSED = "proposed"
"""Id of a contract that does not exist."""
LOOK = ("usage_months", "months")
AMENDED = frozenset({"customer_id", "contract_id", "starting_at", *LOOK, *KINDS})
"""All that counts when a contract is extended."""
CREATED = AMENDED - {"contract_id"} | {
    "ending_before",
    "name",
    "rate_card_id",
    "rate_card_alias",
    "multiplier_override_prioritization",
    "scheduled_charges_on_usage_invoices",
    "usage_statement_schedule",
    "transition",
}
"""All that counts of a new contract; thresholds buy nothing in a what-if."""


class WhatIf(ContractOffer):
    """POST /closedwon/whatif: a new contract as contracts/create takes it, or more terms."""

    customer_id: str
    contract_id: str | None = None
    """The contract that the terms extend; without it they are those of a new one."""
    usage_months: Annotated[int, whole(1, MONTHS_MAX)] = 3
    """Full months before now whose usage repeats."""
    months: Annotated[int, whole(1, MONTHS_MAX)] = 12
    """Calendar months to look ahead."""


def whatif(call: Call, body: WhatIf) -> Any:
    """Both outcomes month by month; nothing is stored.

    The first month is that of ``starting_at``, from its beginning.
    """
    kept = CREATED if body.contract_id is None else AMENDED
    extra = sorted(body.model_fields_set - kept)
    if extra:
        raise Refused(f"{extra[0]}: is not part of a what-if")
    question = Question(
        customer_id=call.engine.customer(body.customer_id).id,
        contract_id=body.contract_id or PROPOSED,
        change=_change(call, body),
        usage_months=body.usage_months,
        months=body.months,
    )
    found = call.engine.whatif(question, call.now)
    return {"data": _shape(call, found)}


def _change(call: Call, body: WhatIf) -> Create | Amend:
    make = making(call, body.starting_at, _card(call, body), with_temporary_ids(body))
    if body.contract_id is not None:
        return Amend(starting_at=body.starting_at, terms=added(make, body))
    return Create(
        customer_id=body.customer_id,
        term=Interval(body.starting_at, body.ending_before),
        name=body.name,
        rate_card_id=body.rate_card_id or body.rate_card_alias,
        terms=added(make, body),
        statement=statement(body.usage_statement_schedule),
        prioritization=body.multiplier_override_prioritization,
        transition=transition(body.transition),
        charges_on_usage_invoices=body.scheduled_charges_on_usage_invoices is not None,
    )


def _card(call: Call, body: WhatIf) -> RateCard | None:
    """The rate card in force; an alias that nothing has is refused later."""
    if body.contract_id is None:
        return card_meant(call, body.rate_card_id, body.rate_card_alias, body.starting_at)
    contract = call.engine.contract(body.contract_id)
    return call.engine.catalog().rate_cards.get(contract.rate_card_id or "")


def _shape(call: Call, found: Comparison) -> dict[str, Any]:
    return {
        "starting_on": found.span.start,
        "ending_before": found.span.end,
        "credit_type": credit_type_shape(call.engine.catalog(), found.credit_type_id),
        "proposed": _outcome(found.proposed),
        "today": _outcome(found.today),
    }


def _outcome(side: Outcome) -> dict[str, Any]:
    return {
        "invoiced": side.invoiced,
        "effective_discount": side.effective_discount,
        "paid_discount": side.paid_discount,
        "runs_out_at": side.runs_out_at,
        "months": [_month(one) for one in side.months],
    }


def _month(month: Month) -> dict[str, Any]:
    return {
        "starting_at": month.starting_at,
        "list_value": month.list_value,
        "price": month.price,
        "drawn": month.drawn,
        "overage": month.overage,
        "scheduled": month.scheduled,
        "remaining": month.left,
    }


ROUTES = (Route(method="POST", path="/closedwon/whatif", scope=Scope.READ, do=whatif, body=WhatIf),)
