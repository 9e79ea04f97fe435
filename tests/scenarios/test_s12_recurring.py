"""S12: recurring commits; partial periods, rounding, durations and ends (R201-R210, R114)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.balances.test_recurring import recurring
from billing.world import at, cents, dollars, span
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.contracts.edits import Added, ChangeEnd, Create, Revise
from closedwon.billing.contracts.recurring import (
    Proration,
    ProrationRounding,
    RecurringAmount,
    RoundingMethod,
)
from closedwon.billing.contracts.terms import (
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
    TransitionType,
)
from closedwon.kernel.calendar import Frequency
from scenarios.stage import Stage, selling

D = Decimal


def grant(scene: Stage, when: str) -> list[tuple[str, str, Decimal]]:
    return scene.ledger(child_id("grant", at(when)))


def rounding(method: RoundingMethod, places: int) -> ProrationRounding:
    return ProrationRounding(method=method, decimal_places=places)


def signed(term: Any, start: str, end: str | None = None, **fields: Any) -> Stage:
    scene = selling(Calls="100")
    scene.sign("k", span(start, end), signed="2023-12-01", recurring=[term], **fields)
    return scene


def test_s12_r10_r201_a_first_partial_month_is_17_of_31() -> None:
    """Jan 15..Feb 1 = 408 h of 744 = 17/31; 30.00 x 17/31 = 16.4516129..., 3000 x 17/31 c exact.

    10 calls at $1.00 leave 6.45161..., which expires Feb 1. February is whole.
    """
    scene = signed(recurring(window=span("2025-01-15"), invoice="20"), "2025-01-15")
    scene.use("Calls", ("2025-01-20", "10"))
    scene.live("2025-01-15", "2025-02-03", hours=12)

    exact = [e.amount for e in scene.world.engine.ledger(child_id("grant", at("2025-01-15")))]
    assert [round(x, 6) for x in exact] == [D("1645.161290"), D("-1000"), D("-645.161290")]
    assert sum(exact) == 0
    assert [e[1] for e in grant(scene, "2025-01-15")] == ["2025-01-15", "2025-02-01", "2025-02-01"]
    assert grant(scene, "2025-02-01") == [("SEGMENT_START", "2025-02-01", D("30.00"))]
    assert scene.billed("SCHEDULED") == [  # 2000 x 17/31 = 1096.774... c
        ("SCHEDULED", "2025-01-15", D("10.97")),
        ("SCHEDULED", "2025-02-01", D("20.00")),
    ]
    (first,) = (i for i in scene.invoices("SCHEDULED") if i.issued_at == at("2025-01-15"))
    assert round(first.total, 6) == D("1096.774194")


@pytest.mark.parametrize(
    ("method", "places", "granted"),
    [
        (RoundingMethod.HALF_UP, 0, "1645"),
        (RoundingMethod.FLOOR, 0, "1645"),
        (RoundingMethod.CEILING, 0, "1646"),
        (RoundingMethod.HALF_UP, -2, "1600"),
        (RoundingMethod.CEILING, -2, "1700"),
        (RoundingMethod.FLOOR, 3, "1645.161"),
        (RoundingMethod.HALF_UP, 5, "1645.16129"),
    ],
)
def test_s12_r207_a_share_is_rounded_in_wire_units_and_a_whole_period_never(
    method: RoundingMethod, places: int, granted: str
) -> None:
    """3000 c x 17/31 = 1645.16129032... c; whole months stay 3000 c even at -5 places."""
    term = recurring(window=span("2025-01-15"), access_rounding=rounding(method, places))
    scene = signed(term, "2025-01-15")
    scene.live("2025-02-03", "2025-02-03")

    entries = scene.world.engine.ledger(child_id("grant", at("2025-01-15")))
    assert entries[0].amount == D(granted)
    assert scene.left("2025-02-03")[child_id("grant", at("2025-02-01"))] == D("30.00")


@pytest.mark.parametrize(
    ("proration", "first", "last"),
    [
        (Proration.NONE, "30.00", "30.00"),
        (Proration.FIRST, "16.45", "30.00"),
        (Proration.LAST, "30.00", "10.00"),
        (Proration.FIRST_AND_LAST, "16.45", "10.00"),
    ],
)
def test_s12_r201_r209_each_end_is_prorated_as_asked(
    proration: Proration, first: str, last: str
) -> None:
    """Last: Apr 1..11 = 240 of 720 h = 1/3 of 30.00; no child starts on Apr 11."""
    scene = signed(
        recurring(window=span("2025-01-15", "2025-04-11"), proration=proration), "2025-01-15"
    )
    scene.live("2025-05-02", "2025-05-02")

    assert grant(scene, "2025-01-15")[0][2] == D(first)
    assert grant(scene, "2025-03-01")[0][2] == D("30.00")
    assert grant(scene, "2025-04-01") == [
        ("SEGMENT_START", "2025-04-01", D(last)),
        ("EXPIRATION", "2025-04-11", -D(last)),
    ]
    assert grant(scene, "2025-04-11") == []


def test_s12_r202_a_grid_of_its_own_begins_whole_and_runs_across_invoices() -> None:
    """MONTHLY from Jan 15: whole 30.00 for Jan 15..Feb 15; its deductions fall on two invoices.

    12 calls in January, 20 in early February: 12 + 18 covered, 2 over.
    """
    scene = signed(
        recurring(window=span("2025-01-15"), frequency=Frequency.MONTHLY, invoice="20"),
        "2025-01-01",
    )
    scene.use("Calls", ("2025-01-20", "12"), ("2025-02-14T23:59:59", "20"))
    scene.live("2025-01-01", "2025-03-03")

    assert grant(scene, "2025-01-15") == [
        ("SEGMENT_START", "2025-01-15", D("30.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D("-12.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-15", D("-18.00")),
    ]
    assert dollars(scene.usage("2025-02-01").total) == 2
    assert scene.billed("SCHEDULED") == [
        ("SCHEDULED", "2025-01-15", D("20.00")),
        ("SCHEDULED", "2025-02-15", D("20.00")),
    ]


def test_s12_r9_r202_a_grid_from_the_31st_does_not_drift_and_knows_leap_years() -> None:
    """Jan 31, Feb 29 (2024), Mar 31, Apr 30: all whole, none prorated."""
    scene = signed(
        recurring(window=span("2024-01-31"), frequency=Frequency.MONTHLY),
        "2024-01-31",
        "2025-01-31",
    )
    scene.live("2024-05-02", "2024-05-02")

    starts = ("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30")
    assert [grant(scene, when)[0][2] for when in starts] == [D("30.00")] * 4
    assert grant(scene, "2024-02-29")[-1] == ("EXPIRATION", "2024-03-31", D("-30.00"))


def test_s12_r203_two_periods_of_access_overlap_and_the_older_burns_first() -> None:
    """Jan 1..Mar 1 and Feb 1..Apr 1, 30.00 each. January 10, February 45, March 0.

    February: 20 left of January's (ends earlier), 25 of February's; 5.00 of it expires Apr 1.
    The contract ends Mar 15: the child of March and that of February are clipped there.
    """
    scene = signed(recurring(duration_periods=2), "2025-01-01", "2025-03-15")
    scene.use("Calls", ("2025-01-10", "10"), ("2025-02-10", "45"))
    scene.live("2025-01-01", "2025-03-20")

    assert grant(scene, "2025-01-01") == [
        ("SEGMENT_START", "2025-01-01", D("30.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D("-10.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-03-01", D("-20.00")),
    ]
    assert grant(scene, "2025-02-01") == [
        ("SEGMENT_START", "2025-02-01", D("30.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-03-01", D("-25.00")),
        ("EXPIRATION", "2025-03-15", D("-5.00")),
    ]
    march = grant(scene, "2025-03-01")  # 14 of 31 days: 336/744 h x 30.00 = 13.548...
    assert march == [
        ("SEGMENT_START", "2025-03-01", D("13.55")),
        ("EXPIRATION", "2025-03-15", D("-13.55")),
    ]


def test_s12_r114_an_edit_changes_children_to_come_only() -> None:
    """$30 -> $40 on Feb 10: February keeps 30, March grants 40 and costs 25."""
    scene = signed(recurring(invoice="20"), "2025-01-01")
    scene.live("2025-01-01", "2025-02-10")
    new = recurring(access="40", invoice="25")
    scene.edit("k", Revise(replace=Added(recurring=(new,))), "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-03-03")

    assert [grant(scene, f"2025-0{m}-01")[0][2] for m in (1, 2, 3)] == [30, 30, 40]
    assert [told[2] for told in scene.billed("SCHEDULED")] == [20, 20, 25]


def test_s12_r208_a_daily_grant_lasts_its_day() -> None:
    """$1.00 a day, Feb 28 and 29, 2024: 3 calls on the 28th, 2 at the 29th's first instant."""
    scene = signed(
        recurring(access="1", window=span("2024-02-28"), frequency=Frequency.DAILY),
        "2024-02-28",
        "2024-03-01",
    )
    scene.use("Calls", ("2024-02-28T12:00:00", "3"), ("2024-02-29T00:00:00", "2"))
    scene.live("2024-02-28", "2024-03-03")

    assert dollars(scene.usage("2024-02-28").total) == 3  # (3 - 1) + (2 - 1)
    assert grant(scene, "2024-02-28")[1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2024-02-29", D("-1.00"))
    ]
    assert grant(scene, "2024-03-01") == []


