"""Contracts: created, read and listed, in both versions of the wire (2.7, 2.9; R93-R101)."""

from typing import Annotated, Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, whole
from closedwon.api.paging import asked, paged
from closedwon.api.shown.contract import contract_v1, contract_v2
from closedwon.api.shown.showing import Showing, own_contract, showing
from closedwon.api.terms.contract import ContractSent
from closedwon.api.terms.creation import created
from closedwon.billing.contracts.state import Contract
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope

LIST_MAX = 20
"""Contracts of a page (2.1)."""


class GetV1(Wire):
    """POST /v1/contracts/get."""

    customer_id: str
    contract_id: str
    include_ledgers: bool = False
    include_balance: bool = False


class GetV2(Wire):
    """POST /v2/contracts/get."""

    customer_id: str
    contract_id: str
    include_ledgers: bool = False
    include_balance: bool = False
    as_of_date: Instant | None = None


class ListBody(Wire):
    """POST /v1/contracts/list and /v2/contracts/list."""

    customer_id: str
    covering_date: Instant | None = None
    starting_at: Instant | None = None
    include_archived: bool = False
    include_ledgers: bool = False
    include_balance: bool = False
    limit: Annotated[int, whole(1, LIST_MAX)] | None = None
    cursor: str | None = None


def create(call: Call, body: ContractSent) -> Any:
    """Add a contract, from its terms or from a package."""
    return {"data": {"id": created(call, body.customer_id, body)}}


def get_v1(call: Call, body: GetV1) -> Any:
    """One contract as created, as it is, and its amendments."""
    own_contract(call, body.customer_id, body.contract_id)
    show = showing(
        call, body.customer_id, balance=body.include_balance, ledgers=body.include_ledgers
    )
    edits = call.engine.edits(body.contract_id)
    return {"data": contract_v1(show, show.contract(body.contract_id), edits)}


def get_v2(call: Call, body: GetV2) -> Any:
    """One contract, flat; ``as_of_date`` shows what was known then (R115)."""
    if body.as_of_date is not None and body.include_ledgers:
        raise Refused("as_of_date: cannot be combined with include_ledgers (R115)")
    own_contract(call, body.customer_id, body.contract_id)
    show = showing(
        call,
        body.customer_id,
        as_of=body.as_of_date,
        balance=body.include_balance,
        ledgers=body.include_ledgers,
    )
    return {"data": contract_v2(show, show.contract(body.contract_id))}


def list_v1(call: Call, body: ListBody) -> Any:
    """A customer's contracts, oldest first."""
    show, shown, following = _listed(call, body)
    rows = [contract_v1(show, one, call.engine.edits(one.id)) for one in shown]
    return {"data": rows, "next_page": following, "cursor": following}


def list_v2(call: Call, body: ListBody) -> Any:
    """A customer's contracts, oldest first, flat."""
    show, shown, following = _listed(call, body)
    rows = [contract_v2(show, one) for one in shown]
    return {"data": rows, "next_page": following, "cursor": following}


def _listed(call: Call, body: ListBody) -> tuple[Showing, list[Contract], str | None]:
    if body.covering_date is not None and body.starting_at is not None:
        raise Refused("covering_date: cannot be combined with starting_at")
    page = asked(body.limit, body.cursor, most=LIST_MAX)
    call.engine.customer(body.customer_id)
    show = showing(
        call, body.customer_id, balance=body.include_balance, ledgers=body.include_ledgers
    )
    wanted = [one for one in show.contracts if _is_wanted(one, body)]
    shown, following = paged(wanted, page, lambda one: (format_instant(one.created_at), one.id))
    return show, shown, following


def _is_wanted(contract: Contract, body: ListBody) -> bool:
    return (
        (body.include_archived or contract.archived_at is None)
        and (body.covering_date is None or contract.term.covers(body.covering_date))
        and (body.starting_at is None or contract.term.start >= body.starting_at)
    )


V1, V2 = "/v1/contracts", "/v2/contracts"
ROUTES = (
    Route(method="POST", path=f"{V1}/create", scope=Scope.WRITE, do=create, body=ContractSent),
    Route(method="POST", path=f"{V1}/get", scope=Scope.READ, do=get_v1, body=GetV1),
    Route(method="POST", path=f"{V2}/get", scope=Scope.READ, do=get_v2, body=GetV2),
    Route(method="POST", path=f"{V1}/list", scope=Scope.READ, do=list_v1, body=ListBody),
    Route(method="POST", path=f"{V2}/list", scope=Scope.READ, do=list_v2, body=ListBody),
)
