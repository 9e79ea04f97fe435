"""S28: fractions of cents, euros and yen (R3, R4, R146, R377)."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, commit, fixed_product, items, metric, rate, span, usage_product
from build import add_customer, setup
from closedwon.billing.catalog.types import (
    Conversion,
    CreditType,
    Rate,
    RateCard,
    Rounding,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import AccessSegment, ScheduledCharge
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.exact import Money
from closedwon.kernel.ids import derive
from scenarios.stage import Stage, applied, selling, stage, usage_lines

D = Decimal
EUR = derive("credit_type", "EUR")
YEAR = span("2025-01-01", "2026-01-01")


def test_s28_r3_balances_keep_fractions_of_a_cent() -> None:
    """3 units x 0.1 c leave 100 - 0.3 = 99.7 c; 997 more use it up to the last tenth."""
    scene = selling(Calls="0.1")
    held = commit("held", ("1", "2025-01-01", "2026-01-01"), payments={"2025-01-01": "1"})
    scene.sign("k", YEAR, signed="2025-01-01", commits=[held])
    scene.use("Calls", ("2025-01-10", "3"))
    scene.live("2025-01-01", "2025-02-03")
    (balance,) = scene.world.engine.bill("customer", at("2025-02-03")).balances
    assert balance.remaining == D("99.7")

    scene.use("Calls", ("2025-02-10", "998"))
    scene.live("2025-03-02", "2025-03-02")
    assert scene.usage("2025-02-01").total == D("0.1")
    assert scene.left("2025-03-02") == {"held": 0}
    assert scene.books() == {LedgerAccount.RECEIVABLE: 100, LedgerAccount.REVENUE: -100}


def test_s28_r146_a_covered_quantity_may_be_a_third() -> None:
    """100 c at 3 c a unit cover 33.33...; 66.66... x 3 = 200 c due, exactly; 100 units in all."""
    scene = selling(Calls="3")
    scene.sign(
        "k", YEAR, signed="2025-01-01", commits=[commit("held", ("1", "2025-01-01", "2026-01-01"))]
    )
    scene.use("Calls", ("2025-01-10", "100"))
    scene.live("2025-02-02", "2025-02-02")
    january = scene.usage("2025-01-01")
    covered, over = (line[1] for line in usage_lines(january))

    assert january.total == 200
    assert covered + over == 100
    assert abs(covered - D(100) / 3) < D("1e-27")
    assert applied(january) == [("held", D(-1))]


@pytest.mark.parametrize(
    ("price", "units", "payable"),
    [
        ("0.5", "1", 1),
        ("0.5", "3", 2),
        ("0.49", "1", 0),
        ("2.5", "1", 3),
        ("0.37", "123457", 45679),
        ("1", "-0.5", -1),
        ("0.000001", "499999", 0),
        ("0.000001", "500000", 1),
    ],
)
def test_s28_r4_what_is_payable_is_rounded_half_up_once(
    price: str, units: str, payable: int
) -> None:
    """0.5 c -> 1 c, 1.5 -> 2, 0.49 -> 0, 2.5 -> 3 (no banker's rounding), 45,679.09 -> 45,679."""
    scene = selling(Calls=price)
    scene.sign("k", YEAR, signed="2025-01-01")
    scene.use("Calls", ("2025-01-10", units))
    scene.live("2025-02-02", "2025-02-02")
    january = scene.usage("2025-01-01")

    assert january.total == D(price) * D(units)
    assert Money.rounded(january.total, "USD").minor == payable
    assert scene.books().get(LedgerAccount.RECEIVABLE, 0) == payable


def test_s28_r4_three_lines_of_a_third_sum_to_the_rounded_total() -> None:
    """3 x 33.3 c = 99.9 c -> 1.00 receivable; revenue 33 + 33 + 34."""
    scene = selling(A="33.3", B="33.3", C="33.3")
    scene.sign("k", YEAR, signed="2025-01-01")
    for name in "ABC":
        scene.use(name, ("2025-01-10", "1"))
    scene.live("2025-02-02", "2025-02-02")
    revenue = [p.minor for p in scene.world.engine.postings() if p.account == LedgerAccount.REVENUE]

    assert scene.usage("2025-01-01").total == D("99.9")
    assert sorted(revenue) == [-34, -33, -33]


@pytest.mark.parametrize(
    ("conversion", "rounding", "used", "due"),
    [
        (Conversion(factor=D(1024), divide=True), None, "2611200", "2550"),
        (
            Conversion(factor=D(1024), divide=True),
            Rounding(method="ROUND_UP", decimal_places=0),
            "2611201",
            "2551",
        ),
        (None, Rounding(method="ROUND_HALF_UP", decimal_places=1), "0.25", "0.3"),
        (None, Rounding(method="ROUND_DOWN", decimal_places=0), "0.999", "0"),
        (Conversion(factor=D(3), divide=False), None, "1.1", "3.3"),
    ],
)
def test_s28_r46_conversion_and_then_rounding(
    conversion: Any, rounding: Any, used: str, due: str
) -> None:
    product = usage_product("Traffic", conversion=conversion, rounding=rounding)
    scene = stage([product], [metric("Traffic")], [rate("Traffic", "1")])
    scene.sign("k", YEAR, signed="2025-01-01")
    scene.use("Traffic", ("2025-01-10", used))
    scene.live("2025-02-02", "2025-02-02")

    assert scene.usage("2025-01-01").total == D(due)


def test_s28_r47_a_split_period_is_not_rounded_twice() -> None:
    """1.4 before and 1.4 after a price boundary at 1 c: ceil(1.4) + ceil(2.8) - 2 = 3, not 4."""
    product = usage_product("Traffic", rounding=Rounding(method="ROUND_UP", decimal_places=0))
    rates = [rate("Traffic", "1"), rate("Traffic", "1", span("2025-01-16"), id="same")]
    scene = stage([product], [metric("Traffic")], rates)
    scene.sign("k", YEAR, signed="2025-01-01")
    scene.use("Traffic", ("2025-01-10", "1.4"), ("2025-01-20", "1.4"))
    scene.live("2025-02-02", "2025-02-02")

    assert scene.usage("2025-01-01").total == 3


def abroad(kind: str, price: str) -> Stage:
    """Calls at ``price`` whole units of a currency; a commit of 100 for 80, a fee of 10."""
    found = setup()
    if kind != EUR:
        found.engine.create_credit_type(CreditType(id=kind, name="JPY", currency="JPY"), EPOCH)
    found.engine.create_metric(metric("Calls"), EPOCH)
    for product in (usage_product("Calls"), fixed_product("commit"), fixed_product("fee")):
        found.engine.create_product(product, EPOCH)
    rates: tuple[Rate, ...] = (rate("Calls", price, credit_type_id=kind),)
    card = RateCard(id="card", name="Card", fiat_credit_type_id=kind, rates=rates, created_at=EPOCH)
    found.engine.create_rate_card(card, EPOCH)
    add_customer(found.engine)
    held = replace(
        commit("held", ("1", "2025-01-01", "2026-01-01")),
        access_credit_type_id=kind,
        payment_credit_type_id=kind,
        segments=(AccessSegment(id="held1", amount=D(100), window=YEAR),),
        payments=items("held", {"2025-01-01": "0.8"}),
    )
    fee = ScheduledCharge(
        id="fee",
        product_id="p-fee",
        name="fee",
        items=items("fee", {"2025-01-01": "0.1"}),
        credit_type_id=kind,
    )
    create = Create(
        customer_id="customer",
        term=YEAR,
        rate_card_id="card",
        terms=Added(commits=(held,), charges=(fee,)),
    )
    found.engine.create_contract("k", create, by="test", now=at("2025-01-01"))
    return Stage(found)


def test_s28_r377_euros_are_whole_units_on_the_wire() -> None:
    """EUR 0.125 a call, 1,000 calls = EUR 125: 100 covered, 25 due; EUR 80 + 10 on Jan 1.

    In minor units: receivable 2,500 + 9,000; 100 x 0.8 earned = 8,000, + 1,000 + 2,500.
    """
    scene = abroad(EUR, "0.125")
    scene.use("Calls", ("2025-01-10", "1000"))
    scene.live("2025-01-01", "2025-02-03")

    assert [(i.total, i.credit_type_id) for i in scene.invoices()] == [(D(90), EUR), (D(25), EUR)]
    assert [e.amount for e in scene.world.engine.ledger("held")] == [100, -100]
    assert {p.currency for p in scene.world.engine.postings()} == {"EUR"}
    assert scene.books() == {LedgerAccount.RECEIVABLE: 11500, LedgerAccount.REVENUE: -11500}


def test_s28_r4_r377_yen_have_no_minor_unit() -> None:
    """JPY 0.1255 x 1,000 = 125.5: 100 covered, 25.5 due, payable 26; 80 + 10 on Jan 1.

    Receivable 90 + 26 = 116; all of it revenue: 80 + 10 + 26.
    """
    yen = derive("credit_type", "JPY")
    scene = abroad(yen, "0.1255")
    scene.use("Calls", ("2025-01-10", "1000"))
    scene.live("2025-01-01", "2025-02-03")

    assert [i.total for i in scene.invoices()] == [D(90), D("25.5")]
    assert scene.books() == {LedgerAccount.RECEIVABLE: 116, LedgerAccount.REVENUE: -116}


def test_s28_r3_r39_twenty_digits_survive() -> None:
    """12,345,678,901,234.567891 units at 0.0000001 c: exact product, no float in sight."""
    scene = selling(Calls="0.0000001")
    scene.sign("k", YEAR, signed="2025-01-01")
    scene.use("Calls", ("2025-01-10", "12345678901234.567891"))
    scene.live("2025-02-02", "2025-02-02")

    assert scene.usage("2025-01-01").total == D("1234567.8901234567891")
