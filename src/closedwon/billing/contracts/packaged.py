"""The contract a package makes: absolute dates, ids of its own (R309)."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.contracts.applicability import Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.packages import (
    Package,
    PackageCommit,
    PackageOrder,
    PackageOverride,
    PackagePoint,
    PackageRecurring,
    Relative,
)
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.terms import AccessSegment, Commit, ScheduledCharge, ScheduleItem
from closedwon.kernel.ids import derive


def expanded(package: Package, contract_id: str, order: PackageOrder) -> Create:
    """The creation of a contract from the package; ids derive from contract and package term."""
    start = order.starting_at
    return Create(
        customer_id=order.customer_id,
        term=Relative(duration=package.duration).on(start),
        name=package.contract_name,
        rate_card_id=package.rate_card_id,
        terms=_terms(package, contract_id, start),
        statement=package.statement,
        prioritization=package.prioritization,
        transition=order.transition,
        net_payment_terms_days=package.net_payment_terms_days,
        charges_on_usage_invoices=package.charges_on_usage_invoices,
        settings=package.settings,
        package_id=package.id,
        uniqueness_key=order.uniqueness_key,
        custom_fields={**package.custom_fields, **order.custom_fields},
    )


def _terms(package: Package, contract_id: str, start: datetime) -> Added:
    def own(term_id: str) -> str:
        return derive("packaged", contract_id, term_id)

    return Added(
        commits=tuple(_commit(one, own(one.id), start) for one in package.commits),
        charges=tuple(
            ScheduledCharge(
                id=own(one.id),
                product_id=one.product_id,
                name=one.name,
                items=_points(one.items, own(one.id), start),
                credit_type_id=one.credit_type_id,
                custom_fields=one.custom_fields,
            )
            for one in package.charges
        ),
        overrides=tuple(_override(one, contract_id, start) for one in package.overrides),
        recurring=tuple(_recurring(one, contract_id, start) for one in package.recurring),
        subscriptions=tuple(
            replace(one.template, id=own(one.template.id), window=one.window.on(start))
            for one in package.subscriptions
        ),
    )


def _commit(given: PackageCommit, commit_id: str, start: datetime) -> Commit:
    segments = tuple(
        AccessSegment(
            id=derive("segment", commit_id, str(number)),
            amount=segment.amount,
            window=segment.window.on(start),
        )
        for number, segment in enumerate(given.segments, start=1)
    )
    return Commit(
        id=commit_id,
        kind=given.kind,
        product_id=given.product_id,
        name=given.name,
        segments=segments,
        payments=_points(given.payments, commit_id, start),
        do_not_invoice=given.do_not_invoice,
        description=given.description,
        priority=given.priority,
        rollover_fraction=given.rollover_fraction,
        applicability=given.applicability,
        rate_type=given.rate_type,
        access_credit_type_id=given.access_credit_type_id,
        payment_credit_type_id=given.payment_credit_type_id,
        created_at=start,
        custom_fields=given.custom_fields,
    )


def _points(
    points: Iterable[PackagePoint], term_id: str, start: datetime
) -> tuple[ScheduleItem, ...]:
    return tuple(
        ScheduleItem(
            id=derive("payment", term_id, str(number)),
            timestamp=point.date_offset.after(start),
            amount=point.unit_price * point.quantity,
            unit_price=point.unit_price,
            quantity=point.quantity,
        )
        for number, point in enumerate(points, start=1)
    )


def _override(given: PackageOverride, contract_id: str, start: datetime) -> Override:
    template = given.template
    named = template.applicability
    return replace(
        template,
        id=derive("packaged", contract_id, template.id),
        window=template.window if given.window is None else given.window.on(start),
        applicability=replace(
            named, specifiers=tuple(_specifier(one, contract_id) for one in named.specifiers)
        ),
    )


def _specifier(given: Specifier, contract_id: str) -> Specifier:
    """Balances are named by the ids they have in the package."""
    names = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")
    own = {
        name: tuple(derive("packaged", contract_id, term) for term in getattr(given, name))
        for name in names
    }
    return replace(given, **own)


def _recurring(given: PackageRecurring, contract_id: str, start: datetime) -> RecurringCommit:
    template = given.template
    seats = template.seats
    if seats is not None:
        followed = derive("packaged", contract_id, seats.subscription_id)
        seats = replace(seats, subscription_id=followed)
    return replace(
        template,
        id=derive("packaged", contract_id, template.id),
        window=given.window.on(start),
        seats=seats,
        created_at=start,
    )
