"""Customers (metronome.md 2.3; R6, R21-R24, R125)."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Instant, Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.api.query import Flag
from closedwon.api.terms.customer import NAME_LENGTH_MAX, Aliases, CustomerSent, brief, created
from closedwon.billing.account import Billable, Customer
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope

IDS_MAX = 100


class ListQuery(Wire):
    """GET /v1/customers."""

    ingest_alias: str | None = None
    customer_ids: str | None = None
    salesforce_account_ids: str | None = None
    only_archived: Flag = False


class SetName(Wire):
    """The new name."""

    name: str = Field(min_length=1)


class SetAliases(Wire):
    """All of a customer's aliases (R24)."""

    ingest_aliases: Aliases = Field(validation_alias=AliasChoices("ingest_aliases", "aliases"))


class UpdateConfig(Wire):
    """Which CRM account a customer is; null takes the link away."""

    salesforce_account_id: str | None = None
    leave_stripe_invoices_in_draft: bool | None = None


class SetBillable(Wire):
    """From when on invoices are meant to be collected, or not (R290)."""

    customer_id: str
    billable_status: Annotated[str, one_of("billable", "unbillable")]
    effective_at: Instant


def create(call: Call, body: CustomerSent) -> Any:
    """Add a customer; a taken alias or account is a 409."""
    return {"data": brief(created(call, body))}


def retrieve(call: Call, _body: None) -> Any:
    """One customer."""
    customer = call.engine.customer(call.path["customer_id"])
    return {"data": detail(call, customer)}


def list_(call: Call, _body: None) -> Any:
    """Active customers that pass every filter, oldest first."""
    query: ListQuery = call.query
    ids, accounts = _ids(query.customer_ids), _ids(query.salesforce_account_ids)

    def is_wanted(one: Customer) -> bool:
        return (
            (one.archived_at is not None) == query.only_archived
            and (query.ingest_alias is None or query.ingest_alias in one.ingest_aliases)
            and (ids is None or one.id in ids)
            and (accounts is None or one.salesforce_account_id in accounts)
        )

    wanted = [one for one in call.engine.customers() if is_wanted(one)]
    return paged_body(
        wanted,
        call.page,
        lambda one: (format_instant(one.created_at), one.id),
        lambda one: detail(call, one),
    )


def set_name(call: Call, body: SetName) -> Any:
    """Rename a customer."""
    customer_id, name = call.path["customer_id"], body.name[:NAME_LENGTH_MAX]
    call.engine.rename_customer(customer_id, name, call.now, call.by)
    return {"data": brief(call.engine.customer(customer_id))}


def set_ingest_aliases(call: Call, body: SetAliases) -> None:
    """Replace every alias."""
    customer_id = call.path["customer_id"]
    call.engine.set_ingest_aliases(customer_id, body.ingest_aliases, call.now, call.by)


def update_config(call: Call, body: UpdateConfig) -> None:
    """Link a customer to its CRM account; what is not sent stays."""
    if body.leave_stripe_invoices_in_draft:
        raise Refused("leave_stripe_invoices_in_draft: set stripe_leaves_drafts on the server")
    customer_id = call.path["customer_id"]
    call.engine.customer(customer_id)
    if "salesforce_account_id" in body.model_fields_set:
        call.engine.link_account(customer_id, body.salesforce_account_id, call.now, call.by)


def set_billable(call: Call, body: SetBillable) -> None:
    """Flag a customer; what is billed stays the same (R290)."""
    is_billable = body.billable_status == "billable"
    change = Billable(effective_at=body.effective_at, is_billable=is_billable)
    call.engine.set_billable(body.customer_id, change, call.now, call.by)


def archive(call: Call, body: Id) -> Any:
    """Archive a customer with all it has, for good."""
    call.engine.archive_customer(body.id, call.now, call.by)
    return {"data": {"id": body.id}}


def detail(call: Call, customer: Customer) -> dict[str, Any]:
    """As reads answer."""
    marks = call.engine.stores.marks.billable([customer.id]).get(customer.id, ())
    in_force = [mark for mark in marks if mark.effective_at <= call.now]
    return {
        **brief(customer),
        "customer_config": {"salesforce_account_id": customer.salesforce_account_id},
        "created_at": customer.created_at,
        "updated_at": customer.updated_at or customer.created_at,
        "archived_at": customer.archived_at,
        **sparse(current_billable_status=_status(in_force[-1]) if in_force else None),
    }


def _status(mark: Billable) -> dict[str, Any]:
    value = "billable" if mark.is_billable else "unbillable"
    return {"value": value, "effective_at": mark.effective_at}


def _ids(text: str | None) -> frozenset[str] | None:
    """Ids as the SDK sends them, with commas; None for no filter."""
    if text is None:
        return None
    ids = frozenset(text.split(","))
    if len(ids) > IDS_MAX:
        raise Refused(f"at most {IDS_MAX} ids", found=len(ids))
    return ids


ONE = "/v1/customers/{customer_id}"
ROUTES = (
    Route(method="POST", path="/v1/customers", scope=Scope.WRITE, do=create, body=CustomerSent),
    Route(
        method="GET",
        path="/v1/customers",
        scope=Scope.READ,
        do=list_,
        query=ListQuery,
        is_paged=True,
    ),
    Route(method="POST", path="/v1/customers/archive", scope=Scope.WRITE, do=archive, body=Id),
    Route(
        method="POST",
        path="/v1/customers/setBillableStatus",
        scope=Scope.WRITE,
        do=set_billable,
        body=SetBillable,
    ),
    Route(method="GET", path=ONE, scope=Scope.READ, do=retrieve),
    Route(method="POST", path=f"{ONE}/setName", scope=Scope.WRITE, do=set_name, body=SetName),
    Route(
        method="POST",
        path=f"{ONE}/setIngestAliases",
        scope=Scope.WRITE,
        do=set_ingest_aliases,
        body=SetAliases,
    ),
    Route(
        method="POST",
        path=f"{ONE}/updateConfig",
        scope=Scope.WRITE,
        do=update_config,
        body=UpdateConfig,
    ),
)
