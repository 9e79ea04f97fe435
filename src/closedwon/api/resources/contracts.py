"""Contracts: created, read and listed, in both versions of the wire (2.7, 2.9; R93-R101)."""

from typing import Any

from msgspec.structs import replace

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Whole, Wire
from closedwon.api.paging import asked, paged
from closedwon.api.shown.contract import contract_v1, contract_v2
from closedwon.api.shown.showing import Showing, own_contract, showing
from closedwon.api.terms.contract import (
    ContractSent,
    ProviderSent,
    added,
    statement,
    transition,
    with_temporary_ids,
)
from closedwon.api.terms.making import Making, making
from closedwon.api.terms.providers import provider_segment
from closedwon.api.terms.settings import balance_threshold, hierarchy, spend_threshold, tracker
from closedwon.billing.catalog.types import RateCard
from closedwon.billing.contracts.edits import ContractSettings, Create
from closedwon.billing.contracts.packages import PackageOrder
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.engine.contracts import EditNote
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import Interval, format_instant
from closedwon.store.tokens import Scope

LIST_MAX = 20
"""Contracts of a page (2.1)."""
WITH_PACKAGE = frozenset(
    {
        "customer_id",
        "starting_at",
        "package_id",
        "package_alias",
        "uniqueness_key",
        "transition",
        "custom_fields",
    }
)
"""All that may stand beside a package (R310)."""


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
    limit: Whole | None = None
    cursor: str | None = None


def create(call: Call, body: ContractSent) -> Any:
    """Add a contract, from its terms or from a package."""
    if body.package_id is not None or body.package_alias is not None:
        return {"data": {"id": _order(call, body)}}
    if body.ending_before is not None and body.ending_before <= body.starting_at:
        raise Refused("ending_before: must be after starting_at (R100)")
    call.engine.customer(body.customer_id)
    card = _card(call, body)
    make = making(call, body.starting_at, card, with_temporary_ids(body))
    contract_id = call.new_id()
    call.engine.create_contract(contract_id, _given(call, make, body), by=call.by, now=call.now)
    return {"data": {"id": contract_id}}


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
    return {"data": rows, "next_page": following}


def list_v2(call: Call, body: ListBody) -> Any:
    """A customer's contracts, oldest first, flat."""
    show, shown, following = _listed(call, body)
    return {"data": [contract_v2(show, one) for one in shown], "next_page": following}


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


def _given(call: Call, make: Making, body: ContractSent) -> Create:
    asked_for = body.usage_filter
    usage_filter = None
    if asked_for is not None:
        usage_filter = UsageFilter(
            group_key=asked_for.group_key,
            group_values=tuple(asked_for.group_values),
            starting_at=asked_for.starting_at or body.starting_at,
        )
    return Create(
        customer_id=body.customer_id,
        term=Interval(body.starting_at, body.ending_before),
        name=body.name,
        rate_card_id=body.rate_card_id or body.rate_card_alias,
        terms=added(make, body),
        usage_filter=usage_filter,
        statement=statement(body.usage_statement_schedule),
        prioritization=body.multiplier_override_prioritization,
        transition=transition(body.transition),
        net_payment_terms_days=body.net_payment_terms_days,
        charges_on_usage_invoices=body.scheduled_charges_on_usage_invoices is not None,
        settings=_settings(call, make, body),
        uniqueness_key=body.uniqueness_key,
        custom_fields=body.custom_fields,
    )


def _settings(call: Call, make: Making, body: ContractSent) -> ContractSettings:
    value = body.total_contract_value
    provider = _provider(call, body.customer_id, body.billing_provider_configuration)
    return ContractSettings(
        spend_threshold=spend_threshold(body.spend_threshold_configuration),
        balance_threshold=balance_threshold(make, body.prepaid_balance_threshold_configuration),
        trackers=tuple(tracker(make, one) for one in body.spend_trackers),
        hierarchy=hierarchy(body.hierarchy_configuration),
        providers=() if provider is None else (replace(provider, effective_at=body.starting_at),),
        echoed=sparse(
            total_contract_value=None if value is None else canonical(value),
            netsuite_sales_order_id=body.netsuite_sales_order_id,
            salesforce_opportunity_id=body.salesforce_opportunity_id,
        ),
    )


def _provider(call: Call, customer_id: str, sent: ProviderSent | None) -> Any:
    return None if sent is None else provider_segment(call, customer_id, sent)


def _card(call: Call, body: ContractSent) -> RateCard | None:
    """The rate card meant, an alias as of the contract's start (R57); raises NotFound."""
    if body.rate_card_id is not None and body.rate_card_alias is not None:
        raise Refused("rate_card_id: give it or rate_card_alias, not both (2.7)")
    cards = call.engine.catalog().rate_cards
    if body.rate_card_id is not None and body.rate_card_id not in cards:
        raise NotFound("no such rate card", rate_card=body.rate_card_id)
    if body.rate_card_alias is None:
        return None if body.rate_card_id is None else cards[body.rate_card_id]
    named = call.engine.stores.catalogue.cards_with_alias(body.rate_card_alias)
    held = [card_id for card_id, window in named if window.covers(body.starting_at)]
    return cards[held[0]] if held else None


def _order(call: Call, body: ContractSent) -> str:
    """A contract from a package; nothing else may be said (R310)."""
    if body.package_id is not None and body.package_alias is not None:
        raise Refused("package_id: give it or package_alias, not both (2.7)")
    extra = sorted(body.model_fields_set - WITH_PACKAGE)
    if extra:
        raise Refused(f"{extra[0]}: cannot be combined with a package (R310)")
    call.engine.customer(body.customer_id)
    contract_id = call.new_id()
    order = PackageOrder(
        customer_id=body.customer_id,
        starting_at=body.starting_at,
        uniqueness_key=body.uniqueness_key,
        transition=transition(body.transition),
        custom_fields=body.custom_fields,
    )
    name = body.package_id or body.package_alias or ""
    call.engine.packages.order(name, contract_id, order, EditNote(by=call.by, now=call.now))
    return contract_id


V1, V2 = "/v1/contracts", "/v2/contracts"
ROUTES = (
    Route(method="POST", path=f"{V1}/create", scope=Scope.WRITE, do=create, body=ContractSent),
    Route(method="POST", path=f"{V1}/get", scope=Scope.READ, do=get_v1, body=GetV1),
    Route(method="POST", path=f"{V2}/get", scope=Scope.READ, do=get_v2, body=GetV2),
    Route(method="POST", path=f"{V1}/list", scope=Scope.READ, do=list_v1, body=ListBody),
    Route(method="POST", path=f"{V2}/list", scope=Scope.READ, do=list_v2, body=ListBody),
)
