"""Amendments of contracts: terms added, in the oldest form of the wire (2.3; R111)."""

from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Number, Texts, Wire
from closedwon.api.shown.showing import own_contract
from closedwon.api.terms.balances import BalanceSent
from closedwon.api.terms.charges import ChargeSent, RoyaltySent, ServiceSent
from closedwon.api.terms.contract import added, with_temporary_ids
from closedwon.api.terms.making import echoed, making
from closedwon.api.terms.overrides import OverrideSent
from closedwon.billing.contracts.edits import Amend
from closedwon.kernel.exact import canonical
from closedwon.store.tokens import Scope


class AmendBody(Wire):
    """POST /v1/contracts/amend."""

    customer_id: str
    contract_id: str
    starting_at: Instant
    commits: list[BalanceSent] = []
    credits: list[BalanceSent] = []
    overrides: list[OverrideSent] = []
    scheduled_charges: list[ChargeSent] = []
    discounts: list[ChargeSent] = []
    professional_services: list[ServiceSent] = []
    reseller_royalties: list[RoyaltySent] = []
    custom_fields: Texts = {}
    total_contract_value: Number | None = None
    netsuite_sales_order_id: str | None = None
    salesforce_opportunity_id: str | None = None


def amend(call: Call, body: AmendBody) -> Any:
    """Add terms; they keep their own dates (R111)."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    card = call.engine.catalog().rate_cards.get(contract.rate_card_id or "")
    make = making(call, contract.term.start, card, with_temporary_ids(body))
    terms = added(make, body)
    value = body.total_contract_value
    worth = sparse(total_contract_value=None if value is None else canonical(value))
    change = Amend(
        starting_at=body.starting_at,
        terms=terms,
        custom_fields=body.custom_fields,
        echoed=worth | echoed(body),
    )
    edit_id = call.new_id()
    call.engine.edit_contract(contract.id, change, by=call.by, now=call.now, edit_id=edit_id)
    return {"data": {"id": edit_id}}


ROUTES = (
    Route(
        method="POST",
        path="/v1/contracts/amend",
        scope=Scope.WRITE,
        do=amend,
        body=AmendBody,
    ),
)
