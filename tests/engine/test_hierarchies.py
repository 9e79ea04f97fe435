"""Parents and children: shared balances, who pays, consolidated invoices (R301-R305)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.world import at, commit, dollars, fixed_product, metric, rate, span, usage_product
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, ContractSettings, Create
from closedwon.billing.contracts.hierarchy import (
    AccessType,
    ChildAccess,
    Hierarchy,
    Party,
    Payer,
    StatementBehavior,
)
from closedwon.billing.contracts.terms import Commit, StatementDay, StatementSchedule
from closedwon.billing.invoices.types import InvoiceType
from closedwon.kernel.errors import NotFound, Refused

YEAR = ("2025-01-01", "2026-01-01")
ALL = ChildAccess(type=AccessType.ALL)


def shared(amount: str, access: ChildAccess = ALL, **more: Any) -> Commit:
    return commit(
        "shared", (amount, *YEAR), payments={"2025-01-01": amount}, child_access=access, **more
    )


def child_of(**more: Any) -> Hierarchy:
    return Hierarchy(parent_contract_id="parent", parent_customer_id="mother", **more)


def sign(made: Setup, contract_id: str, customer_id: str, **more: Any) -> None:
    fields = {"customer_id": customer_id, "term": span(*YEAR), "rate_card_id": "card", **more}
    now = at("2024-12-31" if customer_id == "mother" else "2025-01-01")
    made.engine.create_contract(contract_id, Create(**fields), by="test", now=now)


def world(*commits: Commit, place: Hierarchy | None = None, **parent: Any) -> Setup:
    """A parent and a child on one card, a cent a token."""
    made = setup()
    add_catalog(
        made.engine,
        [usage_product("Tokens"), fixed_product("commit")],
        [metric("Tokens")],
        [rate("Tokens", "1")],
    )
    add_customer(made.engine, "mother")
    add_customer(made.engine, "daughter")
    settings = ContractSettings(hierarchy=Hierarchy(**parent))
    sign(made, "parent", "mother", terms=Added(commits=commits), settings=settings)
    below = ContractSettings(hierarchy=place or child_of())
    sign(made, "child", "daughter", settings=below)
    return made


def use(made: Setup, who: str, when: str, cents: str) -> None:
    made.usage.use(event(who, "Tokens", at(when), cents))


def finish(made: Setup, when: str) -> dict[str, list[Decimal]]:
    """Finalize, and the usage totals of each customer in dollars."""
    while made.engine.finalize(at(when)).remaining:
        pass
    assert made.engine.findings() == ()
    return {
        who: [
            dollars(one.total)
            for one in made.engine.invoices(customer_id=who)
            if one.type is InvoiceType.USAGE
        ]
        for who in ("mother", "daughter")
    }


def test_r302_r213_a_child_draws_what_its_parent_shares() -> None:
    made = world(shared("100"))
    use(made, "mother", "2025-01-10", "3000")
    use(made, "daughter", "2025-01-11", "4000")
    use(made, "daughter", "2025-02-11", "5000")

    totals = finish(made, "2025-03-03")

    assert totals == {"mother": [0, 0], "daughter": [0, 20]}
    entries = [(e.type.value, dollars(e.amount)) for e in made.engine.ledger("shared")]
    assert entries == [
        ("SEGMENT_START", 100),
        ("AUTOMATED_INVOICE_DEDUCTION", -30),
        ("AUTOMATED_INVOICE_DEDUCTION", -40),
        ("AUTOMATED_INVOICE_DEDUCTION", -30),
    ]


@pytest.mark.parametrize(
    ("access", "due"),
    [
        (ChildAccess(), 40),
        (ChildAccess(type=AccessType.CONTRACT_IDS, contract_ids=("child",)), 0),
        (ChildAccess(type=AccessType.CONTRACT_IDS, contract_ids=("other",)), 40),
    ],
)
def test_r302_access_is_given_by_name_and_to_nobody_by_default(
    access: ChildAccess, due: int
) -> None:
    made = world(shared("100", access))
    use(made, "daughter", "2025-01-11", "4000")

    assert finish(made, "2025-02-03")["daughter"] == [due]


def test_r302_the_older_contract_is_served_first() -> None:
    made = world(shared("50"))
    use(made, "mother", "2025-01-20", "4000")
    use(made, "daughter", "2025-01-02", "4000")

    assert finish(made, "2025-02-03") == {"mother": [0], "daughter": [30]}


def test_r301_ratings_are_separate() -> None:
    """Each node is rated by itself; a draft of one shows nothing of the other."""
    made = world(shared("100"))
    use(made, "mother", "2025-01-10", "3000")
    use(made, "daughter", "2025-01-11", "4000")

    mother = made.engine.bill("mother", at("2025-01-20"))
    daughter = made.engine.bill("daughter", at("2025-01-20"))

    assert {one.customer_id for one in mother.invoices} == {"mother"}
    assert {one.customer_id for one in daughter.invoices} == {"daughter"}


def test_r305_what_is_shared_is_absent_from_the_childs_balances() -> None:
    made = world(shared("100"))
    use(made, "daughter", "2025-01-11", "4000")

    mother = made.engine.bill("mother", at("2025-01-20"))
    daughter = made.engine.bill("daughter", at("2025-01-20"))

    assert [dollars(one.remaining) for one in mother.balances] == [60]
    assert daughter.balances == ()


def test_r303_the_parent_pays() -> None:
    made = world(place=child_of(payer=Payer.PARENT))
    use(made, "daughter", "2025-01-11", "4000")
    finish(made, "2025-02-03")

    (invoice,) = made.engine.invoices(customer_id="daughter")
    assert invoice.payer == Party(customer_id="mother", contract_id="parent")


def test_r304_a_consolidated_invoice_copies_lines_and_names_its_constituents() -> None:
    joins = child_of(payer=Payer.PARENT, statement=StatementBehavior.CONSOLIDATE)
    made = world(place=joins, concatenates=True)
    use(made, "mother", "2025-01-10", "3000")
    use(made, "daughter", "2025-01-11", "4000")
    finish(made, "2025-02-03")

    (whole, _) = made.engine.consolidated("mother", at("2025-02-03"))

    assert whole.type is InvoiceType.USAGE_CONSOLIDATED
    assert dollars(whole.total) == 70
    assert len(whole.constituents) == 2
    assert [line.origin.customer_id for line in whole.lines if line.origin] == [
        "mother",
        "daughter",
    ]
    assert made.engine.consolidated("daughter", at("2025-02-03")) == ()


def test_r304_a_period_that_sticks_out_is_not_consolidated() -> None:
    """Dec 28 to Jan 28 against January is not."""
    made = setup()
    add_catalog(made.engine, [usage_product("Tokens")], [metric("Tokens")], [rate("Tokens", "1")])
    add_customer(made.engine, "mother")
    add_customer(made.engine, "daughter")
    parent = ContractSettings(hierarchy=Hierarchy(concatenates=True))
    sign(made, "parent", "mother", settings=parent)
    joins = child_of(payer=Payer.PARENT, statement=StatementBehavior.CONSOLIDATE)
    sign(
        made,
        "child",
        "daughter",
        term=span("2024-12-28", "2026-01-01"),
        statement=StatementSchedule(day=StatementDay.CONTRACT_START),
        settings=ContractSettings(hierarchy=joins),
    )

    assert made.engine.consolidated("mother", at("2025-01-20")) == ()


def test_r303_consolidation_needs_the_parent_to_pay() -> None:
    with pytest.raises(Refused, match="R303"):
        child_of(statement=StatementBehavior.CONSOLIDATE)


def test_r301_one_level_ten_nodes_and_a_parent_there_is() -> None:
    made = world()
    add_customer(made.engine, "grandchild")
    second = Hierarchy(parent_contract_id="child", parent_customer_id="daughter")
    with pytest.raises(Refused, match="one level"):
        sign(made, "x", "grandchild", settings=ContractSettings(hierarchy=second))
    nowhere = Hierarchy(parent_contract_id="nowhere", parent_customer_id="mother")
    with pytest.raises(NotFound):
        sign(made, "x", "grandchild", settings=ContractSettings(hierarchy=nowhere))
    for number in range(2, 10):
        sign(made, f"child{number}", "daughter", settings=ContractSettings(hierarchy=child_of()))
    with pytest.raises(Refused, match="10 nodes"):
        sign(made, "child10", "daughter", settings=ContractSettings(hierarchy=child_of()))


def test_r109_a_customer_level_balance_keeps_to_its_own_customer() -> None:
    made = world()
    use(made, "daughter", "2025-01-11", "4000")
    use(made, "mother", "2025-01-11", "1000")
    for found in made.engine.bills(["mother", "daughter"], at("2025-01-20")).bills.values():
        assert len(found.invoices) == 1


def test_r302_running_twice_and_one_by_one_gives_the_same() -> None:
    made, again = world(shared("100")), world(shared("100"))
    for one in (made, again):
        use(one, "mother", "2025-01-10", "3000")
        use(one, "daughter", "2025-01-11", "9000")
    finish(made, "2025-04-03")
    for when in ("2025-02-03", "2025-02-03", "2025-03-03", "2025-04-03"):
        finish(again, when)

    assert [i.total for i in made.engine.invoices()] == [i.total for i in again.engine.invoices()]
