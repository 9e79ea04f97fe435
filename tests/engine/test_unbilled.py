"""Unbilled usage of everybody at once is what everybody's own bill says (D2)."""

from collections.abc import Sequence
from decimal import Decimal

from billing.world import at, commit, fixed_product, metric, rate, span, usage_product
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import InvoiceType, LineType
from closedwon.billing.pricing import Tier, Tiered
from closedwon.engine.unbilled import Unbilled
from closedwon.reports import unbilled

NOW = at("2024-02-10")
PLAIN = 6
PRICE = Tiered(tiers=(Tier(size=Decimal(10), price=Decimal(200)), Tier(price=Decimal(100))))


def signed(world: Setup, number: int, *commits: Commit) -> None:
    who = f"c{number}"
    add_customer(world.engine, who)
    create = Create(
        customer_id=who,
        term=span("2024-01-01"),
        rate_card_id="card",
        terms=Added(commits=commits),
    )
    world.engine.create_contract(f"k{number}", create, by="test", now=at("2023-12-31"))
    for day, units in (("2024-01-10", 5 * number), ("2024-02-05", 7 * number)):
        if units:
            world.usage.use(event(who, "Calls", at(day), str(units)))


def town() -> Setup:
    """Six customers who promise alike, one who pays afterwards, one whose usage falls."""
    world = setup()
    products = [usage_product("Calls", "calls"), fixed_product("commit")]
    add_catalog(world.engine, products, [metric("Calls")], [rate("Calls", PRICE)])
    for number in range(PLAIN):
        prepaid = (str(10 * number + 10), "2024-01-01", "2025-01-01")
        signed(world, number, commit(f"a{number}", prepaid, payments={"2024-01-01": "5"}))
    owed = ("50", "2024-01-01", "2025-01-01")
    payments = {"2025-01-01": "50"}
    signed(world, 6, commit("owed", owed, kind=CommitKind.POSTPAID, payments=payments))
    falls = commit("b", ("10", "2024-01-01", "2025-01-01"), payments={"2024-01-01": "5"})
    signed(world, 7, falls)
    world.usage.use(event("c7", "Calls", at("2024-02-07"), "-60"))
    return world


def by_bills(world: Setup, ids: Sequence[str]) -> list[tuple[object, ...]]:
    found = []
    for who, bill in world.engine.bills(ids, NOW).bills.items():
        for one in bill.invoices:
            if one.type is InvoiceType.USAGE:
                usage = [line.total for line in one.lines if line.type is LineType.USAGE]
                found.append((who, one.contract_id, one.start, sum(usage), one.total))
    return found


def told(row: Unbilled) -> tuple[object, ...]:
    return (row.customer_id, row.contract_id, row.start, row.usage, row.total)


def test_unbilled_usage_is_what_the_bills_say_before_and_after_finalizing() -> None:
    world = town()
    ids = [f"c{number}" for number in range(8)]
    for periods in (2, 1):
        found = world.engine.unbilled(ids, NOW)

        assert [told(row) for row in found.rows] == by_bills(world, ids)
        assert len(found.rows) == 8 * periods
        assert (found.as_columns, found.failures) == (PLAIN, {})
        world.engine.finalize(NOW)


def test_the_report_sums_what_is_to_invoice() -> None:
    world = town()
    world.engine.finalize(NOW)
    found = world.engine.unbilled(["c2", "c3"], NOW)

    made = unbilled.report(found, {"c2": "Two"}, world.engine.catalog(), NOW)

    sums, rows = made.tables
    assert [row[0] for row in rows.rows] == ["Two", "c3"]
    # 14 and 21 units at 2.00 for the first ten, then 1.00; January left 10.00 and 15.00.
    assert [row[5:] for row in rows.rows] == [(24, 10, 14), (31, 15, 16)]
    assert sums.rows == (("USD", 2, 55, 25, 30),)
