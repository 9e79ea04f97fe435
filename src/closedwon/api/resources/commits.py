"""Commits and credits one by one: of customers, edited, ended, archived, paid (2.3; R109-R215)."""

from typing import Annotated, Any

from msgspec.structs import replace
from pydantic import AliasChoices, Field

from closedwon.api.call import Call, Do, Route
from closedwon.api.model import Instant, Key, Number, Wire, one_of
from closedwon.api.shown.showing import own_contract
from closedwon.api.terms.balances import BalanceSent, UndatedBalanceSent, commit, credit
from closedwon.api.terms.making import making
from closedwon.api.terms.schedules import AccessScheduleSent, ScheduleSent
from closedwon.api.terms.updates import BalanceUpdateSent, commit_patch
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.engine import customer_terms
from closedwon.engine.command import Author
from closedwon.engine.customer_terms import Held
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.tokens import Scope


class CreateBody(UndatedBalanceSent):
    """POST /v1/contracts/customerCommits/create and customerCredits/create."""

    customer_id: str
    access_schedule: AccessScheduleSent
    priority: Number
    invoice_schedule: ScheduleSent | None = None
    invoice_contract_id: str | None = None
    applicable_contract_ids: list[str] = []
    netsuite_sales_order_id: str | None = None
    salesforce_opportunity_id: str | None = None
    uniqueness_key: Key | None = None


class EndBody(Wire):
    """POST /v1/contracts/customerCommits/updateEndDate and customerCredits/updateEndDate (R215)."""

    customer_id: str
    commit_id: str = Field(validation_alias=AliasChoices("commit_id", "credit_id"))
    access_ending_before: Instant | None = None
    invoices_ending_before: Instant | None = None


class Which(Wire):
    """A commit or credit of a customer."""

    customer_id: str
    commit_id: str = Field(validation_alias=AliasChoices("commit_id", "credit_id"))


class TrueupBody(Wire):
    """POST /v1/contracts/commits/disableTrueup (R190)."""

    customer_id: str
    contract_id: str
    commit_id: str
    amendment_id: str | None = None


class ReleaseBody(Wire):
    """POST /v1/contracts/commits/threshold-billing/release (R262)."""

    workflow_id: str
    outcome: Annotated[str, one_of("PAID", "FAILED")]


SHARED = set(CreateBody.model_fields) & set(BalanceSent.model_fields)


def _create(kind: str) -> Do:
    made = commit if kind == "commit" else credit

    def create(call: Call, body: CreateBody) -> Any:
        """Give a customer a balance of its own."""
        call.engine.customer(body.customer_id)
        make = making(call, call.now, None, ())
        sent = BalanceSent.model_construct(**{name: getattr(body, name) for name in SHARED})
        if kind == "credit" and body.invoice_contract_id is not None:
            raise Refused("invoice_contract_id: unknown field; a credit is free")
        own = replace(
            made(make, sent, ""),
            contract_ids=tuple(body.applicable_contract_ids),
            invoice_contract_id=body.invoice_contract_id,
        )
        author = Author(by=call.by, now=call.now, uniqueness_key=body.uniqueness_key)
        call.engine.balances.create(body.customer_id, own, author)
        return {"data": {"id": own.id}}

    return create


def _end(kind: str) -> Do:
    def end(call: Call, body: EndBody) -> Any:
        """Move the end of access, drop later payments."""
        if body.access_ending_before is None and body.invoices_ending_before is None:
            raise Refused("access_ending_before: give it, or invoices_ending_before (R215)")
        if kind == "credit" and body.invoices_ending_before is not None:
            raise Refused("invoices_ending_before: unknown field; a credit is free")
        _held(call, body.customer_id, body.commit_id, kind)
        call.engine.balances.end(
            body.commit_id, _author(call), body.access_ending_before, body.invoices_ending_before
        )
        return {"data": {"id": body.commit_id}}

    return end


