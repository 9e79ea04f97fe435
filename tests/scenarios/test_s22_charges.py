"""S22: scheduled charges: dates, grouping, distribution, lateness (R148-R157)."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import at, charge, commit, dollars, items, span
from closedwon.billing.contracts.edits import Added, Revise
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.terms import ScheduledCharge
from closedwon.billing.invoices.schedule import (
    Amount,
    Distribution,
    RecurringSchedule,
    schedule_items,
)
from closedwon.billing.invoices.types import LineType
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.calendar import Frequency
from scenarios.stage import Stage, lines_of, selling

D = Decimal


def recurring(
    frequency: Frequency,
    how: Distribution,
    price: Amount,
    start: str = "2024-11-01",
    end: str = "2025-11-01",
) -> ScheduledCharge:
    schedule = RecurringSchedule(
        window=span(start, end), frequency=frequency, distribution=how, price=price
    )
    return ScheduledCharge(
        id="fee", product_id="p-fee", name="fee", items=schedule_items("fee", schedule)
    )


def signed(*charges: ScheduledCharge, start: str = "2024-11-01", **fields: object) -> Stage:
    scene = selling(Calls="100")
    scene.sign("k", span(start), signed=start, charges=charges, **fields)
    return scene


def dated(scene: Stage) -> list[tuple[str, Decimal]]:
    return [(when, amount) for _, when, amount in scene.billed("SCHEDULED")]


def test_s22_r152_r153_quarterly_each_in_full_and_none_on_the_end() -> None:
    """Seed 2: Nov 1, Feb 1, May 1, Aug 1 at 1,000.00 each; 4,000.00 in all."""
    fee = recurring(Frequency.QUARTERLY, Distribution.EACH, Amount(amount=D(100000)))
    scene = signed(fee)
    scene.live("2024-11-01", "2025-11-02", hours=24)

    assert dated(scene) == [
        (when, D(1000)) for when in ("2024-11-01", "2025-02-01", "2025-05-01", "2025-08-01")
    ]
    assert scene.books() == {LedgerAccount.RECEIVABLE: 400000, LedgerAccount.REVENUE: -400000}


@pytest.mark.parametrize(
    ("how", "cents"),
    [
        (Distribution.DIVIDED_ROUNDED, ["333333", "333333", "333334"]),
        (Distribution.EACH, ["1000000"] * 3),
    ],
)
def test_s22_r153_a_million_cents_over_three_months(how: Distribution, cents: list[str]) -> None:
    """1,000,000 / 3 = 333,333.33: rounded, two of 333,333 and the rest, 333,334."""
    fee = recurring(Frequency.MONTHLY, how, Amount(amount=D(1000000)), end="2025-02-01")
    scene = signed(fee)
    scene.live("2024-11-01", "2025-02-02")

    assert [i.total for i in scene.invoices("SCHEDULED")] == [D(x) for x in cents]


def test_s22_r153_divided_keeps_fractions_and_sums_to_the_whole() -> None:
    """1,000,000 / 3 = 333,333.333...; three invoices of 3,333.33, exact sum 1,000,000 c."""
    fee = recurring(
        Frequency.MONTHLY, Distribution.DIVIDED, Amount(amount=D(1000000)), end="2025-02-01"
    )
    scene = signed(fee)
    scene.live("2024-11-01", "2025-02-02")

    totals = [i.total for i in scene.invoices("SCHEDULED")]
    assert sum(totals) == 1000000
    assert [dollars(x) for x in totals] == [D("3333.33")] * 3


@pytest.mark.parametrize(
    ("cents", "expected"),
    [("5", ["3", "2"]), ("1", ["1", "0"]), ("7", ["4", "3"]), ("-0", ["0", "0"])],
)
def test_s22_r153_half_a_cent_goes_up_and_the_last_takes_the_rest(
    cents: str, expected: list[str]
) -> None:
    """5 / 2 = 2.5 -> 3, rest 2. 1 / 2 = 0.5 -> 1, rest 0. 7 / 2 = 3.5 -> 4, rest 3."""
    fee = recurring(
        Frequency.MONTHLY, Distribution.DIVIDED_ROUNDED, Amount(amount=D(cents)), end="2025-01-01"
    )

    assert [point.amount for point in fee.items] == [D(x) for x in expected]


def test_s22_r153_divided_units_keep_their_price() -> None:
    """12 units at 50.00 over 4 quarters: 3 x 50.00 = 150.00 each."""
    fee = recurring(
        Frequency.QUARTERLY, Distribution.DIVIDED, Amount(unit_price=D(5000), quantity=D(12))
    )

    assert [(p.unit_price, p.quantity, p.amount) for p in fee.items] == [
        (D(5000), D(3), D(15000))
    ] * 4


@pytest.mark.parametrize(
    ("frequency", "start", "end", "dates"),
    [
        (Frequency.MONTHLY, "2024-01-31", "2024-05-31", "01-31 02-29 03-31 04-30"),
        (Frequency.MONTHLY, "2025-01-31", "2025-04-30", "01-31 02-28 03-31"),
        (Frequency.SEMI_ANNUAL, "2024-08-31", "2025-08-31", "08-31 02-28"),
        (Frequency.ANNUAL, "2024-02-29", "2027-02-28", "02-29 02-28 02-28"),
        (Frequency.WEEKLY, "2024-02-26", "2024-03-11T01:00:00", "02-26 03-04 03-11"),
    ],
)
def test_s22_r9_r152_steps_count_from_the_first_date(
    frequency: Frequency, start: str, end: str, dates: str
) -> None:
    fee = recurring(frequency, Distribution.EACH, Amount(amount=D(100)), start, end)

    assert [f"{p.timestamp:%m-%d}" for p in fee.items] == dates.split()


def test_s22_r149_charges_and_purchases_of_one_instant_share_an_invoice() -> None:
    """10,000.00 commit + 1,000.00 fee + 5.00 on Nov 1 at 00:00; 7.00 one hour later stands alone.

    Revenue 1,005.00 + 7.00 at once, 10,000.00 deferred.
    """
    extra = ScheduledCharge(
        id="extra",
        product_id="p-fee",
        name="extra",
        items=items("extra", {"2024-11-01": "5", "2024-11-01T01:00:00": "7"}),
    )
    held = commit("held", ("10000", "2024-11-01", "2025-11-01"), payments={"2024-11-01": "10000"})
    scene = signed(charge("fee", {"2024-11-01": "1000"}), extra, commits=[held])
    scene.live("2024-11-01", "2024-11-02")

    assert dated(scene) == [("2024-11-01", D(11005)), ("2024-11-01T01:00", D(7))]
    together = scene.invoices("SCHEDULED")[0]
    assert [dollars(x.total) for x in lines_of(together, LineType.COMMIT_PURCHASE)] == [10000]
    assert scene.books() == {
        LedgerAccount.RECEIVABLE: 1101200,
        LedgerAccount.REVENUE: -101200,
        LedgerAccount.DEFERRED: -1000000,
    }


def test_s22_r150_r151_what_comes_after_its_invoice_is_final_gets_one_of_its_own() -> None:
    """Fee of Nov 1 final; on Nov 10 a second charge of 40.00 dated Nov 1 is added: two invoices."""
    scene = signed(charge("fee", {"2024-11-01": "1000"}))
    scene.live("2024-11-01", "2024-11-10")
    late = replace(charge("fee", {"2024-11-01": "40"}), id="late", name="late")
    late = replace(late, items=items("late", {"2024-11-01": "40"}))
    scene.edit("k", Revise(add=Added(charges=(late,))), "2024-11-10T05:00:00")
    scene.live("2024-11-10T06:00:00", "2024-11-12")

    assert sorted(amount for _, amount in dated(scene)) == [40, 1000]
    second = next(i for i in scene.invoices("SCHEDULED") if dollars(i.total) == 40)
    assert second.finalized_at is not None
    assert second.finalized_at <= at("2024-11-10T06:00:00")


def test_s22_r155_all_moves_a_charge_of_the_last_day_onto_the_usage_invoice() -> None:
    """75.00 a month from Jan 1: Jan 1 alone; Feb 1's sits with January's usage of 20.00.

    A charge of Feb 2 is not on the day of an end and stands alone.
    """
    fee = charge("fee", {"2025-01-01": "75", "2025-02-01": "75", "2025-02-02": "9"})
    scene = signed(fee, start="2025-01-01", charges_on_usage_invoices=True)
    scene.use("Calls", ("2025-01-20", "20"))
    scene.live("2025-01-01", "2025-02-03")

    assert dated(scene) == [("2025-01-01", D(75)), ("2025-02-02", D(9))]
    assert dollars(scene.usage("2025-01-01").total) == 95


def test_s22_r155_the_same_utc_day_is_enough() -> None:
    """A charge at 18:00 of Feb 1 still joins the invoice that ended Feb 1 at 00:00."""
    fee = ScheduledCharge(
        id="fee", product_id="p-fee", name="fee", items=items("fee", {"2025-02-01T18:00:00": "75"})
    )
    scene = signed(fee, start="2025-01-01", charges_on_usage_invoices=True)
    scene.live("2025-01-01", "2025-02-03", hours=6)

    assert dated(scene) == []
    assert dollars(scene.usage("2025-01-01").total) == 75


def test_s22_r157_a_balance_never_pays_a_charge() -> None:
    """1,000.00 of unrestricted credit, a charge of 75.00 and 20.00 of usage: 75.00 due."""
    free = commit("free", ("1000", "2025-01-01", "2026-01-01"))
    fee = charge("fee", {"2025-01-01": "75", "2025-02-01": "75"})
    for together in (False, True):
        scene = signed(fee, start="2025-01-01", commits=[free], charges_on_usage_invoices=together)
        scene.use("Calls", ("2025-01-20", "20"))
        scene.live("2025-01-01", "2025-02-03")

        assert sum(amount for _, _, amount in scene.billed()) == 150
        assert scene.left("2025-02-03") == {"free": D(980)}


def test_s22_r158_a_discount_may_make_an_invoice_negative() -> None:
    """Fee 100.00, discount 130.00 on the same instant: -30.00."""
    discount = Discount(
        id="gift", product_id="p-fee", name="gift", items=items("gift", {"2024-11-01": "130"})
    )
    scene = signed(charge("fee", {"2024-11-01": "100"}), discounts=[discount])
    scene.live("2024-11-01", "2024-11-02")

    assert dated(scene) == [("2024-11-01", D(-30))]
    assert scene.books() == {LedgerAccount.RECEIVABLE: -3000, LedgerAccount.REVENUE: 3000}


def test_s22_r160_an_archived_charge_keeps_its_past() -> None:
    """100.00 on Nov 1 and Dec 1; archived Nov 15: only the first was ever billed."""
    scene = signed(charge("fee", {"2024-11-01": "100", "2024-12-01": "100"}))
    scene.live("2024-11-01", "2024-11-15")
    scene.edit("k", Revise(archive_ids=("fee",)), "2024-11-15T03:00:00")
    scene.live("2024-11-16", "2024-12-05")

    assert dated(scene) == [("2024-11-01", D(100))]


def test_s22_r154_a_purchase_that_is_not_invoiced_still_counts_as_paid() -> None:
    """Two commits of 100.00, ``paid`` do_not_invoice (basis 1), ``free`` (basis 0): free burns first.

    120 units: free 100, paid 20; no scheduled invoice at all.
    """
    year = ("100", "2024-11-01", "2025-11-01")
    paid = commit("paid", year, payments={"2024-11-01": "100"}, do_not_invoice=True)
    scene = signed(commits=[paid, commit("free", year)])
    scene.use("Calls", ("2024-11-05", "120"))
    scene.live("2024-11-01", "2024-12-02")

    assert dated(scene) == []
    assert scene.left("2024-12-02") == {"free": D(0), "paid": D(80)}
