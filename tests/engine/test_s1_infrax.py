"""S1 through the engine: stored, frozen, posted, explained (metronome.md section 4)."""

from decimal import Decimal

import pytest

from billing.world import at, cents, dollars
from build import (
    SIGNED,
    Setup,
    add_customer,
    event,
    infrax,
    infrax_catalog,
    infrax_renewal,
    infrax_signed,
    infrax_upsell,
    setup,
)
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, LineType
from closedwon.finance.journal import LedgerAccount, Posting
from closedwon.kernel.ids import derive
from golden import s1

ROLLOVER = derive("rollover", "second", "A")
NAMES = {
    "A1": "A1",
    "A2": "A2",
    "A3": "A3",
    "B1": "B",
    "C1": "C",
    derive("segment", ROLLOVER): "R",
}


def live(until: str = "2027-02-02") -> Setup:
    """InfraX as it happened: signed, amended, renewed, finalized twice a month."""
    world = setup()
    engine = world.engine
    infrax(engine, world.usage)
    days = [
        f"{year}-{month:02}-{day}"
        for year in range(2024, 2028)
        for month in range(1, 13)
        for day in ("01", "02")
    ]
    for day in days:
        if day > until:
            break
        if day == "2024-12-01":
            engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-11-20"))
        if day == "2026-12-01":
            engine.create_contract("second", infrax_renewal(), by="test", now=at("2026-11-20"))
        engine.finalize(at(day))
    return world


@pytest.fixture(scope="module")
def lived() -> Setup:
    return live()


def usage_invoices(world: Setup) -> list[Invoice]:
    return [i for i in world.engine.invoices("customer") if i.type == "USAGE"]


@pytest.mark.parametrize("month", s1.MONTHS, ids=lambda m: m.period)
def test_every_month_is_stored_to_the_cent(month: s1.Month, lived: Setup) -> None:
    invoice = next(i for i in usage_invoices(lived) if i.start == at(f"{month.period}-01"))
    gross = {"Storage": Decimal(0), "Analysis": Decimal(0)}
    applied: dict[str, Decimal] = {}
    for line in invoice.lines:
        if line.type is LineType.USAGE:
            gross[line.name] += line.total
        else:
            name = NAMES[line.segment_id or ""]
            applied[name] = applied.get(name, Decimal(0)) - line.total

    assert gross == {"Storage": cents(month.storage), "Analysis": cents(month.analysis)}
    assert applied == {name: cents(amount) for name, amount in month.applied.items()}
    assert invoice.total == cents(month.total)
    assert invoice.status is InvoiceStatus.FINALIZED


def test_there_are_37_usage_invoices_each_finalized_on_the_second(lived: Setup) -> None:
    found = usage_invoices(lived)

    assert len(found) == 37
    assert {(i.finalized_at or at("1999-01-01")).day for i in found} == {2}


def test_scheduled_invoices_are_final_on_their_date(lived: Setup) -> None:
    found = [i for i in lived.engine.invoices("customer") if i.type == "SCHEDULED"]

    assert {i.issued_at.date().isoformat(): dollars(i.total) for i in found} == s1.SCHEDULED
    assert [i.finalized_at for i in found] == [i.issued_at for i in found]


@pytest.mark.parametrize(("name", "expected"), [("A", s1.LEDGER_A), ("B", s1.LEDGER_B)])
def test_the_stored_ledger_reads_as_published(
    name: str, expected: list[tuple[str, str, Decimal]], lived: Setup
) -> None:
    entries = lived.engine.ledger(name)

    assert [
        (e.timestamp.date().isoformat(), str(e.type), e.amount / 100) for e in entries
    ] == expected


def test_the_rollover_burns_first_and_c_keeps_597860_dollars(lived: Setup) -> None:
    bill = lived.engine.bill("customer", at("2027-02-02"))
    left = {b.commit_id: dollars(b.remaining) for b in bill.balances if b.is_active}

    assert left == {ROLLOVER: Decimal("0.00"), "C": Decimal("597860.00")}
    assert [(str(e.type), dollars(e.amount)) for e in lived.engine.ledger(ROLLOVER)] == [
        ("SEGMENT_START", Decimal("48135.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-48135.00")),
    ]


