"""A target that bills, and the plans of the ports.Target conformance suite.

The world is made with ``CATALOG``: our copy has these ids, the target whatever it gives, with the
same names. It begins at ``SIGNED``.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from closedwon.billing.catalog.types import (
    Aggregation,
    Alias,
    Catalog,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    PropertyFilter,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
)
from closedwon.billing.pricing import Flat
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CustomerTerms,
    MoneyEffect,
    Plan,
    PlanStep,
)
from closedwon.kernel.instant import Interval, midnight, parse_instant
from closedwon.ports import Target
from closedwon.testing.usage import Used

ALIAS: Final = "acme"
"""Of the customer; events carry it."""
CONTRACT: Final = "contract-1"
FOLLOWING: Final = "contract-2"
DEAL: Final = Source(opportunity_id="006Fk0000000001AAA", rule="rule", place="cpq.yaml:1")


class Billed(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An invoice as every target shows it; amounts in the wire unit."""

    begins: datetime
    """Of its period; of an invoice without one, its issue date."""
    kind: str
    """USAGE or SCHEDULED."""
    is_final: bool
    total: Decimal
    lines: tuple[tuple[str, Decimal, Decimal], ...]
    """(name, quantity, total), sorted."""


class TargetWorld(Protocol):
    """Our copy, the target under test, and the clock of what bills there."""

    @property
    def target(self) -> Target:
        """The target under test."""
        ...

    def move(self, now: datetime) -> None:
        """Let time pass there; what is due becomes final."""
        ...

    def carry_out(self, plan: Plan) -> bool:
        """Send a plan, then apply it in one transaction; whether our copy changed."""
        ...

    def use(self, event: Used) -> None:
        """Usage, billed where the target bills; its time is not far from the clock's."""
        ...

    def billed(self) -> tuple[Billed, ...]:
        """Every invoice of the customer there, drafts too, in order; nothing twice."""
        ...

    def made(self) -> tuple[int, int, int]:
        """How many customers, contracts, and edits after their creation there are."""
        ...


def at(day: str) -> datetime:
    """Midnight UTC of a day."""
    return parse_instant(f"{day}T00:00:00Z")


SIGNED: Final = at("2023-12-20")
EVER: Final = at("2020-01-01")


def _metric(name: str) -> Metric:
    return Metric(
        id=f"metric-{name}",
        name=name,
        aggregation=Aggregation.SUM,
        key="value",
        event_types=(name,),
        filters=(PropertyFilter(name="value", exists=True),),
        created_at=EVER,
    )


def _product(name: str, kind: ProductType, *tags: str) -> Product:
    metric = f"metric-{name}" if kind is ProductType.USAGE else None
    version = ProductVersion(starting_at=EVER, name=name, tags=tags, metric_id=metric)
    return Product(id=f"product-{name}", type=kind, versions=(version,))


def _rate(name: str, price: str, frequency: str | None = None) -> Rate:
    return Rate(
        id=f"rate-{name}",
        rate_card_id="card",
        product_id=f"product-{name}",
        window=Interval(EVER),
        price=Flat(price=Decimal(price)),
        billing_frequency=frequency,
    )


CATALOG: Final = Catalog(
    metrics={one.id: one for one in map(_metric, ("storage", "analysis"))},
    products={
        one.id: one
        for one in (
            _product("storage", ProductType.USAGE, "data"),
            _product("analysis", ProductType.USAGE, "compute"),
            _product("seat", ProductType.SUBSCRIPTION),
            _product("prepaid", ProductType.FIXED),
            _product("support", ProductType.FIXED),
        )
    },
    rate_cards={
        "card": RateCard(
            id="card",
            name="Our list prices",
            aliases=(Alias(name="list-prices", window=Interval(EVER)),),
            rates=(
                _rate("storage", "2.3"),
                _rate("analysis", "125"),
                _rate("seat", "2900", "MONTHLY"),
            ),
            created_at=EVER,
        )
    },
)
"""What is sold; amounts in cents."""

