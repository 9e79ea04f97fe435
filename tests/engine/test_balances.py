"""Commits and credits one by one: of customers, gated, by hand, and what is left (R109-R215)."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import at, cents, commit, dollars, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.balances.net import BalanceFilter
from closedwon.billing.catalog.types import CreditType
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.contracts.thresholds import Gate, GateStatus, GateType
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.engine.command import Author
from closedwon.engine.manual import Adjustment
from closedwon.kernel.errors import Conflict, NotFound, Refused

NOW = at("2025-01-05")
ADA = Author(by="ada", now=NOW)


def later(day: str, **more: Any) -> Author:
    return Author(by="ada", now=at(day), **more)


@pytest.fixture
def world() -> Setup:
    """Two contracts of one customer, at a dollar a call, one by region of its own."""
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), usage("Reads"), fixed_product("commit")],
        [metric("Calls"), metric("Reads")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    add_customer(found.engine, "stranger")
    for name, day in (("one", "2024-12-20"), ("two", "2024-12-21")):
        signed = Create(customer_id="customer", term=span("2025-01-01"), rate_card_id="card")
        found.engine.create_contract(name, signed, by="test", now=at(day))
    return found


def own(name: str = "own", dollars_granted: str = "100", **more: Any) -> Commit:
    more = {"priority": Decimal(10), **more}
    return commit(name, (dollars_granted, "2025-01-01", "2026-01-01"), **more)


def calls(world: Setup, day: str, count: str) -> None:
    world.usage.use(event("customer", "Calls", at(day), count))


def totals(world: Setup, **more: Any) -> dict[str, list[Decimal]]:
    found: dict[str, list[Decimal]] = {}
    for invoice in world.engine.invoices("customer", **more):
        found.setdefault(invoice.contract_id, []).append(dollars(invoice.total))
    return found


def test_r109_a_balance_of_the_customer_pays_every_contract_in_processing_order(
    world: Setup,
) -> None:
    world.engine.balances.create("customer", own(), ADA)
    calls(world, "2025-01-10", "70")
    world.engine.finalize(at("2025-02-03"))

    assert totals(world) == {"one": [Decimal(0)], "two": [Decimal("40.00")]}
    assert sum(e.amount for e in world.engine.ledger("own")) == 0
    assert world.engine.findings() == ()


def test_r109_a_scope_keeps_it_to_some_contracts(world: Setup) -> None:
    world.engine.balances.create("customer", own(contract_ids=("two",)), ADA)
    calls(world, "2025-01-10", "70")
    world.engine.finalize(at("2025-02-03"))

    assert totals(world) == {"one": [Decimal("70.00")], "two": [Decimal(0)]}


def test_r168_the_narrower_scope_burns_first_and_a_contracts_own_before_the_customers(
    world: Setup,
) -> None:
    for one in (
        own("wide", "10"),
        own("narrow", "10", contract_ids=("one",)),
    ):
        world.engine.balances.create("customer", one, ADA)
    mine = own("mine", "10")
    world.engine.edit_contract(
        "one", Amend(starting_at=NOW, terms=Added(commits=(mine,))), by="test", now=NOW
    )
    calls(world, "2025-01-10", "25")
    bill = world.engine.bill("customer", at("2025-01-20"))
    first = next(i for i in bill.invoices if i.contract_id == "one")

    applied = [line.commit_id for line in first.lines if line.total < 0]
    assert applied == ["mine", "narrow", "wide"]


def test_r109_it_survives_the_end_of_contracts_and_expires_at_its_own(world: Setup) -> None:
    world.engine.balances.create("customer", own(), ADA)
    for name in ("one", "two"):
        world.engine.edit_contract(
            name, ChangeEnd(ending_before=at("2025-03-01")), by="test", now=NOW
        )
    world.engine.finalize(at("2025-04-01"))
    assert world.engine.balances.net("customer", at("2025-06-01")) == cents("100")
    world.engine.finalize(at("2026-01-01"))

    assert [(e.type, e.timestamp) for e in world.engine.ledger("own")] == [
        ("SEGMENT_START", at("2025-01-01")),
        ("EXPIRATION", at("2026-01-01")),
    ]


def test_r212_payments_are_billed_on_the_invoice_contract(world: Setup) -> None:
    paid = own(invoice_contract_id="two", payments={"2025-02-01": "80"})
    world.engine.balances.create("customer", paid, ADA)
    world.engine.finalize(at("2025-02-01"))
    (invoice,) = (i for i in world.engine.invoices("customer") if i.type == "SCHEDULED")

    assert (invoice.contract_id, dollars(invoice.total)) == ("two", Decimal("80.00"))
    assert world.engine.explain(invoice.id, 1).causes[0].name == "own"
    postings = [p for p in world.engine.postings() if p.account == "deferred_revenue"]
    assert [p.minor for p in postings] == [-8000]


def test_r187_r212_a_postpaid_promise_of_the_customer_is_trued_up_on_its_contract(
    world: Setup,
) -> None:
    promise = commit(
        "promise",
        ("100", "2025-01-01", "2025-02-01"),
        payments={"2025-02-01": "100"},
        kind=CommitKind.POSTPAID,
        priority=Decimal(1),
        invoice_contract_id="one",
    )
    world.engine.balances.create("customer", promise, ADA)
    calls(world, "2025-01-10", "30")
    world.engine.finalize(at("2025-02-03"))
    trueup = next(i for i in world.engine.invoices("customer") if i.type == "SCHEDULED")

    assert (trueup.contract_id, dollars(trueup.total)) == ("one", Decimal("40.00"))
    assert sum(e.amount for e in world.engine.ledger("promise")) == 0


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"priority": None}, "R171"),
        ({"payments": {"2025-01-01": "1"}}, "R212"),
        ({"contract_ids": ("elsewhere",)}, "no such contract"),
        ({"product_id": "p-Calls"}, "FIXED"),
    ],
)
def test_r212_r171_what_a_customer_cannot_be_given(
    world: Setup, wrong: dict[str, Any], match: str
) -> None:
    with pytest.raises(Refused, match=match):
        world.engine.balances.create("customer", own(**wrong), ADA)
    assert world.engine.bill("customer", NOW).balances == ()


def test_r7_keys_and_ids_are_taken_once_and_the_same_again_changes_nothing(world: Setup) -> None:
    keyed = later("2025-01-05", uniqueness_key="order-1")
    world.engine.balances.create("customer", own(), keyed)
    before = world.engine.content_hash()
    world.engine.balances.create("customer", own(), keyed)
    assert world.engine.content_hash() == before

    with pytest.raises(Conflict, match="already been used"):
        world.engine.balances.create("customer", own("other"), keyed)
    with pytest.raises(Conflict, match="other content"):
        world.engine.balances.create("customer", own(description="x"), ADA)
    with pytest.raises(Conflict, match="taken"):
        world.engine.balances.create("stranger", own(), ADA)
    with pytest.raises(Conflict, match="taken"):
        world.engine.edit_contract(
            "one", Amend(starting_at=NOW, terms=Added(commits=(own(),))), by="test", now=NOW
        )


def test_r197_r205_r215_it_is_edited_ended_and_archived(world: Setup) -> None:
    balances = world.engine.balances
    balances.create("customer", own(), ADA)
    calls(world, "2025-01-10", "30")
    world.engine.finalize(at("2025-02-03"))
    now = later("2025-02-04")
    with pytest.raises(Refused, match="R197"):
        balances.replace(replace(own(), segments=own("own", "59").segments), now)
    balances.replace(replace(own(), segments=own("own", "60").segments), now)
    with pytest.raises(Refused, match="R205"):
        balances.archive("own", now)
    assert balances.net("customer", at("2025-02-05")) == 0

    balances.create("customer", own("spare"), now)
    balances.end("spare", later("2025-02-05"), access_ending_before=at("2025-03-01"))
    world.engine.finalize(at("2025-04-02"))
    assert world.engine.ledger("spare")[-1].timestamp == at("2025-03-01")
    balances.create("customer", own("third"), later("2025-04-03"))
    balances.archive("third", later("2025-04-04"))
    world.engine.finalize(at("2025-05-03"))
    assert sum(e.amount for e in world.engine.ledger("third")) == 0
    assert world.engine.findings() == ()


def test_r215_only_the_customers_own_outlives_a_contract(world: Setup) -> None:
    world.engine.edit_contract(
        "one", Amend(starting_at=NOW, terms=Added(commits=(own("mine"),))), by="test", now=NOW
    )
    world.engine.edit_contract("one", ChangeEnd(ending_before=at("2026-06-01")), by="t", now=NOW)
    with pytest.raises(Refused, match="R215"):
        world.engine.balances.end("mine", ADA, access_ending_before=at("2027-01-01"))
    found = world.engine.balances.end("mine", ADA, access_ending_before=at("2026-05-01"))
    assert found.segments[0].window.end == at("2026-05-01")
    with pytest.raises(NotFound):
        world.engine.balances.find("nothing", NOW)


def test_r198_a_manual_entry_stands_at_the_segments_start_and_counts_at_once(
    world: Setup,
) -> None:
    world.engine.balances.create("customer", own(), ADA)
    asked = Adjustment(commit_id="own", segment_id="own1", amount=-cents("30"), reason="goodwill")
    entry = world.engine.balances.adjust("customer", asked, ADA)
    ahead = replace(asked, amount=-cents("1"), timestamp=at("2025-11-01"))
    world.engine.balances.adjust("customer", ahead, later("2025-01-06", uniqueness_key="k"))

    assert entry.timestamp == at("2025-01-01")
    assert world.engine.balances.net("customer", NOW) == cents("69")
    with pytest.raises(Conflict, match="already been used"):
        world.engine.balances.adjust(
            "customer",
            replace(ahead, amount=-cents("2"), segment_id="own1", reason="y"),
            later("2025-01-07", uniqueness_key="k"),
        )


def test_r199_net_balance_by_unit_filter_and_draft(world: Setup) -> None:
    world.engine.create_credit_type(CreditType(id="tokens", name="Tokens"), NOW)
    for entity in ("commit", "contract_credit"):
        world.engine.add_custom_field_key(entity, "team", False, NOW)
    found = (
        own("a", "100", custom_fields={"team": "x"}),
        own("b", "50", kind=CommitKind.CREDIT, custom_fields={"team": "y"}),
        own("c", "7", access_credit_type_id="tokens"),
        commit("d", ("9", "2027-01-01", "2028-01-01"), priority=Decimal(1)),
    )
    for one in found:
        world.engine.balances.create("customer", one, ADA)
    calls(world, "2025-01-04", "10")
    net = world.engine.balances.net
    by_team = BalanceFilter(custom_fields={"team": "x"})
    free = BalanceFilter(kinds=(CommitKind.CREDIT,))

    assert net("customer", NOW) == cents("130")
    assert net("customer", NOW, with_drafts=False) == cents("150")
    assert net("customer", NOW, "tokens") == cents("7")
    assert net("customer", NOW, filters=[by_team], with_drafts=False) == cents("100")
    assert net("customer", NOW, filters=[by_team, free], with_drafts=False) == cents("150")
    both = BalanceFilter(kinds=(CommitKind.CREDIT,), custom_fields={"team": "x"})
    assert net("customer", NOW, filters=[both]) == 0
    assert net("customer", NOW, filters=[BalanceFilter(ids=("a",))]) == cents("80")


def test_r195_r199_a_segment_that_went_negative_counts_as_zero(world: Setup) -> None:
    world.engine.balances.create("customer", own("a", "10"), ADA)
    world.engine.balances.create("customer", own("b", "10"), ADA)
    asked = Adjustment(commit_id="a", segment_id="a1", amount=-cents("15"), reason="clawed back")
    world.engine.balances.adjust("customer", asked, ADA)

    assert world.engine.balances.net("customer", NOW) == cents("10")


def gated(status: GateStatus = GateStatus.PENDING) -> Commit:
    paid = commit("gated", ("100", "2025-01-01", "2026-01-01"), payments={"2025-01-05": "80"})
    return replace(paid, gate=Gate(type=GateType.EXTERNAL, status=status, workflow_id="w"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"payments": ()},
        {"do_not_invoice": True},
        {"kind": CommitKind.CREDIT, "payments": ()},
    ],
)
def test_r200_a_gated_commit_is_prepaid_with_one_payment(
    world: Setup, wrong: dict[str, Any]
) -> None:
    terms = Added(commits=(replace(gated(), **wrong),))
    with pytest.raises(Refused, match="one payment"):
        world.engine.edit_contract("one", Amend(starting_at=NOW, terms=terms), by="test", now=NOW)
    own_gate = replace(gated(), priority=Decimal(1))
    with pytest.raises(Refused, match="belongs to a contract"):
        world.engine.balances.create("customer", own_gate, ADA)


def with_gate(world: Setup) -> None:
    world.engine.edit_contract(
        "one", Amend(starting_at=NOW, terms=Added(commits=(gated(),))), by="test", now=NOW
    )
    calls(world, "2025-01-10", "30")
    world.engine.finalize(NOW)


def test_r200_nothing_is_granted_before_the_payment_and_all_of_it_then(world: Setup) -> None:
    with_gate(world)
    assert [dollars(i.total) for i in world.engine.invoices("customer")] == [Decimal("80.00")]
    assert world.engine.bill("customer", NOW).balances == ()
    assert world.engine.balances.net("customer", NOW) == 0

    settled = world.engine.balances.resolve_payment("gated", later("2025-01-06"), paid=True)
    world.engine.finalize(at("2025-02-03"))
    assert settled.gate is not None
    assert settled.gate.status is GateStatus.PAID
    assert totals(world)["one"] == [Decimal("80.00"), Decimal(0)]
    kinds = [event.type for event in world.engine.stores.events.after(0, 100)]
    assert "payment_gate.payment_status" in kinds
    assert world.engine.findings() == ()


def test_r200_a_failed_payment_voids_commit_and_invoice(world: Setup) -> None:
    with_gate(world)
    failed = world.engine.balances.resolve_payment("gated", later("2025-01-06"), paid=False)
    world.engine.finalize(at("2025-02-03"))

    assert failed.archived_at == at("2025-01-06")
    (void,) = world.engine.invoices("customer", status=InvoiceStatus.VOID)
    assert dollars(void.total) == Decimal("80.00")
    assert totals(world, status=InvoiceStatus.FINALIZED)["one"] == [Decimal("30.00")]
    assert world.engine.ledger("gated") == ()


def test_r200_an_outcome_is_told_once(world: Setup) -> None:
    with_gate(world)
    world.engine.balances.resolve_payment("gated", later("2025-01-06"), paid=True)
    before = world.engine.content_hash()
    world.engine.balances.resolve_payment("gated", later("2025-01-07"), paid=True)
    assert world.engine.content_hash() == before
    with pytest.raises(Refused, match="settled before"):
        world.engine.balances.resolve_payment("gated", later("2025-01-07"), paid=False)
    world.engine.balances.create("customer", own(), ADA)
    with pytest.raises(Refused, match="awaits no payment"):
        world.engine.balances.resolve_payment("own", ADA, paid=True)
