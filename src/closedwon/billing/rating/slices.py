"""A billing period cut where something changes, with the quantity of every slice (R131, D3)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import groupby

import msgspec

from closedwon.billing.catalog.types import (
    Catalog,
    Product,
    ProductType,
    ProductVersion,
    RateCard,
    Slot,
)
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import LineType
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.billing.rating.matching import Subject, touches_product
from closedwon.billing.rating.quantities import Asked, Group, Identity, increments, measure_of
from closedwon.billing.rating.rates import Priced, priced_at, rate_at
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval, edges


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one product and group in a stretch where nothing changes, from ``begin`` to ``end``.

    What balances can pay comes in this shape: a subscription is its quantity at its price, a
    composite one unit at its amount, a conversion its custom units at their fiat price. Positions
    count entitled units of the billing period (R61-R63, G36); ``end`` below ``begin`` means usage
    was taken back.
    """

    subject: Subject
    name: str
    window: Interval
    begin: Decimal
    end: Decimal
    priced: Priced
    type: LineType = LineType.USAGE
    """What its lines are: usage, subscription, composite or cpu_conversion."""
    subscription_id: str | None = None
    is_prorated: bool = False
    """Of subscription lines: a share of a period's price (R223)."""
    payment_id: str | None = None
    """Charge that is billed once, with whatever lines it is split into."""


Change = tuple[datetime, Applicability]
"""An instant at which lines may change, and which ones."""

Naming = tuple[datetime, Applicability, tuple[str, str]]
"""An instant at which only lines of one group key and value may change, of which products."""


