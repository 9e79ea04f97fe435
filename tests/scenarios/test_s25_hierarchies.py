"""S25: a parent, its children, shared balances and one invoice (R301-R305). Tokens cost 1 cent."""

from decimal import Decimal
from typing import Any

from billing.world import at, commit, dollars, metric, multiplier, rate, span, usage_product
from build import add_customer
from closedwon.billing.contracts.edits import Added, ContractSettings, Create
from closedwon.billing.contracts.hierarchy import (
    AccessType,
    ChildAccess,
    Hierarchy,
    Payer,
    StatementBehavior,
)
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import InvoiceType
from closedwon.billing.pricing import Tier, Tiered
from closedwon.finance.journal import LedgerAccount
from scenarios.stage import Stage, stage

D = Decimal
YEAR = ("2025-01-01", "2026-01-01")
ALL = ChildAccess(type=AccessType.ALL)


def family(*commits: Commit, price: Any = "1", discount: str = "1", **child: Any) -> Stage:
    """``parent`` of ``customer``; ``east`` and ``west``, children of their own customers."""
    scene = stage([usage_product("Tokens", "t")], [metric("Tokens")], [rate("Tokens", price)])
    scene.sign(
        "parent",
        span(*YEAR),
        signed="2025-01-01",
        commits=commits,
        settings=ContractSettings(hierarchy=Hierarchy(concatenates=True)),
    )
    place = Hierarchy(parent_contract_id="parent", parent_customer_id="customer", **child)
    for who in ("east", "west"):
        add_customer(scene.world.engine, who)
        create = Create(
            customer_id=who,
            term=span(*YEAR),
            rate_card_id="card",
            terms=Added(
                overrides=() if who == "west" else (multiplier("t", discount, "2025-01-01"),)
            ),
            settings=ContractSettings(hierarchy=place),
        )
        scene.world.engine.create_contract(who, create, by="test", now=at("2025-01-01T01:00:00"))
    return scene


def shared(amount: str, access: ChildAccess = ALL) -> Commit:
    return commit("shared", (amount, *YEAR), payments={"2025-01-01": amount}, child_access=access)


def totals(scene: Stage) -> dict[str, list[Decimal]]:
    return {
        who: [told[2] for told in scene.billed("USAGE", who)]
        for who in ("customer", "east", "west")
    }


def test_s25_r302_children_draw_at_their_own_prices_the_oldest_contract_first() -> None:
    """100.00 shared. Parent 30.00; east 60.00 x 0.5 = 30.00; west 60.00: 40.00 covered, 20.00 due."""
    scene = family(shared("100"), discount="0.5")
    scene.use("Tokens", ("2025-01-10", "3000"))
    scene.use("Tokens", ("2025-01-10", "6000"), who="east")
    scene.use("Tokens", ("2025-01-02", "6000"), who="west")
    scene.live("2025-01-01", "2025-02-03")

    assert totals(scene) == {"customer": [0], "east": [0], "west": [20]}
    assert sorted(told[2] for told in scene.ledger("shared")) == [-40, -30, -30, 100]
    # 100.00 bought and used up; 20.00 of overage
    assert scene.books() == {LedgerAccount.RECEIVABLE: 12000, LedgerAccount.REVENUE: -12000}


def test_s25_r302_only_the_child_that_is_named_may_draw() -> None:
    """50.00 for ``west`` alone: west 60.00 -> 10.00 due, east 60.00 due in full."""
    scene = family(shared("50", ChildAccess(type=AccessType.CONTRACT_IDS, contract_ids=("west",))))
    scene.use("Tokens", ("2025-01-10", "6000"), who="east")
    scene.use("Tokens", ("2025-01-10", "6000"), who="west")
    scene.live("2025-01-01", "2025-02-03")

    assert totals(scene) == {"customer": [0], "east": [60], "west": [10]}


def test_s25_r301_tiers_do_not_pool() -> None:
    """10 @ 1.00, rest @ 0.50; 10 units each: 10.00 for each, not 10 + 5 + 5."""
    table = Tiered(tiers=(Tier(price=D(100), size=D(10)), Tier(price=D(50))))
    scene = family(price=table)
    for who in ("customer", "east", "west"):
        scene.use("Tokens", ("2025-01-10", "10"), who=who)
    scene.live("2025-01-01", "2025-02-03")

    assert totals(scene) == {"customer": [10], "east": [10], "west": [10]}


def test_s25_r303_r304_one_consolidated_invoice_of_all_constituents() -> None:
    """Parent 30.00 + east 40.00 + west 50.00 - 100.00 shared: 20.00 in all, paid by the parent."""
    scene = family(shared("100"), payer=Payer.PARENT, statement=StatementBehavior.CONSOLIDATE)
    scene.use("Tokens", ("2025-01-10", "3000"))
    scene.use("Tokens", ("2025-01-10", "4000"), who="east")
    scene.use("Tokens", ("2025-01-10", "5000"), who="west")
    scene.live("2025-01-01", "2025-02-03")
    whole = scene.world.engine.consolidated("customer", at("2025-02-03"))[0]

    assert whole.type is InvoiceType.USAGE_CONSOLIDATED
    assert (whole.start, whole.end) == (at("2025-01-01"), at("2025-02-01"))
    assert dollars(whole.total) == 20
    assert len(whole.constituents) == 3
    assert {x.origin.contract_id for x in whole.lines if x.origin} == {"parent", "east", "west"}


def test_s25_r305_r199_what_the_child_drew_is_gone_for_the_parent_and_never_the_childs() -> None:
    scene = family(shared("100"))
    scene.use("Tokens", ("2025-01-10", "4000"), who="east")
    engine = scene.world.engine

    assert scene.net("2025-01-20") == 60
    assert engine.balances.net("east", at("2025-01-20")) == 0


def test_s25_r302_r184_the_childs_last_invoice_is_waited_for_before_the_rest_expires() -> None:
    """December: west 70.00 of 100.00; 30.00 expires 2026-01-01."""
    scene = family(shared("100"))
    scene.use("Tokens", ("2025-12-31T23:00:00", "7000"), who="west")
    scene.live("2026-01-01", "2026-01-03", hours=6)

    assert scene.ledger("shared")[1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2026-01-01", D(-70)),
        ("EXPIRATION", "2026-01-01", D(-30)),
    ]
