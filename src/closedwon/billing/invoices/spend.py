"""Usage spend by any group key of the metrics, as if there were no balances (R288)."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog, Product
from closedwon.billing.invoices.usage import OpenPeriod
from closedwon.billing.pricing import parts
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.billing.rating.quantities import Asked, Increment, increments
from closedwon.billing.rating.slices import Slice, rated
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

SHARE_PLACES = Decimal(1).scaleb(-18)
"""Where a group's share of a tiered amount is cut; the last group takes the rest."""


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of a product's usage cost in one stretch of the period."""

    product_id: str
    name: str
    window: Interval
    group: Mapping[str, str | None]
    """Values of the product's own group keys and of those asked for."""
    quantity: Decimal
    amount: Decimal
    """In the wire unit of ``credit_type_id``, before any balance."""
    credit_type_id: str


Place = tuple[str, Interval, frozenset[tuple[str, str | None]]]
"""Product, stretch and values of the product's own keys: what has one price."""


def grouped(catalog: Catalog, keys: Sequence[str]) -> Catalog:
    """``catalog`` whose usage is split by ``keys`` as well.

    Raises Refused for a metric that has no (compound) group key with them (R35).
    """
    products = {}
    for product in catalog.products.values():
        versions = []
        for version in product.versions:
            own = version.pricing_group_key + version.presentation_group_key
            extra = tuple(key for key in keys if key not in own)
            metric = catalog.metrics.get(version.metric_id or "")
            if metric is not None and not metric.can_group_by(frozenset((*own, *extra))):
                raise Refused(
                    "the metric cannot be grouped by these keys (R35, R288)",
                    metric=metric.id,
                    keys=", ".join((*own, *extra)),
                )
            presented = version.presentation_group_key + extra
            versions.append(replace(version, presentation_group_key=presented))
        products[product.id] = replace(product, versions=tuple(versions))
    return replace(catalog, products=products)


def spend_by(plain: OpenPeriod, split: OpenPeriod, quantities: Quantities) -> Iterator[Spend]:
    """Spend of a period by group; parts of what has one price sum to it exactly.

    ``plain`` prices the usage, ``split`` is the same period under the catalogue ``grouped`` made.
    A tiered amount is shared in proportion to the units.
    """
    if plain.terms is None or split.terms is None:
        return
    for product, asked in _asked(split, quantities):
        own = {v.starting_at: v for v in plain.terms.catalog.products[product.id].versions}
        rises: dict[Place, list[Increment]] = {}
        for rise in increments(product, asked, split.terms.catalog.metrics):
            if rise.units:
                version = own[rise.version.starting_at]
                keys = version.pricing_group_key + version.presentation_group_key
                values = frozenset((key, value) for key, value in rise.identity if key in keys)
                rises.setdefault((product.id, rise.window, values), []).append(rise)
        for piece in _pieces(plain, product, quantities):
            yield from _shared(piece, rises.get(_place(piece), []))


def _asked(period: OpenPeriod, quantities: Quantities) -> Iterator[tuple[Product, list[Asked]]]:
    for _, pairs in groupby(period.demands, key=lambda pair: pair[0].id):
        listed = list(pairs)
        yield (
            listed[0][0],
            [(_of_nobody(demand), quantities.get(demand.key, ())) for _, demand in listed],
        )


def _of_nobody(demand: Demand) -> Demand:
    """Nothing is cut where a seat is named: spend is before any balance."""
    return replace(demand, own_cuts=dict.fromkeys(demand.own_cuts, frozenset[tuple[str, str]]()))


def _pieces(period: OpenPeriod, product: Product, quantities: Quantities) -> Iterator[Slice]:
    for found, asked in _asked(period, quantities):
        if found.id == product.id and period.terms is not None:
            yield from rated(period.terms, found, asked).slices


def _place(piece: Slice) -> Place:
    subject = piece.subject
    values = {**subject.pricing_group_values, **subject.presentation_group_values}
    return (subject.product_id, piece.window, frozenset(values.items()))


def _shared(piece: Slice, rises: Sequence[Increment]) -> Iterator[Spend]:
    """The piece's amount, shared by its groups' units; the last one takes what is left."""
    priced = piece.priced
    amount = sum(
        (part.units * part.unit_price for part in parts(priced.price, piece.begin, piece.end)), ZERO
    )
    units = sum((rise.units for rise in rises), ZERO)
    left = amount
    for number, rise in enumerate(rises, start=1):
        share = left
        if number < len(rises):
            share = (amount * rise.units / units).quantize(SHARE_PLACES) if units else ZERO
        left -= share
        yield Spend(
            product_id=piece.subject.product_id,
            name=piece.name,
            window=piece.window,
            group=dict(rise.identity),
            quantity=rise.units,
            amount=share,
            credit_type_id=priced.credit_type_id,
        )
