"""The world of the invoice run: catalogue, contracts and usage made by arithmetic.

Every run and both sides see the same: 20 products with a metric each, seven of them tiered, and per
customer a contract with a prepaid commit that pays for three quarters of the products.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import (
    Aggregation,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, ScheduleItem
from closedwon.billing.pricing import Flat, Price, Tier, Tiered
from closedwon.engine.engine import Engine
from closedwon.kernel.instant import Interval
from closedwon.usage.types import UsageEvent

PRODUCTS = 20
EVENTS_EACH = 5
"""Events per customer and product: 1M of 10,000 customers."""
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 2, 1, tzinfo=UTC)
NOW = END + timedelta(hours=25)
TERM = Interval(BEGIN, datetime(2026, 1, 1, tzinfo=UTC))
FIXED = "fixed"
CORE = "core"
"""The tag of products a commit may pay for."""


def create_catalogue(engine: Engine) -> None:
    """A product with its own metric each, and a FIXED one for what commits bill."""
    version = ProductVersion(starting_at=BEGIN, name="Prepaid")
    engine.create_product(Product(id=FIXED, type=ProductType.FIXED, versions=(version,)), BEGIN)
    for number in range(PRODUCTS):
        product_id = _product_id(number)
        metric = Metric(
            id=f"metric-{product_id}",
            name=product_id,
            aggregation=Aggregation.SUM,
            key="n",
            event_types=(product_id,),
            created_at=BEGIN,
        )
        engine.create_metric(metric, BEGIN)
        version = ProductVersion(
            starting_at=BEGIN,
            name=f"Product {number}",
            tags=(CORE,) if _is_core(number) else ("extra",),
            metric_id=metric.id,
        )
        product = Product(id=product_id, type=ProductType.USAGE, versions=(version,))
        engine.create_product(product, BEGIN)
    rates = tuple(
        Rate(
            id=f"rate-{number}",
            rate_card_id="card",
            product_id=_product_id(number),
            window=Interval(BEGIN),
            price=price_of(number),
        )
        for number in range(PRODUCTS)
    )
    engine.create_rate_card(RateCard(id="card", name="List", rates=rates, created_at=BEGIN), BEGIN)


def create_contract(engine: Engine, number: int, prepaid: Decimal | None = None) -> None:
    """A customer with a contract and a commit of ``prepaid`` cents, ``amount`` by itself."""
    who, prepaid = customer_id(number), amount(number) if prepaid is None else prepaid
    engine.create_customer(Customer(id=who, name=f"Customer {number}", created_at=BEGIN), BEGIN)
    commit = Commit(
        id=f"commit-{number}",
        kind=CommitKind.PREPAID,
        product_id=FIXED,
        name="Prepaid",
        segments=(AccessSegment(id=f"segment-{number}", amount=prepaid, window=TERM),),
        payments=(
            ScheduleItem(
                id=f"payment-{number}", timestamp=BEGIN, amount=prepaid, unit_price=prepaid
            ),
        ),
        applicability=Applicability(product_tags=(CORE,)),
        created_at=BEGIN,
    )
    create = Create(
        customer_id=who,
        term=TERM,
        rate_card_id="card",
        terms=Added(commits=(commit,)),
    )
    engine.create_contract(f"contract-{number}", create, by="benchmark", now=BEGIN)


def events(customers: int) -> Iterator[UsageEvent]:
    """Spread over the month by arithmetic, so that every run meters the same events."""
    span = int((END - BEGIN).total_seconds())
    for at in range(EVENTS_EACH):
        for customer in range(customers):
            for product in range(PRODUCTS):
                seed = (at * 1_000_003 + customer * 7919 + product * 104_729) % 1_000_000_007
                yield UsageEvent(
                    transaction_id=f"{at}-{customer}-{product}",
                    customer_id=customer_id(customer),
                    event_type=_product_id(product),
                    timestamp=BEGIN + timedelta(seconds=seed * 31 % span),
                    properties={"n": str(Decimal(seed % 90_000 + 1).scaleb(-3))},
                )


def tier_rows() -> Iterator[tuple[str, bool, Decimal, Decimal | None, Decimal]]:
    for number in range(PRODUCTS):
        price = price_of(number)
        if isinstance(price, Flat):
            yield _product_id(number), _is_core(number), Decimal(0), None, price.price
            continue
        floor = Decimal(0)
        for tier in price.tiers:
            ceiling = None if tier.size is None else floor + tier.size
            yield _product_id(number), _is_core(number), floor, ceiling, tier.price
            floor = ceiling if ceiling is not None else floor


def customer_id(number: int) -> str:
    return f"customer-{number:06}"


def amount(number: int) -> Decimal:
    """Cents; about a third of the customers use more than they prepaid."""
    return Decimal(2500 + number % 7 * 500)


def _product_id(number: int) -> str:
    return f"product-{number:02}"


def _is_core(number: int) -> bool:
    return number % 4 != 3


def price_of(number: int) -> Price:
    unit = Decimal(number + 3).scaleb(-1) + Decimal("0.0125")
    if number % 3:
        return Flat(price=unit)
    tiers = (Tier(price=unit, size=Decimal(50)), Tier(price=unit / 2, size=Decimal(100)))
    return Tiered(tiers=(*tiers, Tier(price=unit / 4)))
