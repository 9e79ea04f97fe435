"""Breakdowns: parts of an invoice by day and hour that sum to it exactly (R287)."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import (
    World,
    at,
    catalog,
    cents,
    charge,
    commit,
    contract,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.breakdown import Breakdown, WindowSize, broken_down, finer
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, LineType
from closedwon.billing.invoices.usage import period_of
from closedwon.billing.pricing import Tier, Tiered
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

CATALOG = catalog(
    [
        usage_product("Calls", "api"),
        usage_product("Bytes", presentation_group_key=("zone",)),
        usage_product("Peak"),
        fixed_product("commit"),
        fixed_product("fee"),
    ],
    [metric("Calls"), metric("Bytes", group_keys=(("zone",),)), metric("Peak", Aggregation.MAX)],
    [
        rate(
            "Calls",
            Tiered(tiers=(Tier(size=Decimal(30), price=Decimal(100)), Tier(price=Decimal(70)))),
        ),
        rate("Bytes", "0.37"),
        rate("Peak", "250"),
    ],
)
MONTH = Interval(at("2025-03-01"), at("2025-04-01"))


def world(*commits: Commit, overrides: Iterable[Override] = ()) -> World:
    terms = Added(
        commits=commits,
        overrides=tuple(overrides),
        charges=(charge("fee", {"2025-04-01": "9"}),),
    )
    create = Create(
        customer_id="customer",
        term=span("2025-03-01", "2025-04-01T12:00:00"),
        rate_card_id="card",
        terms=terms,
        charges_on_usage_invoices=True,
    )
    return World(CATALOG, [contract("k", create)])


def march(found: World) -> Invoice:
    (invoice,) = [i for i in found.bill("2025-04-01T05:00:00").invoices if i.start == MONTH.start]
    return invoice


def parts(found: World, invoice: Invoice, size: WindowSize) -> tuple[Breakdown, ...]:
    period = period_of(found.account, CATALOG, "k", MONTH, invoice.id)
    asked = finer(period, invoice, size)
    quantities = {demand.key: tuple(found._readings(demand)) for _, demand in asked.demands}
    return broken_down(invoice, asked, quantities, size)


def by_day(found: Iterable[Breakdown]) -> dict[int, Decimal]:
    return {part.window.start.day: part.total for part in found if part.total}


def test_r287_balances_burn_as_the_days_go_by() -> None:
    found = world(commit("free", ("12", "2025-03-01", "2025-04-01"), kind=CommitKind.CREDIT))
    for day, calls in (("2025-03-02", "10"), ("2025-03-05", "5"), ("2025-03-31T23:59:00", "20")):
        found.use("Calls", day, calls)
    days = parts(found, march(found), WindowSize.DAY)

    assert len(days) == 31
    assert by_day(days) == {5: cents("3"), 31: cents("18.50") + cents("9")}
    fifth = days[4].lines
    assert [(line.type, line.quantity, line.total, line.commit_id) for line in fifth] == [
        (LineType.USAGE, 2, cents("2"), "free"),
        (LineType.USAGE, 3, cents("3"), None),
        (LineType.APPLIED, None, cents("-2"), "free"),
    ]
    assert {line.starting_at for line in fifth} == {at("2025-03-05")}


def test_r287_hours_sum_to_the_day() -> None:
    found = world()
    found.use("Calls", "2025-03-02T10:30:00", "3")
    found.use("Calls", "2025-03-02T11:00:00", "4")
    hours = parts(found, march(found), WindowSize.HOUR)
    assert len(hours) == 31 * 24
    assert {part.window.start.hour: part.total for part in hours[24:48] if part.total} == {
        10: cents("3"),
        11: cents("4"),
    }


@pytest.mark.parametrize(("late", "expected"), [("2025-03-31", "21"), ("2025-03-02", "21")])
def test_s30_r287_late_usage_shows_though_the_invoice_does_not_know_it(
    late: str, expected: str
) -> None:
    found = world()
    found.use("Calls", "2025-03-31T23:50:00", "5")
    found.use("Calls", "2025-03-31", "7")
    found.finalize("2025-04-02")
    (final,) = [i for i in found.account.finalized if i.start == MONTH.start]
    found.use("Calls", late, "9")
    found.use("Bytes", late, "100", zone="eu")

    days = parts(found, replace(final, status=InvoiceStatus.FINALIZED), WindowSize.DAY)
    calls = [line for part in days for line in part.lines if line.name == "Calls"]
    assert sum(line.quantity or 0 for line in calls) == Decimal(expected)
    assert sum(part.total for part in days) == final.total + cents("9") + 37
    assert {part.status for part in days} == {InvoiceStatus.FINALIZED}


def test_r287_what_has_no_period_or_is_void_is_refused() -> None:
    found = world()
    invoice = march(found)
    period = period_of(found.account, CATALOG, "k", MONTH, invoice.id)
    for other in (
        replace(invoice, type=InvoiceType.SCHEDULED),
        replace(invoice, status=InvoiceStatus.VOID),
    ):
        with pytest.raises(Refused, match="R287"):
            finer(period, other, WindowSize.DAY)


USES = st.lists(
    st.tuples(
        st.sampled_from(["Calls", "Bytes", "Peak"]),
        st.integers(0, 31 * 24 * 4 - 1),
        st.decimals(-20, 40, places=3),
        st.sampled_from(["eu", "us"]),
    ),
    max_size=12,
)


@given(
    uses=USES,
    credit=st.decimals(1, 60, places=2),
    promise=st.decimals(0, 60, places=2),
    discount=st.sampled_from(["0.9", "0.333"]),
    size=st.sampled_from([WindowSize.DAY, WindowSize.DAY, WindowSize.HOUR]),
)
@settings(max_examples=60, deadline=None)
def test_r287_parts_sum_to_the_invoice(
    uses: list[tuple[str, int, Decimal, str]],
    credit: Decimal,
    promise: Decimal,
    discount: str,
    size: WindowSize,
) -> None:
    """Whatever was used, line by line: totals, quantities and what balances paid."""
    found = world(
        commit("free", (str(credit), "2025-03-04T05:00:00", "2025-03-20"), kind=CommitKind.CREDIT),
        commit(
            "promise",
            (str(promise), "2025-03-01", "2025-04-01"),
            payments={"2025-04-01": str(promise)},
            kind=CommitKind.POSTPAID,
        ),
        overrides=[multiplier("api", discount, "2025-03-11T07:00:00")],
    )
    for name, quarter, value, zone in uses:
        minute = quarter * 15
        day, rest = divmod(minute, 24 * 60)
        when = f"2025-03-{day + 1:02}T{rest // 60:02}:{rest % 60:02}:00"
        amount = abs(value) if name == "Peak" else value
        found.use(name, when, amount, zone=zone)
    invoice = march(found)
    every = parts(found, invoice, size)

    assert sum(part.total for part in every) == invoice.total
    lines = [line for part in every for line in part.lines]
    for kind in LineType:
        for segment in (None, "free1", "promise1"):
            mine = [x for x in invoice.lines if (x.type, x.segment_id) == (kind, segment)]
            cut = [x for x in lines if (x.type, x.segment_id) == (kind, segment)]
            assert sum(x.total for x in cut) == sum(x.total for x in mine)
            off = sum(x.quantity or 0 for x in cut) - sum(x.quantity or 0 for x in mine)
            assert abs(off) < Decimal("1e-25")
    assert all(
        part.window.covers(x.starting_at)
        for part in every
        for x in part.lines
        if x.starting_at and x.type == "usage"
    )
