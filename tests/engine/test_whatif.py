"""What proposed terms would cost, against today's (design D2, issue: what-if)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.world import (
    at,
    commit,
    dollars,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.billing.whatif.replay import Replay
from closedwon.engine.whatif import Question
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import Interval

NOW = at("2025-04-10")
PREPAID = commit("P", ("250", "2025-05-01", "2026-05-01"), payments={"2025-05-01": "200"})
PROPOSED = Create(
    customer_id="customer",
    term=span("2025-05-01", "2026-05-01"),
    rate_card_id="card",
    terms=Added(commits=(PREPAID,), overrides=(multiplier("ai", "0.8", "2025-05-01"),)),
)


def world() -> Setup:
    """A contract at list price with 10,000 units a month, January to March."""
    made = setup()
    add_catalog(
        made.engine,
        [usage_product("Tokens", "ai"), fixed_product("commit")],
        [metric("Tokens")],
        [rate("Tokens", "1")],
    )
    add_customer(made.engine)
    signed = Create(
        customer_id="customer", term=span("2025-01-01", "2025-07-01"), rate_card_id="card"
    )
    made.engine.create_contract("today", signed, by="test", now=at("2025-01-01"))
    for month in ("2025-01", "2025-02", "2025-03"):
        made.usage.use(event("customer", "Tokens", at(f"{month}-11"), "10000"))
    made.engine.finalize(NOW)
    return made


def test_drawdown_month_by_month_overage_and_run_out() -> None:
    question = Question(customer_id="customer", contract_id="new", change=PROPOSED, months=5)

    found = world().engine.whatif(question, NOW)

    months = found.proposed.months
    assert [dollars(month.list_value) for month in months] == [100] * 5
    assert [dollars(month.price) for month in months] == [80] * 5
    assert [dollars(month.drawn) for month in months] == [80, 80, 80, 10, 0]
    assert [dollars(month.overage) for month in months] == [0, 0, 0, 70, 80]
    assert [dollars(month.left) for month in months] == [170, 90, 10, 0, 0]
    assert [dollars(month.scheduled) for month in months] == [200, 0, 0, 0, 0]
    assert found.proposed.runs_out_at == at("2025-08-01") + timedelta(hours=744 // 8)
    assert found.proposed.effective_discount == Decimal("0.2")
    assert dollars(found.proposed.invoiced) == 350
    assert found.proposed.paid_discount == Decimal("0.3")


def test_todays_terms_go_on_beside_it() -> None:
    question = Question(customer_id="customer", contract_id="new", change=PROPOSED, months=5)

    today = world().engine.whatif(question, NOW).today

    assert [dollars(month.price) for month in today.months] == [100] * 5
    assert today.effective_discount == 0
    assert today.runs_out_at is None


def test_an_amendment_is_tried_on_the_contract_it_amends() -> None:
    more = Amend(
        starting_at=at("2025-04-01"),
        terms=Added(overrides=(multiplier("ai", "0.5", "2025-04-01"),)),
    )
    question = Question(customer_id="customer", contract_id="today", change=more, months=3)

    found = world().engine.whatif(question, NOW)

    assert [dollars(month.price) for month in found.proposed.months] == [50] * 3
    assert [dollars(month.price) for month in found.today.months] == [100] * 3


def test_a_renewal_takes_over_what_rolls() -> None:
    made = world()
    kept = commit("old", ("350", "2025-01-01", "2025-07-01"), rollover_fraction=Decimal(1))
    made.engine.edit_contract(
        "today",
        Amend(starting_at=at("2025-04-01"), terms=Added(commits=(kept,))),
        by="test",
        now=NOW,
    )
    renewal = Create(
        customer_id="customer",
        term=span("2025-06-01", "2026-06-01"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="today"),
    )
    question = Question(customer_id="customer", contract_id="new", change=renewal, months=2)

    found = made.engine.whatif(question, NOW)

    assert [dollars(month.drawn) for month in found.proposed.months] == [100, 50]
    assert [dollars(month.left) for month in found.proposed.months] == [50, 0]


def test_nothing_is_stored() -> None:
    made = world()
    before = made.engine.content_hash()

    made.engine.whatif(Question(customer_id="customer", contract_id="n", change=PROPOSED), NOW)

    assert made.engine.content_hash() == before


def test_refusals_name_what_is_wrong() -> None:
    engine = world().engine
    amend = Amend(starting_at=NOW, terms=Added())
    with pytest.raises(NotFound, match="no such contract"):
        engine.whatif(Question(customer_id="customer", contract_id="x", change=amend), NOW)
    with pytest.raises(Refused, match="months lie in"):
        Question(customer_id="customer", contract_id="x", change=amend, months=0)


def test_a_month_stands_for_one_as_far_into_the_past() -> None:
    replay = Replay(since=at("2025-04-01"), months=3)

    assert replay.source(at("2025-03-31")) == at("2025-03-31")
    assert replay.source(at("2025-04-02T05:00")) == at("2025-01-02T05:00")
    assert replay.source(at("2025-05-30")) == at("2025-03-01")
    assert replay.source(at("2025-07-15")) == at("2025-01-15")
    cut = list(replay.stretches(Interval(at("2025-03-15"), at("2025-05-15"))))
    assert [one.start for one in cut] == [at("2025-03-15"), at("2025-04-01"), at("2025-05-01")]
