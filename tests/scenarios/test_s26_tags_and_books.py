"""S26: a tag-scoped commit, the lines it splits and the books it fills (R132, R163-R176, R351-R353).

Reads $2.60 and Storage $1.00 carry the tag ``cloud``; Support $15.00 does not.
"""

from decimal import Decimal
from typing import Any

import pytest

from billing.world import (
    at,
    charge,
    commit,
    dollars,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import LineType
from closedwon.finance.journal import LedgerAccount
from scenarios.stage import Stage, applied, lines_of, stage, usage_lines

D = Decimal
CLOUD = Applicability(product_tags=("cloud",))
YEAR = ("2025-01-01", "2026-01-01")


def signed(*commits: Commit, start: str = "2025-01-01", **fields: Any) -> Stage:
    scene = stage(
        [
            usage_product("Storage", "cloud"),
            usage_product("Reads", "cloud"),
            usage_product("Support"),
        ],
        [metric("Storage"), metric("Reads"), metric("Support")],
        [rate("Storage", "100"), rate("Reads", "260"), rate("Support", "1500")],
    )
    scene.sign("k", span(start, "2026-01-01"), signed=start, commits=commits, **fields)
    return scene


def held(name: str, amount: str, **more: Any) -> Commit:
    return commit(name, (amount, *YEAR), **more)


def use(scene: Stage, storage: str, reads: str, support: str, when: str = "2025-01-10") -> None:
    scene.use("Storage", (when, storage))
    scene.use("Reads", (when, reads))
    scene.use("Support", (when, support))


def test_s26_r132_r163_r176_the_dearer_line_first_then_split_and_support_never() -> None:
    """Reads 50 x 2.60 = 130.00 first, then 70.00 of Storage's 120.00; 50.00 over; Support 30.00.

    Applied -130.00 and -70.00; due 50.00 + 30.00 = 80.00.
    """
    scene = signed(held("cloud", "200", payments={"2025-01-01": "200"}, applicability=CLOUD))
    use(scene, "120", "50", "2")
    scene.live("2025-01-01", "2025-02-02")
    january = scene.usage("2025-01-01")

    assert sorted(usage_lines(january), key=str) == [
        ("Reads", D(50), D(260), D(130), "cloud"),
        ("Storage", D(50), D(100), D(50), None),
        ("Storage", D(70), D(100), D(70), "cloud"),
        ("Support", D(2), D(1500), D(30), None),
    ]
    assert sorted(applied(january)) == [("cloud", D(-130)), ("cloud", D(-70))]
    assert dollars(january.total) == 80
    assert [x.name for x in lines_of(january, LineType.APPLIED)] == ["cloud applied"] * 2
    assert {x.quantity for x in lines_of(january, LineType.APPLIED)} == {None}


def test_s26_r165_any_of_the_ids_or_tags() -> None:
    """Ids Support, tag cloud: everything is eligible; 15.00 a unit of Support goes first."""
    either = Applicability(product_ids=("p-Support",), product_tags=("cloud",))
    scene = signed(held("both", "100", applicability=either))
    use(scene, "120", "50", "2")
    scene.live("2025-01-01", "2025-02-02")

    assert sorted(applied(scene.usage("2025-01-01"))) == [("both", D(-70)), ("both", D(-30))]
    assert dollars(scene.usage("2025-01-01").total) == 280 - 100


def test_s26_r168_r172_two_balances_compete_the_narrower_pays_first() -> None:
    """Same priority, both free: one product before two before all: 40 + 60 + 50 of 150.00 Reads."""
    scene = signed(
        held("all", "100"),
        held("cloud", "60", applicability=CLOUD),
        held("reads", "40", applicability=Applicability(product_ids=("p-Reads",))),
    )
    scene.use("Reads", ("2025-01-10", "57.6923076923076923076923076"))
    scene.live("2025-01-01", "2025-02-02")
    entries = {n: scene.ledger(n)[1][2] for n in ("reads", "cloud", "all")}

    assert entries == {"reads": D(-40), "cloud": D(-60), "all": D(-50)}


def test_s26_r168_free_before_paid_and_priority_before_both() -> None:
    """80.00: ``soon`` (priority 1, paid) 30, then ``free`` 30 before ``paid`` 20, both priority 2."""
    scene = signed(
        held("paid", "30", payments={"2025-01-01": "30"}, priority=D(2)),
        held("free", "30", priority=D(2)),
        held("soon", "30", payments={"2025-01-01": "30"}, priority=D(1)),
    )
    scene.use("Storage", ("2025-01-10", "80"))
    scene.live("2025-01-01", "2025-02-02")

    assert scene.left("2025-02-02") == {"soon": 0, "free": 0, "paid": 10}


def test_s26_r167_r178_a_postpaid_promise_counts_last_and_once() -> None:
    """500.00 used, 400.00 prepaid (priority 100), 400.00 postpaid (priority 1): 400 / 100.

    100.00 payable now; true-up 400 - 100 = 300.00, when December's invoice is final (as in S11).
    """
    scene = signed(
        held("pre", "400", payments={"2025-01-01": "400"}, priority=D(100)),
        held(
            "post",
            "400",
            kind=CommitKind.POSTPAID,
            payments={"2026-01-01": "400"},
            priority=D(1),
        ),
    )
    scene.use("Storage", ("2025-01-10", "500"))
    scene.live("2025-01-01", "2025-02-02")
    assert dollars(scene.usage("2025-01-01").total) == 100
    scene.live("2026-01-01", "2026-01-03")

    assert scene.ledger("post") == [
        ("INITIAL_BALANCE", "2025-01-01", D(400)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D(-100)),
        ("TRUEUP", "2026-01-02", D(-300)),
    ]
    assert scene.billed("SCHEDULED")[-1][2] == 300
    # all 400 prepaid earned + 100 usage + 300 true-up
    assert scene.books() == {LedgerAccount.RECEIVABLE: 80000, LedgerAccount.REVENUE: -80000}


def test_s26_r353_the_roll_forward_of_a_discounted_commit() -> None:
    """8,000.00 for 10,000.00. Draw 2,500 -> 2,000 earned, 6,000 deferred; 6,500 more by November.

    Earned 9,000 x 0.8 = 7,200; 1,000 lapse x 0.8 = 800 breakage; deferred 0.
    """
    scene = signed(held("big", "10000", payments={"2025-01-01": "8000"}))
    scene.use("Storage", ("2025-01-10", "2500"))
    scene.use("Storage", ("2025-11-10", "6500"))
    scene.live("2025-01-01", "2025-02-02")
    assert scene.books() == {
        LedgerAccount.RECEIVABLE: 800000,
        LedgerAccount.REVENUE: -200000,
        LedgerAccount.DEFERRED: -600000,
    }
    scene.live("2025-03-02", "2026-01-02", hours=24 * 30)
    scene.live("2026-01-02", "2026-01-03")

    assert scene.books("2026-01-01") == {
        LedgerAccount.RECEIVABLE: 800000,
        LedgerAccount.REVENUE: -720000,
        LedgerAccount.BREAKAGE: -80000,
    }


def test_s26_r351_a_credit_is_contra_and_its_expiration_books_nothing() -> None:
    """Credit 50.00: 20.00 used: revenue 20.00 against promotion 20.00; 30.00 lapse silently.

    A fee of 5.00 is revenue of its date; overage none.
    """
    credit = commit("gift", ("50", "2025-01-01", "2025-02-01"), kind=CommitKind.CREDIT)
    scene = signed(credit, charges=[charge("fee", {"2025-01-01": "5"})])
    scene.use("Storage", ("2025-01-10", "20"))
    scene.live("2025-01-01", "2025-02-03")

    assert scene.ledger("gift")[-1] == ("EXPIRATION", "2025-02-01", D(-30))
    assert scene.books() == {
        LedgerAccount.RECEIVABLE: 500,
        LedgerAccount.REVENUE: -2500,
        LedgerAccount.PROMOTION: 2000,
    }


def test_s26_r353_thirds_of_cents_are_earned_to_the_last_cent() -> None:
    """10.00 for 30.00 of access (basis 1/3): three draws of 10.00 earn 3.33, 3.34, 3.33."""
    scene = signed(held("third", "30", payments={"2025-01-01": "10"}))
    scene.use("Storage", ("2025-01-10", "10"), ("2025-02-10", "10"), ("2025-03-10", "10"))
    earned = []
    for month in ("2025-02-02", "2025-03-02", "2025-04-02"):
        scene.live(month, month)
        earned.append(-scene.books()[LedgerAccount.REVENUE])

    assert earned == [333, 667, 1000]
    assert scene.books() == {LedgerAccount.RECEIVABLE: 1000, LedgerAccount.REVENUE: -1000}


@pytest.mark.parametrize(
    ("when", "covered"), [("2025-01-15T23:59:59", 100), ("2025-01-16T00:00:00", 0)]
)
def test_s26_r131_r179_a_segment_that_ends_inside_the_month_covers_until_its_end(
    when: str, covered: int
) -> None:
    """100 units at the given instant; the credit ends Jan 16 00:00, stamped there (R193)."""
    credit = commit("trial", ("100", "2025-01-01", "2025-01-16"))
    scene = signed(credit)
    scene.use("Storage", (when, "100"))
    scene.live("2025-01-01", "2025-02-02")

    assert dollars(scene.usage("2025-01-01").total) == 100 - covered
    kind = "AUTOMATED_INVOICE_DEDUCTION" if covered else "EXPIRATION"
    assert scene.ledger("trial")[1:] == [(kind, "2025-01-16", D(-100))]


def test_s26_r176_among_lines_of_one_price_the_earlier_begins_then_the_name() -> None:
    """Both $1.00 (Reads discounted away): see that Storage of the first half is paid first.

    A boundary at the 16th from a second segment: 50.00 pay Storage of Jan 1-16 (30.00), then the
    later halves: Reads 2.60 x 10 = 26.00 gets 20.00, Storage of Jan 16-31 nothing.
    """
    scene = signed(
        commit("one", ("50", *YEAR), priority=D(1)),
        commit("two", ("1", "2025-01-16", "2026-01-01"), priority=D(2)),
    )
    scene.use("Storage", ("2025-01-05", "30"), ("2025-01-20", "30"))
    scene.use("Reads", ("2025-01-20", "10"))
    scene.live("2025-01-01", "2025-02-02")
    january = scene.usage("2025-01-01")
    paid = [
        (x.name, x.starting_at, dollars(x.total), x.commit_id)
        for x in january.lines
        if x.type is LineType.USAGE and x.commit_id
    ]

    assert paid == [
        ("Storage", at("2025-01-01"), D(30), "one"),
        ("Reads", at("2025-01-16"), D(20), "one"),
        ("Reads", at("2025-01-16"), D(1), "two"),
    ]
    assert dollars(january.total) == 86 - 51
