"""Generators in the engine: invoiced, due, explained, edited, archived (R201-R211)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.balances.test_recurring import recurring
from billing.world import at, cents, dollars, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create, Revise
from closedwon.billing.contracts.recurring import RecurringAmount, RecurringCommit, SeatLink
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.engine.due import next_due
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

SIGNED = at("2024-12-20")


def world(*terms: RecurringCommit, end: str | None = None, **more: bool) -> Setup:
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01", end),
        rate_card_id="card",
        terms=Added(recurring=terms),
        **more,
    )
    found.engine.create_contract("k", signed, by="test", now=SIGNED)
    return found


def test_r204_children_are_invoiced_in_the_hour_they_begin_and_expire_with_their_window() -> None:
    found = world(recurring(access="100", invoice="75"), end="2025-04-01")
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "120"))
    found.usage.use(event("customer", "Calls", at("2025-02-10"), "60"))
    hour = SIGNED
    while hour < at("2025-04-04"):
        found.engine.finalize(hour)
        hour += timedelta(hours=1)
    invoices = found.engine.invoices("customer")
    ledger = found.engine.ledger(child_id("grant", at("2025-02-01")))

    assert found.engine.problems() == ()
    assert [(i.issued_at, dollars(i.total)) for i in invoices if i.type == "SCHEDULED"] == [
        (at(f"2025-0{month}-01"), Decimal("75.00")) for month in (1, 2, 3)
    ]
    assert [dollars(i.total) for i in invoices if i.type == "USAGE"] == [20, 0, 0]
    assert {i.issued_at: i.finalized_at for i in invoices} == {
        i.issued_at: i.issued_at for i in invoices
    }
    assert [(e.type, dollars(e.amount)) for e in ledger] == [
        ("SEGMENT_START", 100),
        ("AUTOMATED_INVOICE_DEDUCTION", -60),
        ("EXPIRATION", -40),
    ]
    assert found.engine.findings() == ()


def test_s20_r155_charges_of_children_move_onto_the_statement_that_ends_that_day() -> None:
    found = world(recurring(access="100", invoice="75"), charges_on_usage_invoices=True)
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "120"))
    found.usage.use(event("customer", "Calls", at("2025-02-10"), "60"))
    for day in ("2025-01-01", "2025-02-02", "2025-03-02"):
        found.engine.finalize(at(day))
    totals = [(i.type, dollars(i.total)) for i in found.engine.invoices("customer")]
    expired = found.engine.ledger(child_id("grant", at("2025-02-01")))[-1]

    assert totals == [
        ("SCHEDULED", Decimal("75.00")),
        ("USAGE", Decimal("95.00")),
        ("USAGE", Decimal("75.00")),
    ]
    assert (expired.type, expired.timestamp) == ("EXPIRATION", at("2025-03-01"))
    assert dollars(expired.amount) == Decimal("-40.00")
    assert found.engine.findings() == ()


def test_r201_next_due_knows_the_next_child() -> None:
    found = world(recurring(frequency=Frequency.WEEKLY, invoice="1"))
    contract = found.engine.contract("k")

    assert next_due(contract, at("2025-01-03"), 24) == at("2025-01-08")
    assert next_due(contract, at("2025-01-09"), 24) == at("2025-01-15")


def test_r204_a_purchase_and_a_drawdown_are_explained_by_the_generator() -> None:
    found = world(recurring(access="100", invoice="75"))
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "5"))
    found.engine.finalize(at("2025-02-03"))
    paid, used = (
        next(i for i in found.engine.invoices("customer") if i.type == kind)
        for kind in ("SCHEDULED", "USAGE")
    )

    for invoice in (paid, used):
        cause = found.engine.explain(invoice.id, 1).causes[-1]
        assert (cause.kind, cause.id, cause.name) == ("recurring", "grant", "grant")


def test_r114_an_edit_in_february_shows_in_march_and_leaves_what_is_final() -> None:
    found = world(recurring("grant", "30", invoice="10"))
    found.engine.finalize(at("2025-02-10"))
    raised = Revise(replace=Added(recurring=(recurring("grant", "40", invoice="12"),)))
    found.engine.edit_contract("k", raised, by="test", now=at("2025-02-10"))
    found.engine.finalize(at("2025-03-02"))

    grants = [
        found.engine.ledger(child_id("grant", at(f"2025-0{month}-01")))[0].amount
        for month in (1, 2, 3)
    ]
    assert grants == [cents("30"), cents("30"), cents("40")]
    assert found.engine.findings() == ()


def test_r210_r121_children_roll_over_at_the_renewal_and_are_explained() -> None:
    found = world(recurring("grant", "10", rollover_fraction=Decimal(1)))
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "8"))
    found.usage.use(event("customer", "Calls", at("2025-01-25"), "1"))
    renewal = Create(
        customer_id="customer",
        term=span("2025-01-21"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="k"),
    )
    found.engine.create_contract("next", renewal, by="test", now=at("2025-01-20"))
    found.engine.finalize(at("2025-02-03"))
    used = found.engine.invoices(contract_id="next")[0]
    causes = [cause.kind for cause in found.engine.explain(used.id, 1).causes]

    assert (used.total, causes) == (Decimal(0), ["rate", "rollover", "recurring"])


def test_r208_a_second_daily_term_and_daily_seats_are_refused() -> None:
    found = world(recurring("a", frequency=Frequency.DAILY))
    second = Added(recurring=(recurring("b", frequency=Frequency.DAILY),))
    with pytest.raises(Refused, match="one DAILY"):
        found.engine.edit_contract(
            "k", Amend(starting_at=SIGNED, terms=second), by="test", now=SIGNED
        )


def test_r208_a_daily_term_follows_no_seats() -> None:
    linked = recurring(
        frequency=Frequency.DAILY,
        access=RecurringAmount(unit_price=Decimal(1), quantity=None),
        seats=SeatLink(subscription_id="s", is_prorated=True),
    )
    with pytest.raises(Refused, match=r"no seats \(R208\)"):
        world(linked)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"product_id": "p-Calls"}, "needs a FIXED product"),
        ({"product_id": "p-none"}, "unknown product"),
    ],
)
def test_r100_generators_that_cannot_stand_are_refused(wrong: dict[str, str], match: str) -> None:
    with pytest.raises(Refused, match=match):
        world(recurring(**wrong))


def test_r117_ending_the_contract_expires_the_running_child_at_the_end() -> None:
    found = world(recurring("grant", "30"))
    found.engine.finalize(at("2025-02-05"))
    found.engine.edit_contract(
        "k", ChangeEnd(ending_before=at("2025-02-20")), by="test", now=at("2025-02-10")
    )
    found.engine.finalize(at("2025-02-22"))
    last = found.engine.ledger(child_id("grant", at("2025-02-01")))[-1]

    assert (last.type, last.timestamp, last.amount) == (
        "EXPIRATION",
        at("2025-02-20"),
        -cents("30"),
    )
    found.engine.finalize(at("2025-03-03"))
    assert found.engine.finalize(at("2025-06-01")).customers == 0
