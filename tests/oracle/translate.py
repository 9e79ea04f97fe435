"""A history in the engine's words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from closedwon.billing.balances.recurring import child_id
from closedwon.billing.catalog import types as catalog
from closedwon.billing.contracts import overrides, terms
from closedwon.billing.contracts import recurring as generators
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.pricing import Flat, Tier, Tiered
from closedwon.billing.pricing import Price as EnginePrice
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval
from closedwon.testing.usage import Used
from oracle import history

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
CUSTOMER = "customer"


def decimal(number: Fraction) -> Decimal:
    """Exactly; histories hold terminating decimals only."""
    found = Decimal(number.numerator) / Decimal(number.denominator)
    assert Fraction(found) == number, number
    return found


def id_of(name: str) -> str:
    """The engine's id of a balance; those of children and rollovers are derived (R13)."""
    origin, rolls, new = name.partition(">")
    if rolls:
        return derive("rollover", new, id_of(origin))
    term, is_child, start = name.partition("/")
    return child_id(term, datetime.fromisoformat(start)) if is_child else name


def priced(price: history.Price) -> EnginePrice:
    if price.is_flat:
        return Flat(price=decimal(price.tiers[0][1]))
    return Tiered(
        tiers=tuple(
            Tier(size=None if size is None else decimal(size), price=decimal(each))
            for size, each in price.tiers
        )
    )


def metric(meter: history.Meter) -> catalog.Metric:
    """Group keys are property filters as well, so that events without them never count (R36)."""
    kind = catalog.Aggregation(meter.kind)
    return catalog.Metric(
        id=meter.name,
        name=meter.name,
        aggregation=kind,
        key=None if kind is catalog.Aggregation.COUNT else "value",
        event_types=(meter.event_type,),
        filters=tuple(catalog.PropertyFilter(name=key, exists=True) for key in meter.keys),
        group_keys=(meter.keys,) if meter.keys else (),
        created_at=EPOCH,
    )


def version(product: history.Product, definition: history.Definition) -> catalog.ProductVersion:
    conversion = rounding = None
    if definition.factor is not None:
        conversion = catalog.Conversion(
            factor=decimal(definition.factor), divide=definition.divides
        )
    if definition.rounding is not None:
        rounding = catalog.Rounding(method=definition.rounding, decimal_places=definition.places)
    return catalog.ProductVersion(
        starting_at=definition.since,
        name=product.name,
        tags=definition.tags,
        metric_id=product.meter,
        conversion=conversion,
        rounding=rounding,
        pricing_group_key=product.pricing_keys,
        presentation_group_key=product.shown_keys,
    )


def usage_product(
    product: history.Product, definitions: Iterable[history.Definition]
) -> catalog.Product:
    return catalog.Product(
        id=product.name,
        type=catalog.ProductType.USAGE,
        versions=tuple(version(product, definition) for definition in definitions),
    )


def fixed_product(name: str) -> catalog.Product:
    only = catalog.ProductVersion(starting_at=EPOCH, name=name)
    return catalog.Product(id=name, type=catalog.ProductType.FIXED, versions=(only,))


def rate(number: int, found: history.Rate) -> catalog.Rate:
    return catalog.Rate(
        id=f"rate-{number}",
        rate_card_id="card",
        product_id=found.product,
        window=Interval(found.since, found.until),
        price=priced(found.price),
        entitled=found.entitled,
        pricing_group_values=dict(found.dims),
        commit_price=None if found.commit_price is None else priced(found.commit_price),
    )


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


def recurring(found: history.Recurring) -> generators.RecurringCommit:
    rounding = None
    if found.rounding is not None:
        method, places = found.rounding
        rounding = generators.ProrationRounding(
            method=generators.RoundingMethod(method), decimal_places=places
        )
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


def added(found: history.Terms) -> Added:
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
        terms=added(contract.terms),
        usage_filter=None if contract.filter is None else usage_filter(contract.filter),
        statement=terms.StatementSchedule(
            frequency=Frequency(contract.statement.frequency),
            day=terms.StatementDay(contract.statement.day),
            billing_anchor_date=contract.statement.anchor,
            invoice_generation_starting_at=contract.statement.billed_from,
        ),
        prioritization=scheme,
        transition=transition(contract),
    )


def used(event: history.Event) -> Used:
    return Used(
        transaction_id=event.id,
        customer_id=CUSTOMER,
        event_type=event.kind,
        timestamp=event.at,
        properties=dict(event.properties),
    )
