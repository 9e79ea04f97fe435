"""S15: a spend threshold charges what has accrued; the rest waits for its invoice (R264-R268)."""

from decimal import Decimal

from msgspec.structs import replace

from billing.world import at, commit, dollars, span
from closedwon.billing.contracts.edits import ContractSettings, Revise
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    GateConfig,
    GateStatus,
    GateType,
    PurchaseDiscount,
    SpendThreshold,
    ThresholdCommit,
)
from closedwon.engine.command import Author
from closedwon.finance.journal import LedgerAccount
from scenarios.stage import Stage, selling

D = Decimal
SPEND = SpendThreshold(
    is_enabled=True,
    threshold_amount=D(20000),
    commit=ThresholdCommit(product_id="p-commit", name="Threshold charge"),
)


def metered(threshold: SpendThreshold = SPEND, *commits: Commit) -> Stage:
    scene = selling(Tokens="1")
    scene.sign(
        "c",
        span("2025-01-01", "2026-01-01"),
        signed="2025-01-01",
        commits=commits,
        settings=ContractSettings(spend_threshold=threshold),
    )
    scene.live("2025-06-02", "2025-06-02")
    return scene


def evaluate(scene: Stage, when: str) -> list[Decimal]:
    bought = scene.world.engine.evaluate_thresholds(at(when))
    return [dollars(one.commit.cost_total) for one in bought]


def charges(scene: Stage) -> list[Commit]:
    return [one for one in scene.world.engine.contract("c").commits if one.is_recharge]


def test_s15_r264_r265_530_dollars_in_three_parts() -> None:
    """200.40, then 405.10 - 200.40 = 204.70, then 530.00 - 405.10 = 124.90 on the usage invoice.

    Both commits grant over June and are used up in it; recognized are 530.00 in all.
    """
    scene = metered()
    scene.use("Tokens", ("2025-06-05T08:00", "20040"))
    assert evaluate(scene, "2025-06-05T09:00") == [D("200.40")]
    scene.use("Tokens", ("2025-06-12T08:00", "20470"))
    assert evaluate(scene, "2025-06-12T09:00") == [D("204.70")]
    scene.use("Tokens", ("2025-06-20T08:00", "12490"))
    assert evaluate(scene, "2025-06-20T09:00") == []
    scene.live("2025-06-21", "2025-07-03")

    first, second = charges(scene)
    for one, amount in ((first, D("200.40")), (second, D("204.70"))):
        assert one.priority == 100
        assert [s.window for s in one.segments] == [span("2025-06-01", "2025-07-01")]
        assert scene.ledger(one.id) == [
            ("SEGMENT_START", "2025-06-01", amount),
            ("AUTOMATED_INVOICE_DEDUCTION", "2025-07-01", -amount),
        ]
    assert dollars(scene.usage("2025-06-01").total) == D("124.90")
    assert [told[2] for told in scene.billed("SCHEDULED")] == [D("200.40"), D("204.70")]
    assert scene.books() == {LedgerAccount.RECEIVABLE: 53000, LedgerAccount.REVENUE: -53000}


def test_s15_r264_only_uncovered_spend_counts_and_the_threshold_is_inclusive() -> None:
    """A credit of 50.00 takes the first 50.00: 249.99 used is 199.99 uncovered; 250.00 is 200.00."""
    scene = metered(SPEND, commit("opening", ("50", "2025-01-01", "2026-01-01")))
    scene.use("Tokens", ("2025-06-05T08:00", "24999"))
    assert evaluate(scene, "2025-06-05T09:00") == []
    scene.use("Tokens", ("2025-06-05T10:00", "1"))
    assert evaluate(scene, "2025-06-05T11:00") == [D("200.00")]
    scene.live("2025-06-06", "2025-07-03")
    assert scene.usage("2025-06-01").total == 0


def test_s15_r264_a_new_period_starts_from_nothing() -> None:
    """150.00 in June stay below; 150.00 in July do not add up with them."""
    scene = metered()
    scene.use("Tokens", ("2025-06-30T23:00", "15000"))
    assert evaluate(scene, "2025-06-30T23:30") == []
    scene.use("Tokens", ("2025-07-01T00:00", "15000"))
    assert evaluate(scene, "2025-07-01T01:00") == []
    scene.live("2025-07-02", "2025-08-03")
    assert [told[2] for told in scene.billed("USAGE")][-2:] == [D("150.00"), D("150.00")]
    assert scene.billed("SCHEDULED") == []


