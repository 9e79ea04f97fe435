"""Figures and reports of generated and customer-level balances add up (R109, R204)."""

from decimal import Decimal

from billing.balances.test_recurring import recurring
from billing.world import at, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.contracts.edits import Added, Create
from closedwon.engine.command import Author
from closedwon.finance.figures.commit import commit_rows, period_rows
from closedwon.finance.figures.picture import Picture
from closedwon.reports.reconcile import compared

NOW = at("2025-02-15")


def world() -> Setup:
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    term = recurring("grant", "100", invoice="75")
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(recurring=(term,)),
    )
    found.engine.create_contract("k", signed, by="test", now=at("2024-12-20"))
    own = commit(
        "own",
        ("50", "2025-01-01", "2026-01-01"),
        payments={"2025-01-01": "40"},
        priority=Decimal(1),
        invoice_contract_id="k",
    )
    found.engine.balances.create("customer", own, Author(by="ada", now=at("2024-12-21")))
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "120"))
    found.engine.finalize(NOW)
    return found


def picture(found: Setup) -> Picture:
    return Picture(
        account=found.engine.account("customer", NOW),
        bill=found.engine.bill("customer", NOW),
        catalog=found.engine.catalog(),
        now=NOW,
        environment="test",
    )


def test_r204_r109_every_balance_has_a_row_under_who_holds_it() -> None:
    seen = picture(world())
    rows = {row.key: row.fields.get("Contract__r") for row in commit_rows(seen)}
    january = f"test:{child_id('grant', at('2025-01-01'))}"

    assert rows[january] == rows[f"test:{child_id('grant', at('2025-03-01'))}"]
    assert rows[january] is not None
    assert rows["test:own"] is None
    assert len(list(period_rows(seen))) == 4


def test_r204_r212_what_was_agreed_is_invoiced_or_waits() -> None:
    (row,) = compared([picture(world())], ()).bridge

    assert (row.agreed, row.invoiced, row.waiting) == (26500, 19000, 7500)
    assert row.unexplained == 0


def test_r351_books_of_generated_and_own_commits_balance() -> None:
    found = world()
    found.engine.finalize(at("2026-01-05"))

    assert found.engine.findings() == ()
    deferred = [p for p in found.engine.postings() if p.account == "deferred_revenue"]
    for name in ("own", child_id("grant", at("2025-01-01")), child_id("grant", at("2025-02-01"))):
        moved = [p.minor for p in deferred if p.commit_id == name]
        assert (sum(moved), min(moved)) == (0, -4000 if name == "own" else -7500)
