"""Finalizing prices only what is due; what becomes final is the same (R130, R184, D2)."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.test_laws import worlds
from billing.world import (
    SETTINGS,
    World,
    at,
    catalog,
    charge,
    commit,
    contract,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.bill import bill, demands_of
from closedwon.billing.columns.plain import why_terms_not_plain
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import InvoiceType
from closedwon.billing.invoices.usage import open_periods


@settings(max_examples=60)
@given(world=worlds(), hours=st.integers(0, 24 * 140))
def test_r130_r184_what_is_final_does_not_depend_on_drafts(world: World, hours: int) -> None:
    now = at("2025-01-01") + timedelta(hours=hours)
    full = world.bill(now.isoformat()[:19])
    due = [one for one in full.invoices if one.issued_at <= now]

    periods = tuple(open_periods(world.account, world.catalog, now, now - timedelta(hours=24)))
    asked = demands_of(periods)
    quantities = {demand.key: tuple(world._readings(demand)) for demand in asked}
    fast = bill(world.account, world.catalog, quantities, now, SETTINGS, periods)

    assert all(demand.cuts[-1] <= now - timedelta(hours=24) for demand in asked)
    assert [one for one in fast.invoices if one.issued_at <= now] == due
    assert fast.entries == full.entries
    assert [(b.segment_id, b.is_settled, b.expired) for b in fast.balances] == [
        (b.segment_id, b.is_settled, b.expired) for b in full.balances
    ]
    drafts = [one for one in fast.invoices if one.issued_at > now]
    assert not any(one.lines for one in drafts if one.type is InvoiceType.USAGE)


def test_r187_a_postpaid_promise_needs_its_drafts_priced() -> None:
    payments = {"2025-06-01": "10"}
    owed = commit(
        "owed", ("10", "2025-01-01", "2025-05-01"), payments=payments, kind=CommitKind.POSTPAID
    )
    plain = promising_nothing().account
    (signed,) = plain.contracts

    def reason(**terms: object) -> str | None:
        return why_terms_not_plain(
            replace(plain, contracts=(replace(signed, **terms),)),  # type: ignore[arg-type]
            SETTINGS,
        )

    assert reason() is None
    assert reason(charges=(charge("support", {"2025-02-01": "5"}),)) is None
    assert reason(commits=(owed,)) == "Commit.kind"
    assert reason(removes_trueup=True) == "Contract.removes_trueup"
    assert reason(archived_at=at("2025-03-01")) == "Contract.archived_at"


def promising_nothing() -> World:
    """The world of the laws with a contract that promises nothing."""
    sold = catalog(
        [usage_product("A", "a"), fixed_product("commit")], [metric("A")], [rate("A", "1")]
    )
    signed = Create(customer_id="customer", term=span("2025-01-01", "2025-05-01"))
    return World(sold, [contract("k", replace(signed, rate_card_id="card"))])