def test_s12_r201_quarterly_statements_make_quarterly_children() -> None:
    """FIRST_OF_MONTH quarters from 2024-11-20: 20 Nov..1 Feb of 1 Nov..1 Feb = 1752/2208 h."""
    scene = signed(
        recurring(access="92", window=span("2024-11-20")),
        "2024-11-20",
        statement=StatementSchedule(frequency=Frequency.QUARTERLY),
    )
    scene.live("2025-02-03", "2025-02-03")

    # 73 of 92 days: 92.00 x 73/92 = 73.00
    assert grant(scene, "2024-11-20") == [
        ("SEGMENT_START", "2024-11-20", D("73.00")),
        ("EXPIRATION", "2025-02-01", D("-73.00")),
    ]
    assert grant(scene, "2025-02-01") == [("SEGMENT_START", "2025-02-01", D("92.00"))]


def test_s12_r13_r204_a_purchase_is_grouped_and_its_price_is_prorated_with_the_access() -> None:
    """Upgrade: 30/20 from Jan 21: 3000 x 11/31 = 1064.516 c for 2000 x 11/31 = 709.677 c."""
    scene = signed(
        recurring(
            window=span("2025-01-21"),
            invoice="20",
            access_rounding=rounding(RoundingMethod.HALF_UP, 0),
            invoice_rounding=rounding(RoundingMethod.HALF_UP, 0),
        ),
        "2025-01-21",
        statement=StatementSchedule(day=StatementDay.FIRST_OF_MONTH),
    )
    scene.live("2025-01-21", "2025-02-03")

    assert grant(scene, "2025-01-21") == [
        ("SEGMENT_START", "2025-01-21", D("10.65")),
        ("EXPIRATION", "2025-02-01", D("-10.65")),
    ]
    assert scene.billed("SCHEDULED")[0] == ("SCHEDULED", "2025-01-21", D("7.10"))