class UsageTerms(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A contract with the card that prices it and the balances that may pay its lines."""

    contract: Contract
    card: RateCard
    catalog: Catalog
    commits: tuple[Commit, ...]

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Where the contract itself may cut its lines: overrides, filters, balances (R131)."""
        windows = [(o.applicability, [o.window]) for o in self.contract.overrides]
        windows += [(c.applicability, [s.window for s in c.segments]) for c in self.commits]
        found = [(at, about) for about, listed in windows for at in edges(listed)]
        found += [(f.starting_at, EVERYTHING) for f in self.contract.usage_filters]
        return tuple(found)

    @cached_property
    def namings(self) -> tuple[Naming, ...]:
        """Where a seat is named inside a segment and may draw its own credit from (R235)."""
        return tuple(
            (more.at, commit.applicability, (commit.seat_group_key, more.seat_id))
            for commit in self.commits
            if commit.seat_group_key is not None
            for segment in commit.segments
            for more in segment.adjustments
            if more.seat_id is not None
        )

    @cached_property
    def composites(self) -> tuple[Product, ...]:
        """Composite products on the card, in card order."""
        listed = (self.catalog.products.get(product_id) for product_id in self.card.by_product)
        return tuple(p for p in listed if p is not None and p.type is ProductType.COMPOSITE)

    def counting(self, product: Product) -> tuple[Product, ...]:
        """Composites whose base counts ``product`` some time (R241)."""
        return tuple(
            composite
            for composite in self.composites
            if composite.id != product.id
            and any(
                version.composite is not None
                and (
                    product.id in version.composite.product_ids
                    or not product.tag_set.isdisjoint(version.composite.product_tags)
                )
                for version in composite.versions
            )
        )

    def products(self, period: Interval) -> Iterator[Product]:
        """Usage products the card sells some time in ``period``, in card order (R53, R134)."""
        for product_id, rates in self.card.by_product.items():
            product = self.catalog.products.get(product_id)
            if product is None or product.type is not ProductType.USAGE:
                continue
            if any(rate.window.overlaps(period) for rate in rates):
                yield product


def demands_in(
    terms: UsageTerms, period: Interval, customer_ids: tuple[str, ...], prefix: str
) -> Iterator[tuple[Product, Demand]]:
    """What to ask the usage store over one period, by product; nothing where there is no metric.

    A product that changes its metric or its group keys in the period asks once for each (R40).
    """
    changes = [(at, about) for at, about in terms.changes if period.splits(at)]
    metrics = terms.catalog.metrics
    for product in terms.products(period):
        cuts = _cuts(terms, product, period, changes)
        own_cuts = _own_cuts(terms, product, cuts)
        cuts = tuple(sorted({*cuts, *own_cuts}))
        measures = dict.fromkeys(measure_of(product.at(start), metrics) for start in cuts[:-1])
        for number, measure in enumerate(measures):
            if measure.metric_id is not None:
                yield (
                    product,
                    Demand(
                        key=f"{prefix}/{product.id}" + (f"/{number}" if number else ""),
                        metric=metrics[measure.metric_id],
                        customer_ids=customer_ids,
                        cuts=cuts,
                        own_cuts=own_cuts,
                        group_keys=measure.group_keys,
                        filters=terms.contract.usage_filters,
                        whole_period=measure.whole_period,
                    ),
                )


def cuts_of(terms: UsageTerms, product: Product, period: Interval) -> tuple[datetime, ...]:
    """Period start, every instant inside where the product's lines may change, period end (D3)."""
    changes = [(at, about) for at, about in terms.changes if period.splits(at)]
    return _cuts(terms, product, period, changes)


def _cuts(
    terms: UsageTerms, product: Product, period: Interval, changes: Sequence[Change]
) -> tuple[datetime, ...]:
    """``changes`` are the contract's own ones inside the period."""
    inside: set[datetime] = set()
    seen: dict[str, Product] = {}
    waiting = [product]
    while waiting:  # A percentage that changes cuts what it is taken of, too (R248).
        one = waiting.pop()
        seen[one.id] = one
        inside |= {at for at in terms.card.changes.get(one.id, ()) if period.splits(at)}
        inside |= {v.starting_at for v in one.versions if period.splits(v.starting_at)}
        inside |= {at for at, about in changes if touches_product(about, one.id, one.tag_set)}
        waiting += [above for above in terms.counting(one) if above.id not in seen]
    return (period.start, *sorted(inside), period.until)


def _own_cuts(
    terms: UsageTerms, product: Product, cuts: Sequence[datetime]
) -> dict[datetime, frozenset[tuple[str, str]]]:
    """Instants between ``cuts`` where seats are named that may have lines of the product."""
    period, common = Interval(cuts[0], cuts[-1]), frozenset(cuts)
    found: dict[datetime, frozenset[tuple[str, str]]] = {}
    for at, about, seat in terms.namings:
        if (
            at not in common
            and period.splits(at)
            and touches_product(about, product.id, product.tag_set)
        ):
            found[at] = found.get(at, frozenset()) | {seat}
    return found


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """What the usage of one product came to over a period."""

    slices: tuple[Slice, ...]
    """Entitled slices with units, or one empty slice for a product without any (R51, R55)."""
    warnings: tuple[str, ...]
    """A warning for every group that was used at a time when it had no rate (R70)."""


def slices(
    terms: UsageTerms, product: Product, demand: Demand, readings: Sequence[Reading]
) -> tuple[Slice, ...]:
    """Slices of a product that asked once, as ``rated`` finds them."""
    return rated(terms, product, [(demand, readings)]).slices


def rated(terms: UsageTerms, product: Product, asked: Sequence[Asked]) -> Rated:
    """Price what was used of ``product``; positions count entitled usage only (G36)."""
    found: list[Slice] = []
    unsold: dict[Identity, str] = {}
    used = increments(product, asked, terms.catalog.metrics)
    for identity, rises in groupby(used, key=lambda rise: rise.identity):
        position = ZERO
        for rise in rises:
            if not rise.units:
                continue
            subject = usage_subject(product, rise.version, rise.group)
            start = rise.window.start
            rates = terms.card.by_slot.get(_slot(subject), ())
            priced = priced_at(terms.contract, rates, subject, start)
            if priced is None:
                if rate_at(rates, subject.pricing_group_values, start) is None:
                    unsold.setdefault(identity, _unsold(rise.version, subject))
                continue
            found.append(
                Slice(
                    subject=subject,
                    name=rise.version.name,
                    window=rise.window,
                    begin=position,
                    end=position + rise.units,
                    priced=priced,
                )
            )
            position += rise.units
    shown = found or _empty(terms, product, asked[0][0])
    return Rated(slices=tuple(shown), warnings=tuple(unsold.values()))


def _slot(subject: Subject) -> Slot:
    return subject.product_id, frozenset(subject.pricing_group_values.items()), None


def _unsold(version: ProductVersion, subject: Subject) -> str:
    named = ", ".join(f"{key}={value}" for key, value in subject.pricing_group_values.items())
    return f"{version.name} was used with {named or 'no dimension'}, which has no rate"


def _empty(terms: UsageTerms, product: Product, demand: Demand) -> Iterator[Slice]:
    """The zero line of a product without pricing keys that is entitled some time (R51)."""
    rates = terms.card.by_product[product.id]
    for start in demand.cuts[:-1]:
        version = product.at(start)
        subject = usage_subject(product, version, (None,) * len(version.presentation_group_key))
        priced = priced_at(terms.contract, rates, subject, start)
        if priced is not None and not version.pricing_group_key:
            window = Interval(demand.cuts[0], demand.cuts[-1])
            yield Slice(
                subject=subject,
                name=version.name,
                window=window,
                begin=ZERO,
                end=ZERO,
                priced=priced,
            )
            return


def usage_subject(product: Product, version: ProductVersion, group: Group) -> Subject:
    """A usage line, as far as rates, overrides and balances can tell lines apart."""
    split = len(version.pricing_group_key)
    pricing = zip(version.pricing_group_key, group, strict=False)
    presentation = zip(version.presentation_group_key, group[split:], strict=False)
    return Subject(
        product_id=product.id,
        product_tags=version.tag_set,
        pricing_group_values={key: value for key, value in pricing if value is not None},
        presentation_group_values=dict(presentation),
    )
