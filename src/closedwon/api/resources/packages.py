"""Packages: templates contracts are made from (2.12; R308-R311)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, word
from closedwon.api.paging import paged_body
from closedwon.api.product_shape import EVER
from closedwon.api.shown.packages import package_shape
from closedwon.api.terms.balances import RecurringSent
from closedwon.api.terms.cards import card_meant
from closedwon.api.terms.making import Making, making
from closedwon.api.terms.overrides import OverrideSent
from closedwon.api.terms.packages import (
    AliasSent,
    PackageSent,
    dated,
    package_charge,
    package_commit,
    package_credit,
    package_override,
    package_recurring,
    package_subscription,
)
from closedwon.api.terms.settings import balance_threshold, spend_threshold, tracker
from closedwon.api.terms.subscriptions import SubscriptionSent
from closedwon.billing.catalog.types import Alias
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.packages import Package, PackageCharge, PackageRecurring
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind, StatementSchedule
from closedwon.engine.command import Author
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, format_instant, midnight, wire_instant
from closedwon.store.tokens import Scope

PAGE_DEFAULT = 10
"""Packages of a page (Appendix E)."""


class Which(Wire):
    """A package."""

    package_id: str


class Archived(StrEnum):
    """Which packages a list shows."""

    NOT_ARCHIVED = "NOT_ARCHIVED"
    ARCHIVED = "ARCHIVED"
    ALL = "ALL"


class ListBody(Wire):
    """POST /v1/packages/list."""

    archive_filter: Annotated[Archived, word(Archived)] = Archived.NOT_ARCHIVED


class ContractsBody(Wire):
    """POST /v1/packages/listContractsOnPackage."""

    package_id: str
    covering_date: Instant | None = None
    starting_at: Instant | None = None
    include_archived: bool = False


def create(call: Call, body: PackageSent) -> Any:
    """Add a package."""
    package = _package(call, body)
    author = Author(by=call.by, now=call.now, uniqueness_key=body.uniqueness_key)
    call.engine.packages.create(package, author)
    return {"data": {"id": package.id}}


def get(call: Call, body: Which) -> Any:
    """One package."""
    return {"data": _shape(call, call.engine.packages.get(body.package_id))}


def list_(call: Call, body: ListBody) -> Any:
    """Packages, oldest first."""
    shown = {Archived.NOT_ARCHIVED: (False,), Archived.ARCHIVED: (True,)}
    wanted = shown.get(body.archive_filter, (False, True))
    rows = call.engine.packages.all(archived=True)
    return paged_body(
        [one for one in rows if (one.archived_at is not None) in wanted],
        call.page,
        lambda one: (format_instant(one.created_at), one.id),
        lambda one: _shape(call, one),
    )


def archive(call: Call, body: Which) -> Any:
    """Let no new contract use it."""
    call.engine.packages.archive(body.package_id, Author(by=call.by, now=call.now))
    return {"data": {"id": body.package_id}}


def contracts_on(call: Call, body: ContractsBody) -> Any:
    """Contracts made from a package."""
    if body.covering_date is not None and body.starting_at is not None:
        raise Refused("covering_date: cannot be combined with starting_at")
    call.engine.packages.get(body.package_id)
    ids = call.engine.packages.contracts_on(body.package_id)
    found = [call.engine.contract(one) for one in ids]
    wanted = [one for one in found if _is_wanted(one, body)]
    return paged_body(
        wanted, call.page, lambda one: (format_instant(one.created_at), one.id), _contract
    )


def _is_wanted(contract: Contract, body: ContractsBody) -> bool:
    return (
        (body.include_archived or contract.archived_at is None)
        and (body.covering_date is None or contract.term.covers(body.covering_date))
        and (body.starting_at is None or contract.term.start >= body.starting_at)
    )


def _contract(contract: Contract) -> dict[str, Any]:
    return {
        "contract_id": contract.id,
        "customer_id": contract.customer_id,
        "starting_at": contract.term.start,
        "ending_before": contract.term.end,
        "archived_at": contract.archived_at,
    }


def _shape(call: Call, package: Package) -> dict[str, Any]:
    rows = call.engine.stores.audit.rows(resource_id=package.id, limit=1)
    return package_shape(call.engine.catalog(), package, rows[0].by if rows else "")


def _package(call: Call, body: PackageSent) -> Package:
    anchor = wire_instant(midnight(call.now.date()))

    def each(kind: Any, name: str) -> list[Any]:
        rows: list[Mapping[str, Any]] = getattr(body, name)
        return [dated(kind, row, anchor, f"{name}.{at}") for at, row in enumerate(rows)]

    overrides = each(OverrideSent, "overrides")
    sold = each(SubscriptionSent, "subscriptions")
    recurring = {
        CommitKind.PREPAID: each(RecurringSent, "recurring_commits"),
        CommitKind.CREDIT: each(RecurringSent, "recurring_credits"),
    }
    named = [sent for rows in (sold, *recurring.values()) for sent, _ in rows]
    make = making(
        call,
        call.now,
        card_meant(call, body.rate_card_id, body.rate_card_alias, call.now),
        [*body.commits, *named],
    )
    return Package(
        id=call.new_id(),
        name=body.name,
        aliases=tuple(_alias(call, one) for one in body.aliases),
        rate_card_id=body.rate_card_id or body.rate_card_alias,
        duration=None if body.duration is None else body.duration.span,
        contract_name=body.contract_name,
        commits=_commits(make, body),
        charges=_charges(make, body),
        overrides=tuple(
            package_override(make, one, f"overrides.{at}") for at, one in enumerate(overrides)
        ),
        recurring=_recurring(make, recurring),
        subscriptions=tuple(
            package_subscription(make, one, f"subscriptions.{at}") for at, one in enumerate(sold)
        ),
        statement=_statement(body),
        prioritization=body.multiplier_override_prioritization,
        net_payment_terms_days=body.net_payment_terms_days,
        charges_on_usage_invoices=body.scheduled_charges_on_usage_invoices is not None,
        settings=_settings(make, body),
        billing_provider=body.billing_provider,
        delivery_method=body.delivery_method,
        uniqueness_key=body.uniqueness_key,
        custom_fields=body.custom_fields,
        created_at=call.now,
    )


def _commits(make: Making, body: PackageSent) -> Any:
    commits = enumerate(body.commits)
    credits_ = enumerate(body.credits)
    return (
        *(package_commit(make, one, f"commits.{at}") for at, one in commits),
        *(package_credit(make, one, f"credits.{at}") for at, one in credits_),
    )


def _charges(make: Making, body: PackageSent) -> tuple[PackageCharge, ...]:
    return tuple(
        package_charge(make, one, f"scheduled_charges.{at}")
        for at, one in enumerate(body.scheduled_charges)
    )


def _recurring(make: Making, sent: Mapping[CommitKind, Any]) -> tuple[PackageRecurring, ...]:
    return tuple(
        package_recurring(make, one, kind, f"recurring.{at}")
        for kind, rows in sent.items()
        for at, one in enumerate(rows)
    )


def _statement(body: PackageSent) -> StatementSchedule:
    sent = body.usage_statement_schedule
    if sent is None:
        return StatementSchedule()
    return StatementSchedule(frequency=sent.frequency, day=sent.day)


def _settings(make: Making, body: PackageSent) -> ContractSettings:
    return ContractSettings(
        spend_threshold=spend_threshold(body.spend_threshold_configuration),
        balance_threshold=balance_threshold(make, body.prepaid_balance_threshold_configuration),
        trackers=tuple(tracker(make, one) for one in body.spend_trackers),
    )


def _alias(call: Call, sent: AliasSent) -> Alias:
    """From ever, unless another package has the name now: then from now (R308)."""
    taken = call.engine.stores.packages.with_alias(sent.name, call.now)
    start = sent.starting_at or (EVER if taken is None else call.now)
    if sent.ending_before is not None and sent.ending_before <= start:
        raise Refused("aliases: ending_before must be after starting_at", alias=sent.name)
    return Alias(name=sent.name, window=Interval(start, sent.ending_before))


V1 = "/v1/packages"
ROUTES = (
    Route(method="POST", path=f"{V1}/create", scope=Scope.WRITE, do=create, body=PackageSent),
    Route(method="POST", path=f"{V1}/get", scope=Scope.READ, do=get, body=Which),
    Route(
        method="POST",
        path=f"{V1}/list",
        scope=Scope.READ,
        do=list_,
        body=ListBody,
        is_paged=True,
        page_default=PAGE_DEFAULT,
    ),
    Route(method="POST", path=f"{V1}/archive", scope=Scope.WRITE, do=archive, body=Which),
    Route(
        method="POST",
        path=f"{V1}/listContractsOnPackage",
        scope=Scope.READ,
        do=contracts_on,
        body=ContractsBody,
        is_paged=True,
    ),
)
