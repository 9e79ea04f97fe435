"""One meaning: what columns bill is what ``billing.bill.bill`` bills, to the last digit (D2)."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.columns.town import as_invoices, in_columns, ordinary
from billing.test_laws import prices
from billing.world import (
    World,
    at,
    catalog,
    commit,
    contract,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Aggregation, Catalog
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite, Prioritization
from closedwon.billing.contracts.terms import (
    Commit,
    CommitKind,
    StatementDay,
    StatementSchedule,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.instant import Interval

NAMES = ("A", "B", "C")
TAGS = ("a", "b", "ab")
edges = st.sampled_from(
    ["2025-01-01", "2025-01-20", "2025-02-01", "2025-02-11", "2025-03-01", "2025-05-01"]
)
units = st.decimals("0.001", "5000", places=3)
statements = st.sampled_from(
    [
        StatementSchedule(),
        StatementSchedule(frequency=Frequency.QUARTERLY),
        StatementSchedule(frequency=Frequency.WEEKLY, day=StatementDay.CONTRACT_START),
    ]
)
about = st.one_of(
    st.just(Applicability()),
    st.builds(lambda tag: Applicability(product_tags=(tag,)), st.sampled_from(TAGS)),
    st.builds(lambda name: Applicability(product_ids=(f"p-{name}",)), st.sampled_from(NAMES)),
    st.builds(
        lambda tag: Applicability(specifiers=(Specifier(product_tags=(tag, "ab")),)),
        st.sampled_from(TAGS),
    ),
)


@st.composite
def windows(draw: st.DrawFn) -> Interval:
    start, end = sorted(draw(st.tuples(edges, edges).filter(lambda pair: pair[0] != pair[1])))
    return span(start, draw(st.sampled_from([end, None])))


@st.composite
def balances(draw: st.DrawFn, name: str) -> Commit:
    segments = []
    for _ in range(draw(st.integers(1, 2))):
        start, end = sorted(draw(st.tuples(edges, edges).filter(lambda p: p[0] != p[1])))
        segments.append((str(draw(st.integers(0, 3000))), start, end))
    kind = draw(st.sampled_from([CommitKind.PREPAID, CommitKind.CREDIT]))
    paid = {"2025-01-01": "5"} if kind is CommitKind.PREPAID and draw(st.booleans()) else {}
    return commit(
        name,
        *segments,
        kind=kind,
        payments=paid,
        priority=draw(st.none() | st.decimals(1, 3, places=0)),
        applicability=draw(about),
    )


@st.composite
def overrides(draw: st.DrawFn, name: str) -> Override:
    choices = st.one_of(
        st.builds(Multiplier, multiplier=st.decimals("0", "1.5", places=2)),
        st.builds(Overwrite, price=prices()),
        st.none(),
    )
    applicability, change = draw(about), draw(choices)
    tagged = applicability.product_tags or applicability.specifiers
    if isinstance(change, Overwrite) and tagged:
        applicability = Applicability(product_ids=("p-A",))
    return Override(
        id=name,
        window=draw(windows()),
        applicability=applicability,
        rate=change,
        priority=draw(st.none() | st.decimals(1, 3, places=0)),
        entitled=draw(st.booleans()) if change is None else draw(st.sampled_from([None, True])),
    )


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    rates = []
    for name in NAMES:
        rates.append(rate(name, draw(prices()), entitled=draw(st.integers(0, 4)) > 0))
        if draw(st.booleans()):
            rates.append(rate(name, draw(prices()), draw(windows()), id=f"r2-{name}"))
    products = [usage_product(name, name.lower(), "ab") for name in NAMES]
    kinds = [Aggregation.SUM, Aggregation.SUM, Aggregation.COUNT, Aggregation.MAX]
    metrics = [metric(name, draw(st.sampled_from(kinds))) for name in NAMES]
    return catalog([*products, fixed_product("commit")], metrics, rates)


@st.composite
def towns(draw: st.DrawFn) -> list[World]:
    """Customers of whom some promise the same but for amounts and names."""
    sold = draw(catalogs())
    patterns = []
    for _ in range(draw(st.integers(1, 2))):
        commits = tuple(draw(balances(f"c{n}")) for n in range(draw(st.integers(0, 3))))
        changes = tuple(draw(overrides(f"o{n}")) for n in range(draw(st.integers(0, 2))))
        start = draw(st.sampled_from(["2025-01-01", "2025-01-15"]))
        terms = Added(commits=commits, overrides=changes)
        patterns.append(
            Create(
                customer_id="",
                term=span(start, draw(st.sampled_from(["2025-05-01", "2025-02-20", None]))),
                rate_card_id="card",
                terms=terms,
                statement=draw(statements),
                prioritization=draw(st.sampled_from(Prioritization)),
            )
        )
    return [
        draw(
            customers(
                sold,
                draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=2)),
                f"x{number}",
            )
        )
        for number in range(draw(st.integers(1, 4)))
    ]


@st.composite
def customers(draw: st.DrawFn, sold: Catalog, patterns: list[Create], who: str) -> World:
    """One with a contract of each of the patterns, in order of signing."""
    signed = [
        contract(f"k{n}-{who}", draw(variants(pattern, f"{who}-{n}")))
        for n, pattern in enumerate(patterns)
    ]
    world = World(sold, signed)
    world.account = replace(
        world.account, customer=replace(world.account.customer, id=who, name=who)
    )
    for _ in range(draw(st.integers(0, 10))):
        when = at("2025-01-01") + timedelta(days=draw(st.integers(0, 119)))
        world.events.append((draw(st.sampled_from(NAMES)), when, draw(units), {}))
    return world


@st.composite
def variants(draw: st.DrawFn, pattern: Create, who: str) -> Create:
    """The pattern with amounts, names and ids of its own."""
    commits = tuple(_renamed(one, who, draw(st.integers(0, 4000))) for one in pattern.terms.commits)
    changes = tuple(replace(one, id=f"{who}-{one.id}") for one in pattern.terms.overrides)
    terms = replace(pattern.terms, commits=commits, overrides=changes)
    return replace(pattern, customer_id=who, terms=terms)


def _renamed(one: Commit, who: str, amount: int) -> Commit:
    segments = tuple(
        replace(segment, id=f"{who}-{segment.id}", amount=Decimal(amount) / 8 * n)
        for n, segment in enumerate(one.segments)
    )
    return replace(one, id=f"{who}-{one.id}", name=f"{one.name} of {who}", segments=segments)


@settings(max_examples=80, deadline=None)
@given(town=towns(), now=st.sampled_from(["2025-02-10", "2025-04-01", "2025-06-01"]))
def test_r58_r63_r80_r82_r131_r162_r179_columns_bill_what_bills_bill(
    town: list[World], now: str
) -> None:
    found = in_columns(town, now)

    assert not found.others
    made = as_invoices(found)
    for world in town:
        assert made.get(world.account.customer.id, {}) == ordinary(world, now)