def _edit(kind: str) -> Do:
    def edit(call: Call, body: BalanceUpdateSent) -> Any:
        """Change one balance, whoever holds it."""
        if body.customer_id is None:
            raise Refused("customer_id: required")
        known = _held(call, body.customer_id, body.commit_id, kind).commit
        make = making(call, call.now, None, ())
        call.engine.balances.replace(
            _edited(known, body, commit_patch(make, body, "")), _author(call)
        )
        return {"data": {"id": body.commit_id}}

    return edit


def _archive(kind: str) -> Do:
    def archive(call: Call, body: Which) -> Any:
        """End one balance for good."""
        _held(call, body.customer_id, body.commit_id, kind)
        call.engine.balances.archive(body.commit_id, _author(call))
        return {"data": {"id": body.commit_id}}

    return archive


def disable_trueup(call: Call, body: TrueupBody) -> Any:
    """Let a postpaid commit's shortfall expire instead of billing it."""
    own_contract(call, body.customer_id, body.contract_id)
    held = _held(call, body.customer_id, body.commit_id, "commit")
    if held.contract_id != body.contract_id:
        raise NotFound("no such commit on the contract", commit=body.commit_id)
    call.engine.balances.disable_trueup(body.commit_id, _author(call))
    return {"data": {"id": body.commit_id}}


def release(call: Call, body: ReleaseBody) -> None:
    """Say how the payment of a gated purchase went."""
    commit_id = _gated(call, body.workflow_id)
    call.engine.balances.resolve_payment(commit_id, _author(call), paid=body.outcome == "PAID")


def _edited(known: Commit, body: BalanceUpdateSent, patch: Any) -> Commit:
    edited: Commit = patch.of(known)
    if "applicable_contract_ids" in body.model_fields_set:
        edited = replace(edited, contract_ids=tuple(body.applicable_contract_ids or ()))
    return edited


def _held(call: Call, customer_id: str, commit_id: str, kind: str) -> Held:
    """A commit (or credit) of this customer; raises NotFound."""
    call.engine.customer(customer_id)
    held = customer_terms.find(call.engine.stores, commit_id, call.now)
    is_credit = held.commit.kind is CommitKind.CREDIT
    if held.customer_id != customer_id or is_credit is not (kind == "credit"):
        raise NotFound(f"the customer has no such {kind}", id=commit_id)
    return held


def _gated(call: Call, workflow_id: str) -> str:
    """The purchase with this workflow; raises NotFound."""
    contracts = call.engine.stores.contracts
    for contract_id in contracts.ids():
        contract = contracts.get(contract_id)
        for one in () if contract is None else contract.commits:
            if one.gate is not None and one.gate.workflow_id == workflow_id:
                return one.id
    raise NotFound("no purchase has this workflow", workflow=workflow_id)


def _author(call: Call) -> Author:
    return Author(by=call.by, now=call.now)


V1, V2 = "/v1/contracts", "/v2/contracts"


def _routes(kind: str, of_customer: str, plural: str) -> tuple[Route, ...]:
    known = (
        (f"{V1}/{of_customer}/create", _create(kind), CreateBody),
        (f"{V1}/{of_customer}/updateEndDate", _end(kind), EndBody),
        (f"{V2}/{plural}/edit", _edit(kind), BalanceUpdateSent),
        (f"{V2}/{plural}/archive", _archive(kind), Which),
    )
    return tuple(
        Route(method="POST", path=path, scope=Scope.WRITE, do=do, body=body)
        for path, do, body in known
    )


ROUTES = (
    *_routes("commit", "customerCommits", "commits"),
    *_routes("credit", "customerCredits", "credits"),
    Route(
        method="POST",
        path=f"{V1}/commits/disableTrueup",
        scope=Scope.WRITE,
        do=disable_trueup,
        body=TrueupBody,
    ),
    Route(
        method="POST",
        path=f"{V1}/commits/threshold-billing/release",
        scope=Scope.WRITE,
        do=release,
        body=ReleaseBody,
    ),
)
