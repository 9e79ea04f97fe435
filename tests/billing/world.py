"""A tiny exact world for billing tests: events in a list, readings by brute force, a finalizer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill, BillingSettings, Customer
from closedwon.billing.bill import bill, demands
from closedwon.billing.catalog.types import (
    Aggregation,
    Catalog,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Change, Edit
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
)
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.billing.pricing import Flat, Price
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.kernel.instant import Interval

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = BillingSettings()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str | None = None) -> Interval:
    return Interval(at(start), None if end is None else at(end))


def metric(name: str, aggregation: Aggregation = Aggregation.SUM, **more: object) -> Metric:
    key = None if aggregation is Aggregation.COUNT else "value"
    fields = {"id": f"m-{name}", "name": name, "event_types": (name,), "created_at": EPOCH}
    return Metric(**{**fields, "aggregation": aggregation, "key": key, **more})  # type: ignore[arg-type]


def usage_product(name: str, *tags: str, **more: object) -> Product:
    fields = {"starting_at": EPOCH, "name": name, "tags": tags, "metric_id": f"m-{name}"}
    version = ProductVersion(**{**fields, **more})  # type: ignore[arg-type]
    return Product(id=f"p-{name}", type=ProductType.USAGE, versions=(version,))


def fixed_product(name: str) -> Product:
    version = ProductVersion(starting_at=EPOCH, name=name)
    return Product(id=f"p-{name}", type=ProductType.FIXED, versions=(version,))


def rate(name: str, price: Price | str, window: Interval | None = None, **more: object) -> Rate:
    priced = Flat(price=Decimal(price)) if isinstance(price, str) else price
    fields = {"id": f"r-{name}-{more}", "rate_card_id": "card", "product_id": f"p-{name}"}
    return Rate(**{**fields, "window": window or Interval(EPOCH), "price": priced, **more})  # type: ignore[arg-type]


def catalog(
    products: Sequence[Product], metrics: Sequence[Metric], rates: Sequence[Rate]
) -> Catalog:
    card = RateCard(id="card", name="card", rates=tuple(rates), created_at=EPOCH)
    return Catalog(
        metrics={m.id: m for m in metrics},
        products={p.id: p for p in products},
        rate_cards={card.id: card},
    )


def commit(
    name: str, *segments: tuple[str, str, str], payments: Mapping[str, str] = {}, **more: object
) -> Commit:
    """Segments as (dollars, start, end), payments as date -> dollars; ids from names."""
    fields = {
        "id": name,
        "kind": CommitKind.PREPAID,
        "product_id": "p-commit",
        "name": name,
        "created_at": EPOCH,
        "segments": tuple(
            AccessSegment(id=f"{name}{n}", amount=cents(amount), window=span(start, end))
            for n, (amount, start, end) in enumerate(segments, start=1)
        ),
        "payments": items(name, payments),
    }
    return Commit(**{**fields, **more})  # type: ignore[arg-type]


def items(name: str, payments: Mapping[str, str]) -> tuple[ScheduleItem, ...]:
    return tuple(
        ScheduleItem(id=f"{name}@{day}", timestamp=at(day), amount=cents(a), unit_price=cents(a))
        for day, a in payments.items()
    )


def charge(name: str, payments: Mapping[str, str]) -> ScheduledCharge:
    return ScheduledCharge(id=name, product_id=f"p-{name}", name=name, items=items(name, payments))


def multiplier(tag: str, by: str, start: str, end: str | None = None) -> Override:
    return Override(
        id=f"{tag}*{by}@{start}",
        window=span(start, end),
        applicability=Applicability(product_tags=(tag,)),
        rate=Multiplier(multiplier=Decimal(by)),
    )


def cents(dollars: str | Decimal) -> Decimal:
    return Decimal(dollars) * 100


def dollars(wire: Decimal) -> Decimal:
    return (wire / 100).quantize(Decimal("0.01"))


def contract(contract_id: str, *changes: Change, at_instant: datetime = EPOCH) -> Contract:
    return contract_of(
        [
            Edit(
                id=f"{contract_id}-e{n}",
                contract_id=contract_id,
                at=at_instant,
                by="test",
                change=c,
            )
            for n, c in enumerate(changes)
        ]
    )


class World:
    """One customer, its usage and its finalized invoices."""

    def __init__(self, catalog: Catalog, contracts: Sequence[Contract], **more: object) -> None:
        self.catalog = catalog
        self.account = Account(
            customer=Customer(id="customer", name="Customer", created_at=EPOCH),
            contracts=tuple(contracts),
            **more,  # type: ignore[arg-type]
        )
        self.events: list[tuple[str, datetime, Decimal, Mapping[str, str]]] = []

    def use(self, name: str, when: str, value: str | Decimal, **properties: str) -> None:
        self.events.append((name, at(when), Decimal(value), properties))

    def bill(self, now: str, settings: BillingSettings = SETTINGS) -> Bill:
        asked = demands(self.account, self.catalog, at(now))
        quantities = {d.key: tuple(self._readings(d)) for d in asked}
        return bill(self.account, self.catalog, quantities, at(now), settings)

    def finalize(self, now: str, settings: BillingSettings = SETTINGS) -> Bill:
        """Freeze what is due; the bill that did it."""
        billed = self.bill(now, settings)
        due = [i for i in billed.invoices if i.issued_at <= at(now)]
        frozen = [replace(i, status=InvoiceStatus.FINALIZED, finalized_at=at(now)) for i in due]
        self.account = replace(self.account, finalized=(*self.account.finalized, *frozen))
        return billed

    def invoices(self, kind: str = "USAGE") -> list[Invoice]:
        return [i for i in self.account.finalized if i.type == kind]

    def _readings(self, demand: Demand) -> Iterable[Reading]:
        keys = demand.group_keys
        mine = sorted(
            (
                (tuple(p.get(k) for k in keys), when, value)
                for name, when, value, p in self.events
                if name in demand.metric.event_types
                and demand.cuts[0] <= when < demand.cuts[-1]
                and all(k in p for k in keys)
                and _passes(demand, when, p)
            ),
            key=lambda e: (str(e[0]), e[1]),
        )
        for group, rows in groupby(mine, key=lambda e: e[0]):
            values = list(rows)
            for n, cut in enumerate(demand.cuts):
                seen = [v for _, when, v in values if when < cut]
                yield Reading(key=demand.key, group=group, cut=n, value=_value(demand.metric, seen))


def _passes(demand: Demand, when: datetime, properties: Mapping[str, str]) -> bool:
    live = [f for f in demand.filters if f.starting_at <= when]
    return not live or properties.get(live[-1].group_key) in live[-1].group_values


def _value(metric: Metric, seen: Sequence[Decimal]) -> Decimal:
    match metric.aggregation:
        case Aggregation.COUNT:
            return Decimal(len(seen))
        case Aggregation.SUM:
            return sum(seen, Decimal(0))
        case Aggregation.MAX:
            return max([*seen, Decimal(0)])
        case Aggregation.UNIQUE:
            return Decimal(len(set(seen)))
        case Aggregation.LATEST:
            return seen[-1] if seen else Decimal(0)
