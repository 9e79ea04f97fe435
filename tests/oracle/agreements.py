"""A history's terms in the engine's words."""

from collections.abc import Iterable

from closedwon.billing.contracts import overrides, subscriptions, terms
from closedwon.billing.contracts import recurring as generators
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.instant import Interval
from oracle import history
from oracle.translate import CUSTOMER, EPOCH, decimal, priced, unit


def applicability(selector: history.Selector, commits: tuple[str, ...] = ()) -> Applicability:
    """Balances an override is about are named in its specifiers (R87)."""
    return Applicability(
        product_ids=selector.products,
        product_tags=selector.tags,
        specifiers=tuple(
            Specifier(
                product_id=spec.product,
                product_tags=spec.tags,
                pricing_group_values=dict(spec.pricing),
                presentation_group_values=dict(spec.shown),
                any_commit_or_credit_ids=commits,
            )
            for spec in selector.specs
        ),
    )


def points(payments: Iterable[history.Payment]) -> tuple[terms.ScheduleItem, ...]:
    return tuple(
        terms.ScheduleItem(
            id=payment.name,
            timestamp=payment.at,
            amount=decimal(payment.amount),
            unit_price=decimal(payment.amount),
        )
        for payment in payments
    )


def commit(found: history.Commit) -> terms.Commit:
    return terms.Commit(
        id=found.name,
        kind=terms.CommitKind(found.kind),
        product_id="commit",
        name=found.name,
        segments=tuple(
            terms.AccessSegment(
                id=segment.name,
                amount=decimal(segment.amount),
                window=Interval(segment.since, segment.until),
            )
            for segment in found.segments
        ),
        payments=points(found.payments),
        do_not_invoice=found.is_silent,
        priority=None if found.priority is None else decimal(found.priority),
        rollover_fraction=None if found.rollover is None else decimal(found.rollover),
        applicability=applicability(found.selector),
        rate_type=found.rate_type,
        access_credit_type_id=unit(found.unit),
        created_at=found.created,
    )


def override(found: history.Override) -> overrides.Override:
    target = overrides.OverrideTarget.LIST_RATE
    if found.on_commit_rate:
        target = overrides.OverrideTarget.COMMIT_RATE
    return overrides.Override(
        id=found.name,
        window=Interval(found.since, found.until),
        applicability=applicability(found.selector, found.commits),
        rate=_changed(found),
        entitled=found.entitled,
        priority=None if found.priority is None else decimal(found.priority),
        is_commit_specific=found.is_commit_specific,
        target=target,
    )


def _changed(
    found: history.Override,
) -> overrides.Overwrite | overrides.Multiplier | overrides.TieredMultiplier | None:
    if found.overwrite is not None:
        return overrides.Overwrite(price=priced(found.overwrite))
    if found.times is not None:
        return overrides.Multiplier(multiplier=decimal(found.times))
    if found.ranges:
        return overrides.TieredMultiplier(
            tiers=tuple(
                overrides.MultiplierTier(
                    size=None if size is None else decimal(size), multiplier=decimal(times)
                )
                for size, times in found.ranges
            )
        )
    return None


def subscription(found: history.Subscription, frequency: str) -> subscriptions.Subscription:
    return subscriptions.Subscription(
        id=found.name,
        product_id="s0",
        frequency=Frequency(frequency),
        window=Interval(found.since),
        collection=subscriptions.Collection.ARREARS,
        is_prorated=found.is_prorated,
        invoice_behavior=subscriptions.InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
        rounding=_rounding(found.rounding),
        initial_quantity=decimal(found.quantity),
        quantity_updates=tuple(
            subscriptions.QuantityUpdate(starting_at=at, quantity=decimal(quantity))
            for at, quantity in found.updates
        ),
    )


def _rounding(found: tuple[str, int] | None) -> generators.ProrationRounding | None:
    if found is None:
        return None
    method, places = found
    return generators.ProrationRounding(
        method=generators.RoundingMethod(method), decimal_places=places
    )


def recurring(found: history.Recurring) -> generators.RecurringCommit:
    rounding = _rounding(found.rounding)
    invoice = None
    if found.invoiced is not None:
        invoice = generators.RecurringAmount(unit_price=decimal(found.invoiced))
    return generators.RecurringCommit(
        id=found.name,
        kind=terms.CommitKind.CREDIT if found.is_credit else terms.CommitKind.PREPAID,
        product_id="commit",
        name=found.name,
        access=generators.RecurringAmount(unit_price=decimal(found.amount)),
        invoice=invoice,
        window=Interval(found.since, found.until),
        duration_periods=found.lives,
        frequency=None if found.frequency is None else Frequency(found.frequency),
        proration=generators.Proration(found.proration),
        access_rounding=rounding,
        invoice_rounding=rounding,
        priority=decimal(found.priority),
        rollover_fraction=None if found.rollover is None else decimal(found.rollover),
        rate_type=found.rate_type,
        applicability=applicability(found.selector),
        created_at=EPOCH,
    )


def added(found: history.Terms, frequency: str = "MONTHLY") -> Added:
    return Added(
        commits=tuple(commit(each) for each in found.commits),
        overrides=tuple(override(each) for each in found.overrides),
        charges=tuple(
            terms.ScheduledCharge(
                id=charge.name,
                product_id="fee",
                name=charge.name,
                items=points(charge.payments),
            )
            for charge in found.charges
        ),
        recurring=tuple(recurring(each) for each in found.recurring),
        subscriptions=tuple(subscription(each, frequency) for each in found.subscriptions),
    )


def usage_filter(found: history.Filter) -> terms.UsageFilter:
    return terms.UsageFilter(
        group_key=found.key, group_values=found.values, starting_at=found.since
    )


def transition(contract: history.Contract) -> terms.Transition | None:
    if contract.follows is None:
        return None
    kind = terms.TransitionType.RENEWAL
    if contract.is_supersede:
        kind = terms.TransitionType.SUPERSEDE
    return terms.Transition(
        type=kind,
        from_contract_id=contract.follows,
        removes_trueup=contract.removes_trueup,
    )


def create(contract: history.Contract) -> Create:
    scheme = overrides.Prioritization.LOWEST_MULTIPLIER
    if contract.is_explicit:
        scheme = overrides.Prioritization.EXPLICIT
    return Create(
        customer_id=CUSTOMER,
        term=Interval(contract.since, contract.until),
        rate_card_id="card" if contract.has_card else None,
        terms=added(contract.terms, contract.statement.frequency),
        usage_filter=None if contract.filter is None else usage_filter(contract.filter),
        statement=terms.StatementSchedule(
            frequency=Frequency(contract.statement.frequency),
            day=terms.StatementDay(contract.statement.day),
            billing_anchor_date=contract.statement.anchor,
            invoice_generation_starting_at=contract.statement.billed_from,
        ),
        prioritization=scheme,
        transition=transition(contract),
        charges_on_usage_invoices=contract.is_consolidated,
    )
