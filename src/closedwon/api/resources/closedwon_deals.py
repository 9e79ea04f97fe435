"""Ours: deals seen in the CRM, what came of each, and its plan with the effect on money."""

from typing import Annotated, Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire, word
from closedwon.api.paging import paged_body
from closedwon.deals.told import steps_told
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import id18
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome
from closedwon.store.line.plans import StoredPlan
from closedwon.store.tokens import Scope


class Deals(Wire):
    """GET /closedwon/deals."""

    outcome: Annotated[Outcome, word(Outcome)] | None = None


def list_(call: Call, _body: None) -> Any:
    """Every deal seen, by opportunity id; seen = provisioned + parked + excluded + waiting."""
    query: Deals = call.query
    found = LineStore(call.engine.db).deals.all(query.outcome)
    return paged_body(found, call.page, lambda one: (one.opportunity_id,), _row)


def retrieve(call: Call, _body: None) -> Any:
    """One deal with the reasons that stop it."""
    store = LineStore(call.engine.db)
    row = store.deals.get(_opportunity(call))
    reasons = [
        {"code": one.code, "message": one.message, "fix": one.fix, "place": one.place}
        for one in store.parked.open(row.opportunity_id)
    ]
    return {"data": {**_row(row), "parked": reasons}}


def plan(call: Call, _body: None) -> Any:
    """The newest plan of a deal: what it does, and to money; amounts in the wire unit."""
    opportunity_id = _opportunity(call)
    store = LineStore(call.engine.db)
    store.deals.get(opportunity_id)
    found = store.plans.newest(opportunity_id)
    if found is None:
        raise NotFound("no plan was made of this deal yet", opportunity=opportunity_id)
    return {"data": _plan(found)}


def _opportunity(call: Call) -> str:
    """15 or 18 characters; anything else is no deal."""
    given = call.path["opportunity_id"]
    try:
        return id18(given)
    except Refused as error:
        raise NotFound("no such deal was ever seen", opportunity=given) from error


def _row(row: DealRow) -> dict[str, Any]:
    return {
        "opportunity_id": row.opportunity_id,
        "name": row.name,
        "outcome": row.outcome.value,
        "kind": row.kind,
        "waits_for": row.waits_for,
        "reason": row.reason,
        "customer_id": row.customer_id,
        "contract_id": row.contract_id,
        "provisioned_at": row.provisioned_at,
        "seen_at": row.seen_at,
    }


def _plan(found: StoredPlan) -> dict[str, Any]:
    one = found.plan
    money = one.money
    return {
        "opportunity_id": one.opportunity_id,
        "name": one.opportunity_name,
        "state": found.state.value,
        "digest": found.digest,
        "steps": list(steps_told(one)),
        "money": {
            "currency": money.currency,
            "contract_value": money.contract_value,
            "access_granted": money.access_granted,
            "invoices": [
                {"on": on.isoformat(), "amount": amount}
                for on, amount in sorted(money.invoices.items())
            ],
            "first_bill": None if money.first_bill is None else money.first_bill.isoformat(),
        },
        "holds": [
            {"code": hold.code, "message": hold.message, "fix": hold.fix} for hold in one.holds
        ],
    }


ONE = "/closedwon/deals/{opportunity_id}"
ROUTES = (
    Route(
        method="GET",
        path="/closedwon/deals",
        scope=Scope.READ,
        do=list_,
        query=Deals,
        is_paged=True,
    ),
    Route(method="GET", path=ONE, scope=Scope.READ, do=retrieve),
    Route(method="GET", path=f"{ONE}/plan", scope=Scope.READ, do=plan),
)