def test_s12_r210_r121_what_is_left_of_the_running_child_rolls_at_a_renewal() -> None:
    """Credit 10.00 a month, f = 1; 8.00 used by Jan 21; 2.00 roll; 6.00 in B: 2.00 free, 4.00 due.

    January's child is whole (granted at Jan 1 for Jan 1..Feb 1), its last period cut by the
    renewal afterwards (S13: min(2.00, 1 x 10.00)).
    """
    scene = signed(
        recurring(access="10", kind=CommitKind.CREDIT, rollover_fraction=D(1)), "2025-01-01"
    )
    scene.use("Calls", ("2025-01-20", "8"), ("2025-01-25", "6"))
    scene.live("2025-01-01", "2025-01-20")
    follow = Create(
        customer_id="customer",
        term=span("2025-01-21"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="k"),
    )
    scene.world.engine.create_contract("b", follow, by="test", now=at("2025-01-20T12:00:00"))
    scene.live("2025-01-21", "2025-02-03")

    assert grant(scene, "2025-01-01") == [
        ("SEGMENT_START", "2025-01-01", D("10.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-01-21", D("-8.00")),
        ("ROLLOVER", "2025-01-21", D("-2.00")),
    ]
    assert [told[2] for told in scene.billed("USAGE")] == [0, 4]


def test_s12_r117_r209_a_contract_cut_short_keeps_what_was_granted_and_makes_no_more() -> None:
    """Ended Feb 15 by an edit of Feb 10: February's 30.00 stands, 18.00 of it expires Feb 15."""
    scene = signed(recurring(invoice="20"), "2025-01-01")
    scene.use("Calls", ("2025-02-05", "12"))
    scene.live("2025-01-01", "2025-02-10")
    scene.edit("k", ChangeEnd(ending_before=at("2025-02-15")), "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-03-03")

    assert grant(scene, "2025-02-01") == [
        ("SEGMENT_START", "2025-02-01", D("30.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-15", D("-12.00")),
        ("EXPIRATION", "2025-02-15", D("-18.00")),
    ]
    assert [told[1] for told in scene.billed("SCHEDULED")] == ["2025-01-01", "2025-02-01"]


def test_s12_r204_unit_price_times_quantity_is_what_a_child_grants() -> None:
    """5 x $6.00 of access; two dates compete: priority 1 burns before priority 2."""
    many = recurring(
        "many", access=RecurringAmount(unit_price=cents("6"), quantity=D(5)), priority=D(2)
    )
    scene = selling(Calls="100")
    few = recurring("few", access="10", priority=D(1))
    scene.sign("k", span("2025-01-01"), signed="2024-12-01", recurring=[many, few])
    scene.use("Calls", ("2025-01-10", "25"))
    scene.live("2025-02-02", "2025-02-02")

    deducted = {
        name: scene.ledger(child_id(name, at("2025-01-01")))[1:] for name in ("few", "many")
    }
    assert deducted == {
        "few": [("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D("-10.00"))],
        "many": [
            ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D("-15.00")),
            ("EXPIRATION", "2025-02-01", D("-15.00")),
        ],
    }
