"""A contract is looked at exactly when something of it becomes final."""

from datetime import timedelta

from billing.world import EPOCH, at, charge, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import CommitKind, StatementDay, StatementSchedule
from closedwon.engine.due import next_due
from closedwon.kernel.calendar import Frequency


def world() -> Setup:
    """A weekly contract with a promise, a balance and a fee that all end at odd instants."""
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls")],
        [rate("Calls", "2")],
    )
    add_customer(found.engine)
    postpaid = commit(
        "promise",
        ("9", "2024-01-01T05:00:00", "2024-01-20T07:00:00"),
        payments={"2024-01-20T07:00:00": "9"},
        kind=CommitKind.POSTPAID,
    )
    prepaid = commit(
        "paid", ("3", "2024-01-02", "2024-01-10"), payments={"2024-01-03T11:00:00": "3"}
    )
    create = Create(
        customer_id="customer",
        term=span("2024-01-01T05:00:00", "2024-02-02T17:00:00"),
        rate_card_id="card",
        statement=StatementSchedule(frequency=Frequency.WEEKLY, day=StatementDay.CONTRACT_START),
        terms=Added(
            commits=(postpaid, prepaid), charges=(charge("fee", {"2024-01-05T13:00:00": "1"}),)
        ),
    )
    found.engine.create_contract("c", create, by="test", now=EPOCH)
    for day in range(2, 31):
        found.usage.use(event("customer", "Calls", at(f"2024-01-{day:02}"), str(day)))
    return found


def test_every_invoice_is_final_in_the_very_hour_it_is_due() -> None:
    found = world()
    hour = at("2023-12-31")
    settled = 0
    while hour < at("2024-02-10"):
        settled += found.engine.finalize(hour).customers
        hour += timedelta(hours=1)
    invoices = found.engine.invoices("customer")

    assert found.engine.problems() == ()
    assert {i.issued_at: i.finalized_at for i in invoices} == {
        i.issued_at: i.issued_at for i in invoices
    }
    assert len(invoices) == 5 + 3
    assert settled < 25
    assert sum(e.amount for name in ("promise", "paid") for e in found.engine.ledger(name)) == 0


def test_nothing_is_due_before_the_contract_and_nothing_is_left_after_it() -> None:
    contract = world().engine.contract("c")
    instants = []
    now = EPOCH
    while (due := next_due(contract, now, 24)) is not None:
        assert due > now
        instants.append(due)
        now = due

    assert instants[0] == contract.term.start
    assert instants[-1] == at("2024-02-03T17:00:00")
    assert len(instants) < 25
