"""Builders shared by engine and whole-line tests: an engine, and the golden contracts in it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlite_utils import Database

from billing.world import (
    at,
    charge,
    commit,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.account import BillingSettings, Customer
from closedwon.billing.catalog.types import Metric, Product, Rate, RateCard
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import (
    StatementDay,
    StatementSchedule,
    Transition,
    TransitionType,
)
from closedwon.engine import Engine
from closedwon.store.database import open_database
from closedwon.store.migrations import migrate
from closedwon.testing.usage import MemoryUsage, Used
from golden import s1, s2

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
SIGNED = Source(
    opportunity_id="006Fk0000000001AAA",
    quote_id="a0qFk0000000001AAA",
    line_ids=("a0xFk0000000001AAA",),
    rule="enterprise-commit",
    place="mappings/cpq.yaml:41",
)


class Setup(NamedTuple):
    """An engine on a migrated store with usage in memory."""

    engine: Engine
    usage: MemoryUsage
    db: Database


def setup(path: str = ":memory:", settings: BillingSettings | None = None) -> Setup:
    db = open_database(path)
    migrate(db)
    usage = MemoryUsage()
    return Setup(Engine(db, usage, settings), usage, db)


def add_catalog(
    engine: Engine,
    products: Iterable[Product],
    metrics: Iterable[Metric],
    rates: Iterable[Rate],
    now: datetime = EPOCH,
) -> None:
    for found in metrics:
        engine.create_metric(found, now)
    for product in products:
        engine.create_product(product, now)
    card = RateCard(id="card", name="Card", rates=tuple(rates), created_at=EPOCH)
    engine.create_rate_card(card, now)


def add_customer(engine: Engine, customer_id: str = "customer", **more: object) -> Customer:
    fields = {"id": customer_id, "name": customer_id.title(), "created_at": EPOCH, **more}
    customer = Customer(**fields)  # type: ignore[arg-type]
    engine.create_customer(customer, EPOCH)
    return customer


def event(
    customer_id: str, event_type: str, when: datetime, value: Decimal | str, **properties: str
) -> Used:
    return Used(
        transaction_id=f"{customer_id}/{event_type}/{when.isoformat()}/{value}/{properties}",
        customer_id=customer_id,
        event_type=event_type,
        timestamp=when,
        properties={"value": str(value), **properties},
    )


def infrax_catalog(engine: Engine) -> None:
    add_catalog(
        engine,
        [
            usage_product("Storage", "storage"),
            usage_product("Analysis", "analysis"),
            fixed_product("commit"),
            fixed_product("support"),
        ],
        [metric("Storage"), metric("Analysis")],
        [rate("Storage", "2.3"), rate("Analysis", "125")],
    )


def infrax_signed(customer_id: str = "customer") -> Create:
    return Create(
        customer_id=customer_id,
        term=span("2024-01-01", "2027-01-01"),
        rate_card_id="card",
        terms=Added(
            commits=(
                commit(
                    "A",
                    ("50000", "2024-01-01", "2025-01-01"),
                    ("200000", "2025-01-01", "2026-01-01"),
                    ("250000", "2026-01-01", "2027-01-01"),
                    payments={"2024-01-01": "250000", "2026-01-01": "250000"},
                    rollover_fraction=Decimal("0.25"),
                    source=SIGNED,
                ),
            ),
            overrides=(
                multiplier("storage", "0.9", "2024-01-01"),
                multiplier("storage", "0.8", "2025-01-01"),
            ),
            charges=(charge("support", {"2024-03-01": "5000"}),),
        ),
    )


def infrax_upsell() -> Amend:
    return Amend(
        starting_at=at("2024-01-01"),
        terms=Added(
            commits=(
                commit(
                    "B",
                    ("300000", "2025-01-01", "2027-01-01"),
                    payments={"2025-01-01": "300000"},
                    rollover_fraction=Decimal("0.25"),
                ),
            ),
            overrides=(multiplier("analysis", "0.85", "2025-01-01"),),
        ),
    )


def infrax_renewal(customer_id: str = "customer") -> Create:
    return Create(
        customer_id=customer_id,
        term=span("2027-01-01", "2028-01-01"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="first"),
        terms=Added(
            commits=(
                commit(
                    "C",
                    ("600000", "2027-01-01", "2028-01-01"),
                    payments={"2027-01-01": "600000"},
                ),
            ),
            overrides=(
                multiplier("storage", "0.8", "2027-01-01"),
                multiplier("analysis", "0.85", "2027-01-01"),
            ),
        ),
    )


def infrax_usage(customer_id: str = "customer") -> list[Used]:
    """One month's usage as several events at odd hours; sums are those of the table."""
    events = []
    for month in s1.MONTHS:
        first = at(f"{month.period}-01")
        for name, total in (("Storage", month.storage_gb), ("Analysis", month.analysis_h)):
            parts = [total / 4, total / 4, total / 2]
            for n, part in enumerate(parts):
                when = first + timedelta(days=9 * n, hours=7, minutes=13 * n)
                events.append(event(customer_id, name, when, part, part=str(n)))
    return events


def infrax(engine: Engine, usage: MemoryUsage) -> None:
    """Contract ``first`` with its upsell; the renewal is for the test to sign."""
    infrax_catalog(engine)
    add_customer(engine)
    signed = at("2023-12-20")
    engine.create_contract("first", infrax_signed(), by="test", now=signed, source=SIGNED)
    usage.use(*infrax_usage())


def widgets(engine: Engine, usage: MemoryUsage) -> None:
    """Contract ``us`` as amended, with twelve months of usage and one of after-life."""
    add_catalog(
        engine,
        [
            usage_product("Compute", "cloud"),
            usage_product("Egress", "cloud"),
            usage_product("Support"),
            fixed_product("commit"),
            fixed_product("fee"),
        ],
        [metric("Compute"), metric("Egress"), metric("Support")],
        [rate("Compute", "40"), rate("Egress", "8"), rate("Support", "1500")],
    )
    add_customer(engine)
    signed = Create(
        customer_id="customer",
        term=span("2024-11-01"),
        rate_card_id="card",
        statement=StatementSchedule(day=StatementDay.CONTRACT_START),
        terms=Added(
            commits=(
                commit(
                    "prepaid",
                    ("10000", "2024-11-01", "2025-11-01"),
                    payments={"2024-11-01": "10000"},
                    applicability=Applicability(product_tags=("cloud",)),
                ),
            ),
            charges=(charge("fee", dict.fromkeys(s2.SCHEDULED, "1000")),),
        ),
    )
    engine.create_contract("us", signed, by="test", now=at("2024-10-20"))
    discount = Added(overrides=(multiplier("cloud", "0.95", "2024-11-01"),))
    amended = Amend(starting_at=at("2024-11-01"), terms=discount)
    engine.edit_contract("us", amended, by="test", now=at("2024-10-21"))
    for month in s2.MONTHS:
        usage.use(
            event("customer", "Compute", at(f"{month.period}-03"), month.compute_h),
            event("customer", "Egress", at(f"{month.period}-14"), month.egress_gb),
            event("customer", "Support", at(f"{month.period}-25"), month.support_n),
        )
    usage.use(event("customer", "Compute", at("2025-11-05"), "100"))