ACCOUNT: Final = CustomerTerms(
    id="customer",
    account_id="001Fk0000000001AAA",
    name="Acme",
    ingest_aliases=(ALIAS,),
    custom_fields={"sfdc_account_id": "001Fk0000000001AAA"},
)


def plan(*steps: PlanStep, base: str = "") -> Plan:
    """A plan of these steps; its money does not matter here."""
    nothing = Decimal(0)
    return Plan(
        opportunity_id=DEAL.opportunity_id,
        opportunity_name="Acme",
        deal_fingerprint="fingerprint",
        base=base,
        steps=steps,
        money=MoneyEffect(
            currency="USD", contract_value=nothing, access_granted=nothing, invoices={}
        ),
        source=DEAL,
    )


def new_deal(create: Create | None = None) -> Plan:
    """The customer and its first contract."""
    made = CreateContract(contract_id=CONTRACT, create=create or signed())
    return plan(CreateCustomer(customer=ACCOUNT), made)


def signed(**more: Any) -> Create:
    """A year: 1,200.00 prepaid in two halves, storage cheaper, support paid twice."""
    fields: dict[str, Any] = {
        "customer_id": ACCOUNT.id,
        "term": Interval(at("2024-01-01"), at("2025-01-01")),
        "name": "Acme 2024",
        "rate_card_id": "card",
        "custom_fields": {"sfdc_opportunity_id": DEAL.opportunity_id},
        "uniqueness_key": f"sfdc:{DEAL.opportunity_id}",
        "terms": Added(
            commits=(
                prepaid(
                    "first",
                    {"2024-01-01/2024-07-01": "70000", "2024-07-01/2025-01-01": "50000"},
                    {"2024-01-01": "60000", "2024-07-01": "60000"},
                    rollover_fraction=Decimal("0.5"),
                ),
            ),
            overrides=(cheaper("data", "0.9", "2024-01-01"),),
            charges=(support("support", {"2024-02-01": "5000", "2024-08-01": "5000"}),),
        ),
    }
    return Create(**fields | more)


def prepaid(
    name: str, access: Mapping[str, str], payments: Mapping[str, str], **more: Any
) -> Commit:
    """A commit by ``start/end`` -> amount granted and day -> amount paid."""
    windows = [(*window.split("/"), amount) for window, amount in access.items()]
    fields: dict[str, Any] = {
        "id": name,
        "kind": CommitKind.PREPAID,
        "product_id": "product-prepaid",
        "name": f"Prepaid {name}",
        "priority": Decimal(1),
        "created_at": SIGNED,
        "source": DEAL,
        "segments": tuple(
            AccessSegment(
                id=f"{name}/{start}",
                amount=Decimal(amount),
                window=Interval(at(start), at(end)),
            )
            for start, end, amount in windows
        ),
        "payments": points(name, payments),
    }
    return Commit(**fields | more)


def points(name: str, payments: Mapping[str, str]) -> tuple[ScheduleItem, ...]:
    """A schedule by day -> amount."""
    return tuple(
        ScheduleItem(
            id=f"{name}@{day}", timestamp=at(day), amount=Decimal(paid), unit_price=Decimal(paid)
        )
        for day, paid in payments.items()
    )


def support(name: str, payments: Mapping[str, str]) -> ScheduledCharge:
    """A charge by day -> amount."""
    return ScheduledCharge(
        id=name,
        product_id="product-support",
        name=name.title(),
        items=points(name, payments),
        source=DEAL,
    )


def cheaper(tag: str, multiplier: str, start: str) -> Override:
    """Products with the tag at a part of their price, from a day on."""
    return Override(
        id=f"{tag}*{multiplier}",
        window=Interval(at(start)),
        applicability=Applicability(product_tags=(tag,)),
        rate=Multiplier(multiplier=Decimal(multiplier)),
        source=DEAL,
    )


def event(name: str, day: str, value: str) -> Used:
    """Usage of the customer at noon."""
    when = midnight(at(day).date()).replace(hour=12)
    return Used(
        transaction_id=f"{name}/{day}/{value}",
        customer_id=ALIAS,
        event_type=name,
        timestamp=when,
        properties={"value": value},
    )