def test_s15_r260_a_discount_charges_less_than_it_covers() -> None:
    """0.9 x 200.40 = 180.36 invoiced, 200.40 covered: revenue 180.36 for this usage."""
    scene = metered(replace(SPEND, discount=PurchaseDiscount(payment_fraction=D("0.9"))))
    scene.use("Tokens", ("2025-06-05T08:00", "20040"))
    assert evaluate(scene, "2025-06-05T09:00") == [D("180.36")]
    scene.live("2025-06-06", "2025-07-03")
    assert scene.usage("2025-06-01").total == 0
    assert scene.books() == {LedgerAccount.RECEIVABLE: 18036, LedgerAccount.REVENUE: -18036}


def test_s15_r262_r266_a_charge_that_fails_is_void_and_its_spend_is_billed_at_the_end() -> None:
    """200.40 fails; 30.00 more accrues; the threshold is off; June's invoice asks for 230.40."""
    scene = metered(replace(SPEND, gate=GateConfig(type=GateType.EXTERNAL)))
    scene.use("Tokens", ("2025-06-05T08:00", "20040"))
    assert evaluate(scene, "2025-06-05T09:00") == [D("200.40")]
    (pending,) = charges(scene)
    assert pending.gate is not None
    assert pending.gate.status is GateStatus.PENDING
    author = Author(by="test", now=at("2025-06-05T10:00"))
    scene.world.engine.balances.resolve_payment(pending.id, author, paid=False)
    scene.use("Tokens", ("2025-06-06T08:00", "3000"))
    assert evaluate(scene, "2025-06-06T09:00") == []
    scene.live("2025-06-07", "2025-07-03")

    threshold = scene.world.engine.contract("c").settings.spend_threshold
    assert threshold is not None
    assert not threshold.is_enabled
    assert [i.status.value for i in scene.invoices("SCHEDULED")] == ["VOID"]
    assert dollars(scene.usage("2025-06-01").total) == D("230.40")
    assert scene.books() == {LedgerAccount.RECEIVABLE: 23040, LedgerAccount.REVENUE: -23040}


def test_s15_r262_r264_a_pending_charge_that_is_paid_covers_what_it_was_for() -> None:
    """While 200.40 is pending nothing more is charged, even at 450.00; paid, 249.60 is next."""
    scene = metered(replace(SPEND, gate=GateConfig(type=GateType.EXTERNAL)))
    scene.use("Tokens", ("2025-06-05T08:00", "20040"))
    assert evaluate(scene, "2025-06-05T09:00") == [D("200.40")]
    scene.use("Tokens", ("2025-06-06T08:00", "24960"))
    assert evaluate(scene, "2025-06-06T09:00") == []
    (pending,) = charges(scene)
    author = Author(by="test", now=at("2025-06-06T10:00"))
    scene.world.engine.balances.resolve_payment(pending.id, author, paid=True)
    evaluate(scene, "2025-06-06T11:00")
    assert [dollars(one.access_total) for one in charges(scene)] == [D("200.40"), D("249.60")]


def test_s15_r263_a_lower_threshold_is_evaluated_when_it_is_set() -> None:
    """120.00 accrued; 200 -> 100 on Jun 10 charges 120.00 at once."""
    scene = metered()
    scene.use("Tokens", ("2025-06-05T08:00", "12000"))
    assert evaluate(scene, "2025-06-05T09:00") == []
    lower = ContractSettings(spend_threshold=replace(SPEND, threshold_amount=D(10000)))
    scene.edit("c", Revise(settings=lower), "2025-06-10")
    assert [dollars(one.access_total) for one in charges(scene)] == [D("120.00")]


def test_s15_r257_r258_the_balance_threshold_is_inclusive_and_recharges_from_the_hour() -> None:
    """Balance 10.00 = threshold: recharge 40.00 to 50.00, access from 09:00 for one year."""
    scene = selling(Tokens="1")
    threshold = BalanceThreshold(
        is_enabled=True,
        threshold_amount=D(1000),
        recharge_to_amount=D(5000),
        commit=ThresholdCommit(product_id="p-commit"),
    )
    scene.sign(
        "c",
        span("2025-01-01"),
        signed="2025-01-01",
        commits=[commit("opening", ("50", "2025-01-01", "2026-01-01"))],
        settings=ContractSettings(balance_threshold=threshold),
    )
    scene.live("2025-06-02", "2025-06-02")
    scene.use("Tokens", ("2025-06-09T08:00", "3999"))
    assert evaluate(scene, "2025-06-09T08:30") == []
    scene.use("Tokens", ("2025-06-09T08:40", "1"))
    assert evaluate(scene, "2025-06-09T09:30") == [D("40.00")]
    (bought,) = charges(scene)
    assert [s.window for s in bought.segments] == [
        span("2025-06-09T09:00", "2026-06-09T09:00"),
    ]
    assert scene.net("2025-06-09T09:30") == D("50.00")
