"""Laws of a bill, for histories nobody thought of (G6, G7, G9)."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
    commit,
    contract,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import LineType
from closedwon.billing.pricing import Flat, Price, Tier, Tiered, parts
from closedwon.kernel.instant import Interval

cents = st.decimals("0", "300", places=3, allow_nan=False)
units = st.decimals("0.001", "5000", places=3, allow_nan=False)
days = st.integers(0, 120)
months = st.sampled_from(["2025-01-01", "2025-02-01", "2025-02-15", "2025-03-10", "2025-05-01"])


@st.composite
def prices(draw: st.DrawFn) -> Price:
    if draw(st.booleans()):
        return Flat(price=draw(cents))
    sized = [Tier(size=draw(units), price=draw(cents)) for _ in range(draw(st.integers(0, 3)))]
    return Tiered(tiers=(*sized, Tier(price=draw(cents))))


@st.composite
def commits(draw: st.DrawFn, name: str) -> Commit:
    segments = []
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(months), draw(months)))
        if start < end:
            segments.append((str(draw(st.integers(0, 2000))), start, end))
    more = {"priority": draw(st.none() | st.decimals(1, 9, places=0))}
    return commit(name, *(segments or [("10", "2025-01-01", "2025-05-01")]), **more)  # type: ignore[arg-type]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rates = [rate(name, draw(prices())) for name in ("A", "B")]
    overrides = [
        multiplier(tag, str(draw(st.decimals("0.1", "1.5", places=2))), *sorted(pair))
        for tag in ("a", "b")
        if (pair := (draw(months), draw(months))) and pair[0] != pair[1]
    ]
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01", "2025-05-01"),
        rate_card_id="card",
        terms=Added(
            commits=tuple(draw(commits(f"c{n}")) for n in range(draw(st.integers(0, 3)))),
            overrides=tuple(overrides),
        ),
    )
    world = World(
        catalog(
            [usage_product("A", "a"), usage_product("B", "b"), fixed_product("commit")],
            [metric("A"), metric("B")],
            rates,
        ),
        [contract("k", signed)],
    )
    for _ in range(draw(st.integers(0, 12))):
        when = at("2025-01-01") + timedelta(days=draw(days) % 119, hours=draw(st.integers(0, 23)))
        world.events.append((draw(st.sampled_from("AB")), when, draw(units), {}))
    return world


@given(price=prices(), edges=st.lists(units, min_size=2, max_size=6))
def test_splitting_a_way_never_changes_its_cost(price: Price, edges: list[Decimal]) -> None:
    steps = sorted(edges)
    whole = sum((p.units * p.unit_price for p in parts(price, steps[0], steps[-1])), Decimal(0))
    split = sum(
        (p.units * p.unit_price for low, high in pairwise(steps) for p in parts(price, low, high)),
        Decimal(0),
    )

    assert split == whole


@given(price=prices(), low=units, high=units)
def test_up_and_down_again_costs_nothing(price: Price, low: Decimal, high: Decimal) -> None:
    way = [*parts(price, low, high), *parts(price, high, low)]

    assert sum((p.units * p.unit_price for p in way), Decimal(0)) == 0


@settings(max_examples=60)
@given(world=worlds())
def test_lines_sum_to_invoices_and_grants_are_conserved(world: World) -> None:
    bill = world.finalize("2025-06-01")
    applied: dict[str | None, Decimal] = defaultdict(Decimal)
    covered: dict[str | None, Decimal] = defaultdict(Decimal)
    for invoice in bill.invoices:
        assert invoice.total == sum((line.total for line in invoice.lines), Decimal(0))
        for line in invoice.lines:
            if line.type is LineType.APPLIED:
                applied[line.segment_id] -= line.total
            elif line.segment_id is not None:
                covered[line.segment_id] += line.total
    assert applied == covered
    for b in bill.balances:
        assert b.granted + b.adjusted == b.used + b.expired + b.rolled + b.trued_up + b.remaining
        assert b.used == applied[b.segment_id]
        assert (b.remaining == 0) or b.is_active


@settings(max_examples=60)
@given(world=worlds())
def test_the_ledger_of_an_ended_account_sums_to_zero(world: World) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for entry in world.finalize("2025-06-01").entries:
        totals[entry.commit_id] += entry.amount

    assert all(total == 0 for total in totals.values())


@settings(max_examples=40)
@given(world=worlds(), stops=st.lists(days, max_size=5))
def test_when_the_finalizer_runs_changes_nothing(world: World, stops: list[int]) -> None:
    steps = World(world.catalog, world.account.contracts)
    steps.events = list(reversed(world.events))
    for day in sorted(stops):
        # A stop bills only what has been used by then; the past is complete.
        steps.finalize((at("2025-01-03") + timedelta(days=day)).isoformat()[:19])
    steps.finalize("2025-06-01")
    world.finalize("2025-06-01")

    assert {i.id: i.lines for i in steps.account.finalized} == {
        i.id: i.lines for i in world.account.finalized
    }


@settings(max_examples=40)
@given(world=worlds(), cut=st.integers(1, 118))
def test_a_rate_boundary_without_a_price_change_changes_no_total(world: World, cut: int) -> None:
    before = [i.total for i in world.bill("2025-06-01").invoices]
    middle = at("2025-01-01") + timedelta(days=cut)
    card = world.catalog.rate_cards["card"]
    rates = [
        piece
        for r in card.rates
        for piece in (
            _windowed(r, Interval(EPOCH, middle), "-1"),
            _windowed(r, Interval(middle), "-2"),
        )
    ]
    world.catalog = catalog(
        list(world.catalog.products.values()), list(world.catalog.metrics.values()), rates
    )

    assert [i.total for i in world.bill("2025-06-01").invoices] == before


def _windowed(r: object, window: Interval, suffix: str) -> object:
    from msgspec.structs import replace

    return replace(r, window=window, id=r.id + suffix)  # type: ignore[type-var,attr-defined]
