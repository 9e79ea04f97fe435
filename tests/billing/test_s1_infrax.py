"""S1: InfraX from signature to renewal, to the cent (metronome.md section 4)."""

from decimal import Decimal

import pytest

from billing.world import (
    World,
    at,
    catalog,
    cents,
    charge,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.account import Bill, BillingSettings
from closedwon.billing.contracts.edits import Added, Amend, Create, Follow
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.billing.invoices.types import LineType
from closedwon.kernel.ids import derive
from golden import s1

NAMES = {"A1": "A1", "A2": "A2", "A3": "A3", "B1": "B", "C1": "C"}


def infrax() -> World:
    renewal = Transition(type=TransitionType.RENEWAL, from_contract_id="first")
    first = contract(
        "first",
        Create(
            customer_id="customer",
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
                    ),
                ),
                overrides=(
                    multiplier("storage", "0.9", "2024-01-01"),
                    multiplier("storage", "0.8", "2025-01-01"),
                ),
                charges=(charge("support", {"2024-03-01": "5000"}),),
            ),
        ),
        Amend(
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
        ),
        Follow(transition=renewal, to_contract_id="second", at=at("2027-01-01")),
    )
    second = contract(
        "second",
        Create(
            customer_id="customer",
            term=span("2027-01-01", "2028-01-01"),
            rate_card_id="card",
            transition=renewal,
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
        ),
    )
    products = [usage_product("Storage", "storage"), usage_product("Analysis", "analysis")]
    world = World(
        catalog(
            [*products, fixed_product("commit"), fixed_product("support")],
            [metric("Storage"), metric("Analysis")],
            [rate("Storage", "2.3"), rate("Analysis", "125")],
        ),
        [first, second],
    )
    for month in s1.MONTHS:
        world.use("Storage", f"{month.period}-09", month.storage_gb)
        world.use("Analysis", f"{month.period}-20", month.analysis_h)
    return world


@pytest.fixture(scope="module")
def billed() -> tuple[World, Bill]:
    world = infrax()
    return world, world.finalize("2027-02-02")


def _segment(world: World, segment_id: str) -> str:
    rollover = derive("segment", derive("rollover", "second", "A"))
    return "R" if segment_id == rollover else NAMES[segment_id]


@pytest.mark.parametrize("month", s1.MONTHS, ids=lambda m: m.period)
def test_every_month_is_billed_to_the_cent(month: s1.Month, billed: tuple[World, Bill]) -> None:
    world, _ = billed
    invoice = next(i for i in world.invoices() if i.start == at(f"{month.period}-01"))
    gross = {"Storage": Decimal(0), "Analysis": Decimal(0)}
    applied: dict[str, Decimal] = {}
    for line in invoice.lines:
        if line.type is LineType.USAGE:
            gross[line.name] += line.total
        else:
            name = _segment(world, line.segment_id or "")
            applied[name] = applied.get(name, Decimal(0)) - line.total

    assert gross == {"Storage": cents(month.storage), "Analysis": cents(month.analysis)}
    assert applied == {name: cents(amount) for name, amount in month.applied.items()}
    assert invoice.total == cents(month.total)


def test_scheduled_invoices_finalize_on_their_date_without_grace(
    billed: tuple[World, Bill],
) -> None:
    world, _ = billed

    assert {
        i.issued_at.date().isoformat(): dollars(i.total) for i in world.invoices("SCHEDULED")
    } == s1.SCHEDULED


@pytest.mark.parametrize(("name", "expected"), [("A", s1.LEDGER_A), ("B", s1.LEDGER_B)])
def test_the_ledger_reads_as_published(
    name: str, expected: list[tuple[str, str, Decimal]], billed: tuple[World, Bill]
) -> None:
    _, bill = billed
    entries = [e for e in bill.entries if e.commit_id == name]

    assert [
        (e.timestamp.date().isoformat(), str(e.type), e.amount / 100) for e in entries
    ] == expected
    assert sum(e.amount for e in entries) == 0


