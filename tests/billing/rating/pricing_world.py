"""One usage product ``Api`` in January 2025, for the rules about its price."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from billing.world import (
    World,
    at,
    catalog,
    contract,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Rate
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import (
    Multiplier,
    MultiplierTier,
    Override,
    Overwrite,
    Prioritization,
    TieredMultiplier,
)
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.billing.pricing import Flat, Price, Tier, Tiered

D = Decimal
YEAR = ("2025-01-01", "2026-01-01")


def tiers(*steps: tuple[str | None, str]) -> Tiered:
    """Steps as (size, price in the wire unit)."""
    return Tiered(
        tiers=tuple(Tier(size=None if size is None else D(size), price=D(p)) for size, p in steps)
    )


def api(*rates: Rate, **more: object) -> World:
    """A world with these rates (one flat rate of 100 without any) and a contract from 2025 on."""
    product: Mapping[str, object] = more.pop("product", {})  # type: ignore[assignment]
    overrides: Sequence[Override] = more.pop("overrides", ())  # type: ignore[assignment]
    commits: Sequence[Commit] = more.pop("commits", ())  # type: ignore[assignment]
    fields = {"customer_id": "customer", "term": span("2025-01-01"), "rate_card_id": "card"}
    terms = Added(overrides=tuple(overrides), commits=tuple(commits))
    signed = contract("k", Create(**{**fields, "terms": terms, **more}))  # type: ignore[arg-type]
    metrics = [metric("Api", group_keys=(("region", "project"),))]
    products = [usage_product("Api", "api", "core", **product), fixed_product("commit")]
    return World(catalog(products, metrics, rates or (rate("Api", "100"),)), [signed])


def january(w: World) -> Invoice:
    """The draft of January."""
    return next(i for i in w.bill("2025-01-31").invoices if i.start == at("2025-01-01"))


def usage(w: World) -> list[Line]:
    """Its usage lines."""
    return [line for line in january(w).lines if line.type is LineType.USAGE]


def override(
    by: str | Price | TieredMultiplier | None, name: str = "o", **more: object
) -> Override:
    """A multiplier (as text), an overwrite (as a price), a tiered one, or of entitlement only."""
    change: Multiplier | Overwrite | TieredMultiplier | None
    match by:
        case str():
            change = Multiplier(multiplier=D(by))
        case None | TieredMultiplier():
            change = by
        case _:
            change = Overwrite(price=by)
    fields = {"id": name, "window": span("2025-01-01"), "rate": change}
    return Override(**{**fields, **more})  # type: ignore[arg-type]


def specific(by: str | Price | TieredMultiplier, name: str = "s", **more: object) -> Override:
    """A commit-specific override of ``Api``; ``balances`` are ids it asks for."""
    ids: tuple[str, ...] = more.pop("balances", ())  # type: ignore[assignment]
    about = Applicability(specifiers=(Specifier(product_id="p-Api", commit_ids=ids),))
    return override(by, name, is_commit_specific=True, applicability=about, **more)


def by_range(*steps: tuple[str | None, str]) -> TieredMultiplier:
    """Steps as (size, multiplier)."""
    return TieredMultiplier(
        tiers=tuple(
            MultiplierTier(size=None if size is None else D(size), multiplier=D(by))
            for size, by in steps
        )
    )


EXPLICIT = {"prioritization": Prioritization.EXPLICIT}


def flat(price: str) -> Flat:
    """A flat price in the wire unit."""
    return Flat(price=D(price))
