"""A history in the engine's words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from closedwon.billing.balances.recurring import child_id
from closedwon.billing.catalog import types as catalog
from closedwon.billing.pricing import Flat, Percentage, Tier, Tiered, TieredPercentage
from closedwon.billing.pricing import Price as EnginePrice
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


def unit(name: str) -> str:
    return catalog.USD if name == "USD" else name


def credit_types(catalogue: history.Catalogue) -> tuple[catalog.CreditType, ...]:
    return tuple(catalog.CreditType(id=name, name=name) for name, _ in catalogue.conversions)


def card(catalogue: history.Catalogue, rates: Iterable[history.Rate]) -> catalog.RateCard:
    return catalog.RateCard(
        id="card",
        name="card",
        rates=(
            *(rate(number, found) for number, found in enumerate(rates)),
            *([] if catalogue.composite is None else [composite_rate(catalogue.composite)]),
            *(fee(number, found) for number, found in enumerate(catalogue.fees)),
        ),
        conversions=tuple(
            catalog.UnitConversion(credit_type_id=name, fiat_per_unit=decimal(cents))
            for name, cents in catalogue.conversions
        ),
        created_at=EPOCH,
    )


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
        metric_id=definition.meter or product.meter,
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


def composite_product(above: history.Composite) -> catalog.Product:
    only = catalog.ProductVersion(
        starting_at=EPOCH,
        name=above.name,
        tags=above.tags,
        composite=catalog.CompositeBase(
            product_ids=above.products, product_tags=above.counted_tags
        ),
    )
    return catalog.Product(id=above.name, type=catalog.ProductType.COMPOSITE, versions=(only,))


def composite_rate(above: history.Composite) -> catalog.Rate:
    minimum = None if above.minimum is None else decimal(above.minimum)
    price: EnginePrice = TieredPercentage(
        tiers=tuple(
            Tier(size=None if size is None else decimal(size), price=decimal(each))
            for size, each in above.price.tiers
        ),
        minimum=minimum,
    )
    if above.price.is_flat:
        price = Percentage(fraction=decimal(above.price.tiers[0][1]), minimum=minimum)
    return catalog.Rate(
        id="rate-composite",
        rate_card_id="card",
        product_id=above.name,
        window=Interval(EPOCH),
        price=price,
    )


def seat_product() -> catalog.Product:
    only = catalog.ProductVersion(starting_at=EPOCH, name="s0")
    return catalog.Product(id="s0", type=catalog.ProductType.SUBSCRIPTION, versions=(only,))


def fee(number: int, found: history.Fee) -> catalog.Rate:
    return catalog.Rate(
        id=f"fee-{number}",
        rate_card_id="card",
        product_id="s0",
        window=Interval(found.since),
        price=Flat(price=decimal(found.price)),
        billing_frequency=found.frequency,
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
        credit_type_id=unit(found.unit),
        commit_price=None if found.commit_price is None else priced(found.commit_price),
    )


def used(event: history.Event) -> Used:
    return Used(
        transaction_id=event.id,
        customer_id=CUSTOMER,
        event_type=event.kind,
        timestamp=event.at,
        properties=dict(event.properties),
    )
