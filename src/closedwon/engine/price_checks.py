"""Which price a product may have, on a card or by an override (R45, R64-R68, R77-R90, App. C)."""

from collections.abc import Iterable
from decimal import Decimal

from closedwon.billing.catalog.types import Catalog, Product, ProductType, RateCard
from closedwon.billing.contracts.applicability import Specifier
from closedwon.billing.contracts.overrides import (
    Multiplier,
    Override,
    OverrideTarget,
    Overwrite,
    Prioritization,
    TieredMultiplier,
)
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tiered,
    TieredPercentage,
    custom,
)
from closedwon.kernel.errors import Refused

BILLING_FREQUENCIES = ("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")
"""What a subscription rate may be billed by (2.6)."""

MODELS: dict[ProductType, tuple[type[Price], ...]] = {
    ProductType.USAGE: (Flat, Tiered, Custom),
    ProductType.SUBSCRIPTION: (Flat,),
    ProductType.COMPOSITE: (Percentage, TieredPercentage),
}
"""Price models by product type; the types left out have their price on the contract (R156)."""


def check_price(product: Product, price: Price, term_id: str) -> None:
    """Raise Refused for a price the product's type cannot have (R45, R64, R68, R156)."""
    allowed = MODELS.get(product.type, ())
    if not allowed:
        raise Refused(
            f"a {product.type.value.lower()} product has no rate (R156)",
            product=product.id,
            term=term_id,
        )
    if not isinstance(price, allowed):
        raise Refused(
            "the product's type cannot have this price (R45, R64)",
            product=product.id,
            found=type(price).__name__,
            expected=" or ".join(model.__name__ for model in allowed),
        )
    if any(fraction > 1 for fraction in _fractions(price)):
        raise Refused("a percentage lies in 0..1 (R64)", product=product.id, term=term_id)
    if isinstance(price, Custom):
        custom.tiers_of(price)


def check_override(catalog: Catalog, override: Override, scheme: Prioritization) -> None:
    """Raise Refused for an override that cannot stand on a contract with this scheme."""
    _check_scheme(override, scheme)
    _check_balances(override)
    for product_id in override.applicability.product_ids:
        product = catalog.products[product_id]
        if product.type is ProductType.SUBSCRIPTION:
            raise _needs_frequency(override, product)
    for specifier in override.applicability.specifiers:
        _check_frequency(catalog, override, specifier)
    if isinstance(override.rate, Overwrite):
        _check_overwrite(catalog, override, override.rate.price)


def check_units(card: RateCard | None, overrides: Iterable[Override]) -> None:
    """Raise Refused for an OVERWRITE in another unit than the rates it replaces (R251)."""
    sold = {} if card is None else card.by_product
    for override in overrides:
        if not isinstance(override.rate, Overwrite) or _fractions(override.rate.price):
            continue
        for specifier in _selected(override):
            units = {
                rate.credit_type_id
                for rate in sold.get(specifier.product_id or "", ())
                if rate.pricing_group_values == specifier.pricing_group_values
            }
            if units and override.rate.credit_type_id not in units:
                raise Refused(
                    "an OVERWRITE is in the unit of the rate it replaces (R251)",
                    override=override.id,
                    found=override.rate.credit_type_id,
                    expected=", ".join(sorted(units)),
                )


def _selected(override: Override) -> tuple[Specifier, ...]:
    """What it names as specifiers, products alone among them."""
    named = override.applicability
    return named.specifiers or tuple(Specifier(product_id=p) for p in named.product_ids)


def _fractions(price: Price) -> tuple[Decimal, ...]:
    match price:
        case Percentage(fraction=fraction):
            return (fraction,)
        case TieredPercentage(tiers=tiers):
            return tuple(tier.price for tier in tiers)
        case _:
            return ()


def _check_scheme(override: Override, scheme: Prioritization) -> None:
    """R83, R84."""
    is_explicit = scheme is Prioritization.EXPLICIT
    if isinstance(override.rate, TieredMultiplier) and not is_explicit:
        raise Refused(
            "a TIERED override needs multiplier_override_prioritization EXPLICIT (R84)",
            override=override.id,
        )
    multiplies = isinstance(override.rate, Multiplier | TieredMultiplier)
    if multiplies and is_explicit and override.priority is None:
        raise Refused(
            "under EXPLICIT every multiplier needs a priority (R83)", override=override.id
        )


def _check_balances(override: Override) -> None:
    """R87, R88."""
    if override.target is OverrideTarget.COMMIT_RATE and not override.is_commit_specific:
        raise Refused("only a commit-specific override targets COMMIT_RATE (R88)", id=override.id)
    for specifier in override.applicability.specifiers:
        if not specifier.balance_ids:
            continue
        if not override.is_commit_specific:
            raise Refused("balances are named by commit-specific overrides (R87)", id=override.id)
        selects = (
            specifier.product_id,
            specifier.product_tags,
            specifier.pricing_group_values,
            specifier.presentation_group_values,
        )
        if not any(selects):
            raise Refused(
                "a specifier that names balances needs a product, tags or group values (R87)",
                override=override.id,
            )


def _check_frequency(catalog: Catalog, override: Override, specifier: Specifier) -> None:
    """Product and billing frequency go together, for subscription products only (R90)."""
    product = catalog.products.get(specifier.product_id or "")
    frequency = specifier.billing_frequency
    if frequency is None:
        if product is not None and product.type is ProductType.SUBSCRIPTION:
            raise _needs_frequency(override, product)
        return
    if product is None or product.type is not ProductType.SUBSCRIPTION:
        raise Refused(
            "billing_frequency goes with the product_id of a subscription product (R90)",
            override=override.id,
        )
    if frequency not in BILLING_FREQUENCIES:
        expected = ", ".join(BILLING_FREQUENCIES)
        raise Refused("no such billing frequency (R90)", found=frequency, expected=expected)
    if override.is_commit_specific or isinstance(override.rate, TieredMultiplier):
        raise Refused(
            "a subscription has one FLAT price, whoever pays and how many there are (R67)",
            override=override.id,
        )


def _needs_frequency(override: Override, product: Product) -> Refused:
    return Refused(
        "an override of a subscription rate needs product_id and billing_frequency (R90)",
        override=override.id,
        product=product.id,
    )


def _check_overwrite(catalog: Catalog, override: Override, price: Price) -> None:
    """An OVERWRITE names one price: its product with every pricing value (R77, R78)."""
    specifiers = _selected(override)
    if not specifiers or not all(specifier.product_id for specifier in specifiers):
        raise Refused("an OVERWRITE needs its product (R77)", override=override.id)
    for specifier in specifiers:
        if specifier.presentation_group_values:
            raise Refused("an OVERWRITE cannot select presentation values (R78)", id=override.id)
        product = catalog.products[specifier.product_id or ""]
        keys = product.at(override.window.start).pricing_group_key
        if set(specifier.pricing_group_values) != set(keys):
            raise Refused(
                "an OVERWRITE needs a value for every pricing key of its product (R77)",
                override=override.id,
                expected=", ".join(keys) or "none",
            )
        check_price(product, price, override.id)
