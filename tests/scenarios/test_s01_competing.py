"""S1, S16, S20: settings of drawdown, manual entries that roll, charges at an end, two currencies."""

from decimal import Decimal

from billing.balances.test_recurring import recurring
from billing.world import at, commit, dollars, span
from closedwon.billing.account import BillingSettings
from closedwon.billing.contracts.edits import ChangeEnd
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.engine.command import Author
from closedwon.engine.manual import Adjustment
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.ids import derive
from scenarios.stage import Stage, selling
from scenarios.test_s01_segments import R_A, R_B, infrax, renew

D = Decimal
YEAR = ("2025-01-01", "2026-01-01")


def test_s1_r175_dates_of_the_commit_where_the_setting_says_so() -> None:
    """drawdown_dates = commit: A (2024-2027) and B (2025-2027) end together, A began first.

    2026: 160,000 h x 1.0625 = 170,000 from A3: 80,000 left, 62,500 roll; B rolls 75,000 of 300,000.
    """
    scene = infrax(BillingSettings(drawdown_dates="commit"))
    scene.use("Analysis", ("2026-05-05", "160000"))
    renew(scene)
    scene.live("2026-12-01", "2027-01-03")

    assert scene.ledger("A")[-3:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2026-06-01", D(-170000)),
        ("EXPIRATION", "2027-01-01", D(-17500)),
        ("ROLLOVER", "2027-01-01", D(-62500)),
    ]
    assert scene.left("2027-01-03") == {R_A: D(62500), R_B: D(75000), "C": D(600000)}


def renewed(scene: Stage, start: str, signed: str) -> None:
    follows = Transition(type=TransitionType.RENEWAL, from_contract_id="k")
    scene.sign("n", span(start), signed=signed, transition=follows)


def test_s1_r121_r198_what_was_taken_by_hand_does_not_roll() -> None:
    """100.00 bought for 80.00, f = 0.25: -30 by hand, 50 used, 20 left: min(20, 25) = 20 roll.

    Basis 0.8: 50 -> 40.00 earned, 30 -> 24.00 adjusted, 20 -> 16.00 still deferred on the new one,
    of which 5.00 of usage earn 4.00.
    """
    scene = selling(Calls="100")
    held = commit(
        "held", ("100", *YEAR), payments={"2025-01-01": "80"}, rollover_fraction=D("0.25")
    )
    scene.sign("k", span(*YEAR), signed="2025-01-01", commits=[held])
    scene.use("Calls", ("2025-03-10", "50"), ("2026-01-10", "5"))
    scene.live("2025-01-01", "2025-05-01")
    taken = Adjustment(commit_id="held", segment_id="held1", amount=D(-3000), reason="agreed")
    author = Author(by="test", now=at("2025-05-01"))
    scene.world.engine.balances.adjust("customer", taken, author)
    renewed(scene, "2026-01-01", "2025-12-01")
    scene.live("2025-12-31", "2026-02-03")

    assert scene.ledger("held") == [
        ("MANUAL", "2025-01-01", D(-30)),
        ("SEGMENT_START", "2025-01-01", D(100)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-04-01", D(-50)),
        ("ROLLOVER", "2026-01-01", D(-20)),
    ]
    assert scene.left("2026-02-03") == {derive("rollover", "n", "held"): D(15)}
    assert scene.books() == {
        LedgerAccount.RECEIVABLE: 8000,
        LedgerAccount.REVENUE: -4400,
        LedgerAccount.ADJUSTMENT: -2400,
        LedgerAccount.DEFERRED: -1200,
    }


def test_s20_r117_r155_r209_no_charge_joins_the_last_invoice_for_a_month_that_never_comes() -> None:
    """75.00 for 100.00 a month on usage invoices; ended Mar 1.

    January's invoice has February's 75.00; February's has no charge of Mar 1. Usage 120.00 and 60.00: 20 + 75 = 95.00, then 0;
    February's 40.00 expires Mar 1.
    """
    scene = selling(Calls="100")
    scene.sign(
        "k",
        span("2025-01-01"),
        signed="2025-01-01",
        recurring=[recurring(access="100", invoice="75")],
        charges_on_usage_invoices=True,
    )
    scene.use("Calls", ("2025-01-10", "120"), ("2025-02-10", "60"))
    scene.live("2025-01-01", "2025-02-20")
    scene.edit("k", ChangeEnd(ending_before=at("2025-03-01")), "2025-02-20T05:00:00")
    scene.live("2025-02-21", "2025-04-03")

    assert scene.billed() == [
        ("SCHEDULED", "2025-01-01", D(75)),
        ("USAGE", "2025-02-02", D(95)),
        ("USAGE", "2025-03-02", D(0)),
    ]
    assert scene.net("2025-04-03") == 0


def test_s16_r121_r167_a_rollover_then_the_same_renewed_again() -> None:
    """F = 1 twice: 100.00, 40 used, 60 roll; R has no fraction: the second renewal rolls nothing.

    On n: 25 of R used, 35 expire on Jul 1, 2026.
    """
    scene = selling(Calls="100")
    held = commit("held", ("100", *YEAR), rollover_fraction=D(1))
    scene.sign("k", span(*YEAR), signed="2025-01-01", commits=[held])
    scene.use("Calls", ("2025-03-10", "40"), ("2026-02-10", "25"))
    renewed(scene, "2026-01-01", "2025-12-01")
    follows = Transition(type=TransitionType.RENEWAL, from_contract_id="n")
    scene.sign("m", span("2026-07-01"), signed="2026-06-01", transition=follows)
    scene.live("2026-01-02", "2026-08-03", hours=24 * 7)

    assert scene.ledger(derive("rollover", "n", "held")) == [
        ("SEGMENT_START", "2026-01-01", D(60)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2026-03-01", D(-25)),
        ("EXPIRATION", "2026-07-01", D(-35)),
    ]


def test_s2_r148_r149_r182_two_items_of_one_commit_on_one_day_share_an_invoice() -> None:
    """30.00 at 00:00 and 70.00 at 12:00 of Jan 1 are two instants: two invoices of one commit."""
    scene = selling(Calls="100")
    held = commit(
        "held", ("100", *YEAR), payments={"2025-01-01": "30", "2025-01-01T12:00:00": "70"}
    )
    assert [dollars(p.amount) for p in held.payments] == [30, 70]
    scene.sign("k", span(*YEAR), signed="2025-01-01", commits=[held])
    scene.live("2025-01-01", "2025-01-02", hours=6)

    assert scene.billed() == [
        ("SCHEDULED", "2025-01-01", D(30)),
        ("SCHEDULED", "2025-01-01T12:00", D(70)),
    ]