def posted(postings: tuple[Posting, ...]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for posting in postings:
        sums[posting.account] = sums.get(posting.account, Decimal(0)) + Decimal(posting.minor) / 100
    return sums


def test_recognized_revenue_of_2024_is_65601_20(lived: Setup) -> None:
    sums = posted(lived.engine.postings(at("2024-01-01").date(), at("2025-01-01").date()))

    assert sums == {
        LedgerAccount.REVENUE: Decimal("-65601.20"),
        LedgerAccount.RECEIVABLE: Decimal("265601.20"),
        LedgerAccount.DEFERRED: Decimal("-200000.00"),
    }


def test_cash_of_three_years_is_815601_20_and_what_rolled_stays_deferred(lived: Setup) -> None:
    sums = posted(lived.engine.postings(None, at("2027-01-01").date()))

    assert sums[LedgerAccount.RECEIVABLE] == Decimal("815601.20")
    assert sums[LedgerAccount.DEFERRED] == Decimal("-48135.00")
    lived.engine.stores.journal.check_balance()


def test_deferrals_of_used_up_commits_are_cleared_to_the_cent(lived: Setup) -> None:
    left: dict[str, int] = {}
    for posting in lived.engine.postings():
        if posting.account is LedgerAccount.DEFERRED and posting.commit_id:
            left[posting.commit_id] = left.get(posting.commit_id, 0) + posting.minor

    assert left == {"A": 0, "B": 0, ROLLOVER: 0, "C": -59786000}


def test_a_second_finalize_finds_nothing_to_do(lived: Setup) -> None:
    before = lived.engine.content_hash()
    report = lived.engine.finalize(at("2027-02-02"))

    assert (report.customers, report.invoices, report.entries) == (0, 0, 0)
    assert lived.engine.content_hash() == before


def test_one_finalize_at_the_end_freezes_the_same_bytes(lived: Setup) -> None:
    late = setup()
    infrax(late.engine, late.usage)
    late.engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-11-20"))
    late.engine.create_contract("second", infrax_renewal(), by="test", now=at("2026-11-20"))
    late.engine.finalize(at("2027-02-02"))

    def bytes_of(world: Setup) -> list[tuple[str, str]]:
        return list(world.db.conn.execute("select id, sha256 from invoice order by id"))

    assert bytes_of(late) == bytes_of(lived)
    assert late.engine.ledger("A") == lived.engine.ledger("A")
    assert posted(late.engine.postings()) == posted(lived.engine.postings())


def test_usage_that_comes_after_the_renewal_but_in_grace_lowers_what_rolls_over() -> None:
    world = live("2026-12-02")
    world.engine.finalize(at("2027-01-01"))
    world.usage.use(event("customer", "Analysis", at("2026-12-31T23:00:00"), "100", late="yes"))
    world.engine.finalize(at("2027-01-02"))
    rolled = [e for e in world.engine.ledger("A") if e.type == "ROLLOVER"]

    assert world.engine.problems() == ()
    assert [dollars(e.amount) for e in rolled] == [Decimal("-48028.75")]


def test_s1d_what_year_one_leaves_expires_as_breakage_of_2024() -> None:
    world = setup()
    infrax_catalog(world.engine)
    add_customer(world.engine)
    world.engine.create_contract("first", infrax_signed(), by="test", now=at("2023-12-20"))
    world.usage.use(
        event("customer", "Analysis", at("2024-06-15"), Decimal(42000) / Decimal("1.25"))
    )
    world.engine.finalize(at("2025-01-02"))
    expired = [e for e in world.engine.ledger("A") if e.type == "EXPIRATION"]
    sums = posted(world.engine.postings(at("2024-01-01").date(), at("2025-01-01").date()))
    bill = world.engine.bill("customer", at("2025-01-02"))

    assert [(e.segment_id, e.timestamp, dollars(e.amount)) for e in expired] == [
        ("A1", at("2025-01-01"), Decimal("-8000.00"))
    ]
    assert sums[LedgerAccount.BREAKAGE] == Decimal("-8000.00")
    assert sums[LedgerAccount.REVENUE] == Decimal("-47000.00")
    assert [b.remaining for b in bill.balances if b.segment_id == "A2"] == [cents("200000")]


def test_a_line_is_explained_back_to_rule_quote_line_and_opportunity(lived: Setup) -> None:
    invoice = next(i for i in usage_invoices(lived) if i.start == at("2024-11-01"))
    number = next(
        n for n, line in enumerate(invoice.lines, 1) if line.commit_id and line.name == "Analysis"
    )
    told = lived.engine.explain(invoice.id, number)

    assert (told.metric_id, told.customer_ids) == ("m-Analysis", ("customer",))
    assert [(c.kind, c.name) for c in told.causes] == [
        ("rate", "Analysis on Card"),
        ("commit", "A"),
    ]
    assert told.causes[1].source == SIGNED
    assert told.causes[1].edit is not None
    assert told.causes[1].edit.id == derive("edit", "first", "create")


def test_a_rollover_is_explained_through_the_renewal_to_the_commit_that_was_sold(
    lived: Setup,
) -> None:
    invoice = next(i for i in usage_invoices(lived) if i.start == at("2027-01-01"))
    number = next(n for n, line in enumerate(invoice.lines, 1) if line.commit_id == ROLLOVER)
    told = lived.engine.explain(invoice.id, number)

    assert [(c.kind, c.id) for c in told.causes if c.kind in ("rollover", "commit")] == [
        ("rollover", ROLLOVER),
        ("commit", "A"),
    ]
    assert told.causes[-1].source == SIGNED


def test_an_override_is_explained_by_the_edit_that_brought_it(lived: Setup) -> None:
    invoice = next(i for i in usage_invoices(lived) if i.start == at("2025-03-01"))
    number = next(n for n, line in enumerate(invoice.lines, 1) if line.name == "Analysis")
    override = next(
        c for c in lived.engine.explain(invoice.id, number).causes if c.kind == "override"
    )

    assert override.id == "analysis*0.85@2025-01-01"
    assert override.edit == lived.engine.edits("first")[1]
