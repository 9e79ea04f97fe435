"""What customers have left: lists, one number, adjustments by hand (2.3; R181, R195-R199)."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Do, Route
from closedwon.api.model import Instant, Key, Number, Texts, Wire, one_of, whole
from closedwon.api.paging import asked, paged_body
from closedwon.api.shown.balances import balance_shape
from closedwon.api.shown.showing import Showing, own_contract, showing
from closedwon.billing.balances.net import BalanceFilter
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.engine.command import Author
from closedwon.engine.manual import Adjustment
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope

LIST_MAX = 25
"""Balances of a page (2.1)."""
KINDS = {
    "PREPAID_COMMIT": CommitKind.PREPAID,
    "POSTPAID_COMMIT": CommitKind.POSTPAID,
    "CREDIT": CommitKind.CREDIT,
}
Row = tuple[Commit, Contract | None]
AccessType = Annotated[str, one_of("SPEND", "QUANTITY")]


class ListBody(Wire):
    """POST /v1/contracts/customer{Commits,Credits,Balances}/list."""

    customer_id: str
    id: str | None = Field(
        default=None, validation_alias=AliasChoices("id", "commit_id", "credit_id")
    )
    covering_date: Instant | None = None
    starting_at: Instant | None = None
    effective_before: Instant | None = None
    with_contracts: bool = Field(
        default=False,
        validation_alias=AliasChoices(
            "include_contract_balances", "include_contract_commits", "include_contract_credits"
        ),
    )
    include_archived: bool = False
    include_ledgers: bool = False
    include_balance: bool = False
    exclude_zero_balances: bool = False
    access_type: AccessType | None = None
    limit: Annotated[int, whole(1, LIST_MAX)] | None = None
    next_page: str | None = None


class FilterSent(Wire):
    """AND inside, OR across."""

    balance_types: list[Annotated[str, one_of(*KINDS)]] = []
    ids: list[str] = []
    custom_fields: Texts = {}


class NetBody(Wire):
    """POST /v1/contracts/customerBalances/getNetBalance (R199)."""

    customer_id: str
    credit_type_id: str = USD
    filters: list[FilterSent] = []
    access_type: AccessType | None = None
    invoice_inclusion_mode: Annotated[str, one_of("FINALIZED", "FINALIZED_AND_DRAFT")] = (
        "FINALIZED_AND_DRAFT"
    )


class AdjustBody(Wire):
    """POST /v1/contracts/addManualBalanceLedgerEntry (R198)."""

    customer_id: str
    id: str
    segment_id: str
    amount: Number
    reason: str = Field(min_length=1)
    contract_id: str | None = None
    per_group_amounts: dict[str, Number] = {}
    timestamp: Instant | None = None
    uniqueness_key: Key | None = None


def _lists(kinds: tuple[CommitKind, ...]) -> Do:
    def list_(call: Call, body: ListBody) -> Any:
        """A customer's balances that pass every filter, oldest first."""
        page = asked(body.limit, body.next_page, most=LIST_MAX)
        if body.access_type == "QUANTITY":
            raise Unsupported("access_type: only SPEND is supported (R161)")
        if body.covering_date is not None and (body.starting_at or body.effective_before):
            raise Refused("covering_date: cannot be combined with starting_at or effective_before")
        call.engine.customer(body.customer_id)
        needs_balance = body.include_balance or body.exclude_zero_balances
        show = showing(call, body.customer_id, balance=needs_balance, ledgers=body.include_ledgers)
        wanted = [
            row
            for row in _rows(show, with_contracts=body.with_contracts)
            if row[0].kind in kinds and _is_wanted(show, row, body)
        ]

        def shape(row: Row) -> dict[str, Any]:
            found = balance_shape(show, *row)
            if not body.include_balance:
                found.pop("balance", None)
            return found

        return paged_body(
            wanted, page, lambda row: (format_instant(row[0].created_at), row[0].id), shape
        )

    return list_


def get_net_balance(call: Call, body: NetBody) -> Any:
    """One number in the wire unit of a credit type."""
    if body.access_type == "QUANTITY":
        raise Unsupported("access_type: only SPEND is supported (R161)")
    if body.credit_type_id not in call.engine.catalog().credit_types:
        raise NotFound("no such credit type", credit_type=body.credit_type_id)
    filters = [
        BalanceFilter(
            kinds=tuple(KINDS[name] for name in one.balance_types),
            ids=tuple(one.ids),
            custom_fields=one.custom_fields,
        )
        for one in body.filters
    ]
    left = call.engine.balances.net(
        body.customer_id,
        call.now,
        body.credit_type_id,
        filters,
        with_drafts=body.invoice_inclusion_mode == "FINALIZED_AND_DRAFT",
    )
    return {"data": {"balance": left, "credit_type_id": body.credit_type_id}}


def adjust(call: Call, body: AdjustBody) -> None:
    """Move one segment's balance by hand."""
    call.engine.customer(body.customer_id)
    if body.contract_id is not None:
        own_contract(call, body.customer_id, body.contract_id)
    wanted = Adjustment(
        commit_id=body.id,
        segment_id=body.segment_id,
        amount=body.amount,
        reason=body.reason,
        timestamp=body.timestamp,
        per_seat=body.per_group_amounts,
    )
    author = Author(by=call.by, now=call.now, uniqueness_key=body.uniqueness_key)
    call.engine.balances.adjust(body.customer_id, wanted, author)


def _rows(show: Showing, *, with_contracts: bool) -> Iterator[Row]:
    for commit in show.account.commits:
        if commit.id in show.own:
            yield commit, None
    if with_contracts:
        for contract in show.contracts:
            for commit in contract.commits:
                yield commit, contract


def _is_wanted(show: Showing, row: Row, body: ListBody) -> bool:
    commit, contract = row
    archived = commit.archived_at is not None
    archived = archived or (contract is not None and contract.archived_at is not None)
    left = (show.balances or {}).get(commit.id)
    return (
        body.id in (None, commit.id)
        and (body.include_archived or not archived)
        and not (body.exclude_zero_balances and not left)
        and _is_in_time(commit, body)
    )


def _is_in_time(commit: Commit, body: ListBody) -> bool:
    windows = [segment.window for segment in commit.schedule]
    covering, after, before = body.covering_date, body.starting_at, body.effective_before
    return (
        (covering is None or any(window.covers(covering) for window in windows))
        and (after is None or any(window.until > after for window in windows))
        and (before is None or any(window.start < before for window in windows))
    )


V1 = "/v1/contracts"
COMMITS = (CommitKind.PREPAID, CommitKind.POSTPAID)
LISTS = {
    "customerCommits": COMMITS,
    "customerCredits": (CommitKind.CREDIT,),
    "customerBalances": tuple(CommitKind),
}
ROUTES = (
    *(
        Route(
            method="POST",
            path=f"{V1}/{name}/list",
            scope=Scope.READ,
            do=_lists(kinds),
            body=ListBody,
        )
        for name, kinds in LISTS.items()
    ),
    Route(
        method="POST",
        path=f"{V1}/customerBalances/getNetBalance",
        scope=Scope.READ,
        do=get_net_balance,
        body=NetBody,
    ),
    Route(
        method="POST",
        path=f"{V1}/addManualBalanceLedgerEntry",
        scope=Scope.WRITE,
        do=adjust,
        body=AdjustBody,
    ),
)
