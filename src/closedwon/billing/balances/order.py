"""In which order balances burn, and in which order lines meet them (R167-R176)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from closedwon.billing.account import BillingSettings
from closedwon.billing.balances.pools import Pool
from closedwon.billing.balances.settle import may_pay
from closedwon.billing.catalog.types import Product
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import LineType
from closedwon.billing.pricing import first_unit_price
from closedwon.billing.rating.matching import touches_product
from closedwon.billing.rating.slices import Slice
from closedwon.kernel.exact import ZERO

LAST = Decimal("Infinity")

DrawdownKey = tuple[
    int, Decimal, int, Decimal, int, datetime, datetime, Decimal, int, datetime, str
]


def drawdown_key(pool: Pool, products: Iterable[Product], settings: BillingSettings) -> DrawdownKey:
    """Sorts pools into burning order, first burns first (R167-R173, R175)."""
    commit = pool.commit
    start, end = pool.segment.window.start, pool.segment.window.until
    if settings.drawdown_dates == "commit":
        start = min(segment.window.start for segment in commit.segments)
        end = max(segment.window.until for segment in commit.segments)
    return (
        _type_order(commit),
        LAST if commit.priority is None else commit.priority,
        0 if commit.rolled_over_from is not None or not commit.cost_total else 1,
        _product_count(commit.applicability, products),
        _usage_count(commit.applicability),
        end,
        start,
        _contract_count(pool),
        0 if pool.contract_id is not None else 1,
        commit.created_at,
        commit.id,
    )


CLASSES = (LineType.USAGE, LineType.SUBSCRIPTION, LineType.COMPOSITE, LineType.CPU_CONVERSION)
"""Which lines balances pay first (R176)."""


def line_key(piece: Slice, pools: Sequence[Pool]) -> tuple[int, datetime, Decimal, str, str]:
    """Sorts slices into the order they meet balances: by class, early, dear, by name (R176).

    Dear is the price while covered (R147): by the first of ``pools``, in drawdown order, that may
    pay the slice; without one, the price without a balance.
    """
    payer = next((pool for pool in pools if may_pay(pool, piece)), None)
    price = piece.priced.price
    if payer is not None:
        price = piece.priced.while_paying(payer.commit).price
    dearest_first = -first_unit_price(price)
    kind = CLASSES.index(piece.type)
    return (kind, piece.window.start, dearest_first, piece.name, piece.subject.product_id)


def _type_order(commit: Commit) -> int:
    """Rollovers, then prepaid and credits together, then postpaid; priority cannot cross (R167)."""
    if commit.rolled_over_from is not None:
        return 0 if commit.kind is CommitKind.POSTPAID else 1
    return 3 if commit.kind is CommitKind.POSTPAID else 2


def _contract_count(pool: Pool) -> Decimal:
    """Contracts that may draw; one of the customer itself without a scope, all there could be."""
    if pool.contract_id is not None:
        return Decimal(1)
    return Decimal(len(pool.commit.contract_ids)) if pool.commit.contract_ids else LAST


def _product_count(applicability: Applicability, products: Iterable[Product]) -> Decimal:
    """Distinct products the balance can hit; unrestricted counts as all there could be (R172)."""
    names_products = (
        applicability.product_ids
        or applicability.product_tags
        or any(s.product_id or s.product_tags for s in applicability.specifiers)
    )
    if not names_products:
        return LAST
    hit = (
        product
        for product in products
        if touches_product(applicability, product.id, product.versions[-1].tag_set)
    )
    return sum((Decimal(1) for _ in hit), ZERO)


def _usage_count(applicability: Applicability) -> int:
    """Specifiers that hold only group values (R173)."""
    return sum(
        1
        for specifier in applicability.specifiers
        if specifier.product_id is None and not specifier.product_tags
    )
