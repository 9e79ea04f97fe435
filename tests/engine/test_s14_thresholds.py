"""S14: prepaid balance threshold, spend threshold, trackers (R257-R270)."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from billing.world import at, commit, dollars, fixed_product, metric, rate, span, usage_product
from build import EPOCH, Setup, add_catalog, add_customer, event, setup
from closedwon.billing.account import BillingSettings
from closedwon.billing.catalog.types import CreditType, RateCard, UnitConversion
from closedwon.billing.contracts.edits import Added, ContractSettings, Create, Revise
from closedwon.billing.contracts.spans import Span, Unit
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    DiscountCap,
    GateConfig,
    GateStatus,
    GateType,
    PurchaseDiscount,
    SpendThreshold,
    SpendTracker,
    ThresholdCommit,
)
from closedwon.billing.thresholds.trackers import accumulated
from closedwon.engine.command import Author
from closedwon.kernel.errors import Refused

YEAR = ("2025-01-01", "2026-01-01")
RECHARGE = BalanceThreshold(
    is_enabled=True,
    threshold_amount=Decimal(1000),
    recharge_to_amount=Decimal(5000),
    commit=ThresholdCommit(product_id="p-commit"),
)
SPEND = SpendThreshold(
    is_enabled=True,
    threshold_amount=Decimal(20000),
    commit=ThresholdCommit(product_id="p-commit"),
)
TRACKER = SpendTracker(alias="recharges", discounted="DISCOUNTED_ONLY")
DISCOUNT = PurchaseDiscount(
    payment_fraction=Decimal("0.9"),
    cap=DiscountCap(amount=Decimal(5000), spend_tracker_alias="recharges"),
)
OPENING = commit("opening", ("50", *YEAR), payments={"2025-01-01": "50"})


class Metered(NamedTuple):
    """One contract; a unit of Tokens costs a cent."""

    world: Setup

    def use(self, when: str, cents: str) -> None:
        self.world.usage.use(event("customer", "Tokens", at(when), cents))

    def evaluate(self, when: str) -> list[Decimal]:
        """Costs of the purchases made, in dollars."""
        bought = self.world.engine.evaluate_thresholds(at(when))
        return [dollars(purchase.commit.cost_total) for purchase in bought]

    def balance(self, when: str) -> Decimal:
        made = self.world.engine.bill("customer", at(when))
        return dollars(sum((b.remaining for b in made.balances if b.is_active), Decimal(0)))

    def settings(self) -> ContractSettings:
        return self.world.engine.contract("c").settings


def metered(settings: ContractSettings, *commits: Commit) -> Metered:
    made = setup(settings=BillingSettings())
    add_catalog(
        made.engine,
        [usage_product("Tokens"), fixed_product("commit")],
        [metric("Tokens")],
        [rate("Tokens", "1")],
    )
    add_customer(made.engine)
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        rate_card_id="card",
        terms=Added(commits=commits),
        settings=settings,
    )
    made.engine.create_contract("c", signed, by="test", now=at("2025-01-01"))
    made.engine.finalize(at("2025-01-01"))
    return Metered(made)


def test_s14_r257_r258_balances_are_recharged_when_they_fall() -> None:
    found = metered(ContractSettings(balance_threshold=RECHARGE), OPENING)

    found.use("2025-06-03T08:00", "2500")
    assert found.evaluate("2025-06-03T09:00") == []
    assert found.balance("2025-06-03T09:00") == 25
    found.use("2025-06-09T08:00", "1620")
    assert found.evaluate("2025-06-09T09:30") == [Decimal("41.20")]
    assert found.balance("2025-06-09T09:30") == 50
    found.use("2025-06-20T08:00", "4300")
    assert found.evaluate("2025-06-20T09:00") == [Decimal("43.00")]
    assert found.balance("2025-06-20T09:00") == 50

    scheduled = [i for i in found.world.engine.invoices() if i.type == "SCHEDULED"]
    assert [dollars(i.total) for i in scheduled] == [50, Decimal("41.20"), Decimal("43.00")]


def test_r258_a_recharge_lasts_and_rolls_over_as_its_threshold_says() -> None:
    terms = ThresholdCommit(
        product_id="p-commit",
        duration=Span(value=2, unit=Unit.MONTHS),
        rate_type="COMMIT_RATE",
        rollover_fraction=Decimal("0.5"),
    )
    found = metered(ContractSettings(balance_threshold=replace(RECHARGE, commit=terms)), OPENING)
    found.use("2025-06-30T08:00", "4500")
    (bought,) = found.world.engine.evaluate_thresholds(at("2025-06-30T09:30"))

    (segment,) = bought.commit.segments
    assert segment.window == span("2025-06-30T09:00", "2025-08-30T09:00")
    assert (bought.commit.rate_type, bought.commit.rollover_fraction) == (
        "COMMIT_RATE",
        Decimal("0.5"),
    )
    with pytest.raises(Refused, match="R258"):
        replace(terms, duration=Span(value=0, unit=Unit.DAYS))


def test_s14_asked_twice_nothing_is_bought_twice() -> None:
    found = metered(ContractSettings(balance_threshold=RECHARGE), OPENING)
    found.use("2025-06-09T08:00", "4120")

    assert found.evaluate("2025-06-09T09:00") == [Decimal("41.20")]
    assert found.evaluate("2025-06-09T09:00") == []
    assert found.evaluate("2025-06-09T10:00") == []


def test_s14_r260_r268_discount_until_the_cap_is_crossed() -> None:
    config = replace(RECHARGE, discount=DISCOUNT)
    found = metered(ContractSettings(balance_threshold=config, trackers=(TRACKER,)), OPENING)

    found.use("2025-06-09T08:00", "4120")
    assert found.evaluate("2025-06-09T09:00") == [Decimal("37.08")]
    found.use("2025-06-20T08:00", "4300")
    assert found.evaluate("2025-06-20T09:00") == [Decimal("38.70")]
    assert tracked(found, at("2025-06-20T09:00")) == Decimal("75.78")
    found.use("2025-06-25T08:00", "4000")
    assert found.evaluate("2025-06-25T09:00") == [Decimal("40.00")]
    found.use("2025-07-02T08:00", "4000")
    assert found.evaluate("2025-07-02T09:00") == [Decimal("36.00")]
    assert tracked(found, at("2025-07-02T09:00")) == Decimal("36.00")


def tracked(found: Metered, now: datetime) -> Decimal:
    engine = found.world.engine
    contract = engine.contract("c")
    commits = {one.id: one for one in contract.commits}
    return dollars(accumulated(TRACKER, contract, commits, engine.invoices(), now))


def test_s14_late_detection_covers_the_hour_it_was_found_in() -> None:
    opening = commit("opening", ("12", *YEAR), payments={"2025-01-01": "12"})
    found = metered(ContractSettings(balance_threshold=RECHARGE), opening)
    found.use("2025-06-09T09:10", "1500")

    assert found.evaluate("2025-06-09T09:40") == [Decimal("50.00")]
    assert found.balance("2025-06-09T09:40") == 47


def test_r262_a_gated_recharge_grants_nothing_until_it_is_paid() -> None:
    gated = replace(RECHARGE, gate=GateConfig(type=GateType.EXTERNAL))
    found = metered(ContractSettings(balance_threshold=gated), OPENING)
    found.use("2025-06-09T08:00", "4300")

    assert found.evaluate("2025-06-09T09:00") == [Decimal("43.00")]
    assert found.evaluate("2025-06-09T10:00") == []  # at most one is pending
    (pending,) = (one for one in found.world.engine.contract("c").commits if one.is_recharge)
    assert pending.gate is not None
    assert pending.gate.status is GateStatus.PENDING
    kinds = [one.type for one in found.world.engine.stores.events.after(0, 100)]
    assert kinds.count("payment_gate.external_initiate") == 1
    assert kinds.count("payment_gate.threshold_reached") == 1


def test_r263_a_new_threshold_is_evaluated_at_once() -> None:
    found = metered(ContractSettings(), commit("opening", ("7", *YEAR)))
    change = Revise(settings=ContractSettings(balance_threshold=RECHARGE))

    found.world.engine.edit_contract("c", change, by="test", now=at("2025-06-09"))

    assert found.balance("2025-06-09") == 50


def test_r264_r265_accrued_spend_is_charged_and_the_rest_waits() -> None:
    found = metered(ContractSettings(spend_threshold=SPEND))

    found.use("2025-06-05T08:00", "20040")
    assert found.evaluate("2025-06-05T09:00") == [Decimal("200.40")]
    found.use("2025-06-12T08:00", "20470")
    assert found.evaluate("2025-06-12T09:00") == [Decimal("204.70")]
    found.use("2025-06-20T08:00", "12490")
    assert found.evaluate("2025-06-20T09:00") == []

    found.world.engine.finalize(at("2025-07-02"))
    june = [i for i in found.world.engine.invoices() if i.start == at("2025-06-01")]
    assert [dollars(i.total) for i in june] == [Decimal("124.90")]


def test_r258_a_recharge_of_450_tokens_costs_45_dollars() -> None:
    engine, usage, _ = setup()
    token = CreditType(id="token", name="Tokens")
    engine.create_credit_type(token, EPOCH)
    engine.create_metric(metric("Calls"), EPOCH)
    for product in (usage_product("Calls"), fixed_product("commit")):
        engine.create_product(product, EPOCH)
    card = RateCard(
        id="card",
        name="Card",
        conversions=(UnitConversion(credit_type_id="token", fiat_per_unit=Decimal(10)),),
        rates=(rate("Calls", "1", credit_type_id="token"),),
        created_at=EPOCH,
    )
    engine.create_rate_card(card, EPOCH)
    add_customer(engine)
    config = replace(
        RECHARGE,
        credit_type_id="token",
        threshold_amount=Decimal(100),
        recharge_to_amount=Decimal(500),
    )
    opening = commit("opening", ("5", *YEAR), access_credit_type_id="token")
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        rate_card_id="card",
        terms=Added(commits=(opening,)),
        settings=ContractSettings(balance_threshold=config),
    )
    engine.create_contract("c", signed, by="test", now=at("2025-01-01"))
    usage.use(event("customer", "Calls", at("2025-06-03T08:00"), "450"))

    (bought,) = engine.evaluate_thresholds(at("2025-06-03T09:00"))

    assert bought.commit.access_total == 450
    assert dollars(bought.commit.cost_total) == 45


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ContractSettings(spend_threshold=replace(SPEND, threshold_amount=Decimal(499))), "R259"),
        (
            ContractSettings(balance_threshold=replace(RECHARGE, recharge_to_amount=Decimal(1999))),
            "R259",
        ),
        (ContractSettings(trackers=(TRACKER, TRACKER)), "R270"),
        (ContractSettings(balance_threshold=replace(RECHARGE, discount=DISCOUNT)), "no tracker"),
        (ContractSettings(balance_threshold=replace(RECHARGE, credit_type_id="x")), "R252"),
    ],
)
def test_r259_r270_thresholds_that_cannot_stand(settings: ContractSettings, said: str) -> None:
    with pytest.raises(Refused, match=said):
        metered(settings)


def pending_of(found: Metered) -> str:
    return next(
        one.id
        for one in found.world.engine.contract("c").commits
        if one.gate is not None and one.gate.status is GateStatus.PENDING
    )


def test_s14_r262_r266_r269_a_payment_that_fails_switches_the_threshold_off() -> None:
    gated = replace(RECHARGE, gate=GateConfig(type=GateType.STRIPE))
    found = metered(ContractSettings(balance_threshold=gated, trackers=(TRACKER,)), OPENING)
    engine = found.world.engine
    found.use("2025-06-20T08:00", "4300")
    assert found.evaluate("2025-06-20T09:00") == [Decimal("43.00")]

    author = Author(by="test", now=at("2025-06-20T10:00"))
    engine.balances.resolve_payment(pending_of(found), author, paid=False)

    voided = [i for i in engine.invoices() if i.status == "VOID"]
    assert [dollars(i.total) for i in voided] == [43]
    settings = found.settings().balance_threshold
    assert settings is not None
    assert not settings.is_enabled
    assert found.balance("2025-06-20T11:00") == 7
    assert found.evaluate("2025-06-20T12:00") == []
    found.use("2025-06-25T08:00", "900")
    june = next(i for i in engine.bill("customer", at("2025-06-26")).invoices if i.end)
    assert dollars(june.total) == 2
    counting = replace(TRACKER, discounted="ANY")
    commits = {one.id: one for one in engine.contract("c").commits}
    standing = [i for i in engine.invoices() if i.status == "FINALIZED"]
    now = at("2025-06-26")
    assert accumulated(counting, engine.contract("c"), commits, standing, now) == 0

    again = replace(found.settings(), balance_threshold=replace(settings, is_enabled=True))
    engine.edit_contract("c", Revise(settings=again), by="test", now=at("2025-06-27"))
    bought = [one for one in engine.contract("c").commits if one.is_recharge]
    assert [dollars(one.access_total) for one in bought] == [43, 50]


def test_r262_a_paid_recharge_is_released() -> None:
    gated = replace(RECHARGE, gate=GateConfig(type=GateType.EXTERNAL))
    found = metered(ContractSettings(balance_threshold=gated), OPENING)
    found.use("2025-06-20T08:00", "4300")
    found.evaluate("2025-06-20T09:00")
    assert found.balance("2025-06-20T10:00") == 7

    author = Author(by="test", now=at("2025-06-20T10:00"))
    found.world.engine.balances.resolve_payment(pending_of(found), author, paid=True)

    assert found.balance("2025-06-20T10:00") == 50


def test_r261_without_a_gate_the_balance_is_there_at_once() -> None:
    found = metered(ContractSettings(balance_threshold=RECHARGE), OPENING)
    found.use("2025-06-20T08:00", "4300")
    found.evaluate("2025-06-20T09:00")

    assert found.balance("2025-06-20T09:00") == 50
    assert [i.status for i in found.world.engine.invoices()][-1] == "FINALIZED"


def test_r267_with_both_thresholds_the_balance_is_asked_first() -> None:
    found = metered(ContractSettings(balance_threshold=RECHARGE, spend_threshold=SPEND), OPENING)
    found.use("2025-06-20T08:10", "26000")

    assert found.evaluate("2025-06-20T08:40") == [Decimal("50.00")] * 5