def test_one_finalization_a_month_gives_the_same_invoices_as_one_at_the_end(
    billed: tuple[World, Bill],
) -> None:
    world, _ = billed
    monthly = infrax()
    for year in (2024, 2025, 2026, 2027):
        for month in range(1, 13):
            if (year, month) <= (2027, 2):
                monthly.finalize(f"{year}-{month:02}-02")

    assert {i.id: (i.total, i.lines) for i in monthly.account.finalized} == {
        i.id: (i.total, i.lines) for i in world.account.finalized
    }


def test_the_renewal_carries_48135_dollars_and_burns_them_first(
    billed: tuple[World, Bill],
) -> None:
    _, bill = billed
    left = {b.commit_id: dollars(b.remaining) for b in bill.balances if b.is_active}
    rollover = derive("rollover", "second", "A")

    assert left == {rollover: Decimal("0.00"), "C": Decimal("597860.00")}


def test_lines_of_november_2024_show_the_split_at_the_end_of_the_balance() -> None:
    world = infrax()
    bill = world.bill("2024-11-30")
    draft = next(i for i in bill.invoices if i.start == at("2024-11-01"))

    assert [(x.name, x.quantity, dollars(x.total), x.commit_id) for x in draft.lines] == [
        ("Storage", Decimal(120000), Decimal("2484.00"), None),
        ("Analysis", Decimal("2592.8"), Decimal("3241.00"), "A"),
        ("Analysis", Decimal("807.2"), Decimal("1009.00"), None),
        ("A applied", None, Decimal("-3241.00"), "A"),
    ]


def test_lines_of_october_2025_cross_two_balances_r176() -> None:
    world = infrax()
    draft = next(i for i in world.bill("2025-10-31").invoices if i.start == at("2025-10-01"))

    assert [(x.name, x.quantity, dollars(x.total), x.segment_id) for x in draft.lines] == [
        ("Storage", Decimal(173750), Decimal("3197.00"), "A2"),
        ("Storage", Decimal(306250), Decimal("5635.00"), "B1"),
        ("Analysis", Decimal(16200), Decimal("17212.50"), "A2"),
        ("A applied", None, Decimal("-3197.00"), "A2"),
        ("B applied", None, Decimal("-5635.00"), "B1"),
        ("A applied", None, Decimal("-17212.50"), "A2"),
    ]


def test_s1d_what_year_one_leaves_expires_and_never_reaches_year_two_r185() -> None:
    world = infrax()
    world.events = [e for e in world.events if e[1] < at("2024-01-31")]
    missing = Decimal(42000) - Decimal(2992)
    world.use("Analysis", "2024-06-15", missing / Decimal("1.25"))
    bill = world.finalize("2025-01-02")
    expired = [e for e in bill.entries if e.type == "EXPIRATION"]

    assert [(e.segment_id, e.timestamp, dollars(e.amount)) for e in expired] == [
        ("A1", at("2025-01-01"), Decimal("-8000.00"))
    ]
    assert [b.remaining for b in bill.balances if b.segment_id == "A2"] == [cents("200000")]


def test_the_total_is_the_same_whatever_rollover_is_a_fraction_of_g4() -> None:
    world = infrax()
    world.finalize("2027-02-02", BillingSettings(rollover_base="commit_total"))

    assert [i.total for i in world.invoices()][-1] == 0


def test_a_rollover_is_posted_only_when_the_last_usage_of_the_old_contract_is_final() -> None:
    world = infrax()
    rollover = derive("rollover", "second", "A")
    in_grace = {(e.commit_id, e.type) for e in world.finalize("2027-01-01T12:00:00").entries}
    after = {(e.commit_id, e.type) for e in world.finalize("2027-01-02").entries}

    assert {(c, t) for c, t in after - in_grace if t != "AUTOMATED_INVOICE_DEDUCTION"} == {
        ("A", "ROLLOVER"),
        (rollover, "SEGMENT_START"),
    }


def test_a_look_back_shows_what_was_final_then_and_the_rest_as_drafts() -> None:
    world = infrax()
    then = world.finalize("2025-10-05")
    known = len(world.account.finalized)
    world.finalize("2027-02-02")
    back = world.bill("2025-10-05")

    assert len(world.account.at(at("2025-10-05")).finalized) == known
    assert back.balances == then.balances
    assert back.entries == then.entries
    assert [i.total for i in back.invoices if i.start] == [
        i.total for i in then.invoices if i.start and i.issued_at > at("2025-10-05")
    ]
