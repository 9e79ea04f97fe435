"""Contracts: term, filters, schedules, amendments (R93-R111)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.world import (
    World,
    at,
    catalog,
    charge,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.edits import Added, Amend, Create, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import StatementDay, StatementSchedule, UsageFilter
from closedwon.kernel.calendar import Frequency

CATALOG = catalog(
    [usage_product("Calls", "cloud"), fixed_product("commit"), fixed_product("fee")],
    [metric("Calls", group_keys=(("region",),))],
    [rate("Calls", "100")],
)


def signed(
    name: str = "k", start: str = "2025-01-01", end: str | None = None, **more: Any
) -> Contract:
    fields = {"customer_id": "customer", "term": span(start, end), "rate_card_id": "card", **more}
    return contract(name, Create(**fields))


def filtered(name: str, *values: str) -> Contract:
    usage_filter = UsageFilter(
        group_key="region", group_values=values, starting_at=at("2025-01-01")
    )
    return signed(name, usage_filter=usage_filter)


def totals(world: World, now: str) -> dict[str, list[Decimal]]:
    found: dict[str, list[Decimal]] = {}
    for invoice in world.bill(now).invoices:
        if invoice.end is not None:
            found.setdefault(invoice.contract_id, []).append(dollars(invoice.total))
    return found


def test_r93_only_usage_inside_the_term_is_rated() -> None:
    world = World(CATALOG, [signed(start="2025-01-10", end="2025-01-20")])
    for day in ("2025-01-09T23:59:59", "2025-01-10", "2025-01-19T23:59:59", "2025-01-20"):
        world.use("Calls", day, "1")

    assert totals(world, "2025-02-05") == {"k": [Decimal("2.00")]}


def test_r95_each_contract_rates_all_that_passes_its_own_filter() -> None:
    world = World(CATALOG, [filtered("us", "US"), filtered("all", "US", "EU")])
    world.use("Calls", "2025-01-05", "3", region="US")
    world.use("Calls", "2025-01-06", "4", region="EU")

    assert totals(world, "2025-01-31") == {"us": [Decimal("3.00")], "all": [Decimal("7.00")]}


def test_r96_a_contract_without_a_schedule_bills_monthly_on_the_first() -> None:
    default = Create(customer_id="customer", term=span("2025-01-15")).statement
    assert default == StatementSchedule(
        frequency=Frequency.MONTHLY, day=StatementDay.FIRST_OF_MONTH
    )
    world = World(CATALOG, [signed(start="2025-01-15")])
    ends = [i.end for i in world.bill("2025-02-20").invoices]
    assert ends == [at("2025-02-01"), at("2025-03-01")]


@pytest.mark.parametrize("now", ["2025-01-31", "2035-01-31", "2055-06-30"])
def test_r99_an_open_contract_has_a_period_for_as_long_as_it_is_asked(now: str) -> None:
    bill = World(CATALOG, [signed()]).bill(now)
    last = max(i.end for i in bill.invoices if i.end is not None)

    assert at(now) < last
    assert len(bill.invoices) == (at(now).year - 2025) * 12 + at(now).month


def test_r101_custom_fields_are_echoed_on_its_invoices() -> None:
    echoing = signed(
        custom_fields={"owner": "ada"}, terms=Added(charges=(charge("fee", {"2025-01-01": "1"}),))
    )
    found = World(CATALOG, [echoing]).bill("2025-01-31").invoices

    assert [dict(i.contract_custom_fields) for i in found] == [{"owner": "ada"}] * 2


@pytest.mark.parametrize(
    ("contracts", "expected"),
    [
        ((filtered("us", "US"), filtered("eu", "EU")), 0),
        ((filtered("us", "US", "EU"), filtered("eu", "EU")), 1),
        ((filtered("us", "US"), signed("any")), 1),
        ((signed("a"), signed("b"), signed("c")), 3),
        ((signed("a"), signed("b", rate_card_id=None)), 0),
        ((signed("a", end="2025-01-10"), signed("b")), 0),
    ],
)
def test_r108_contracts_that_rate_the_same_events_are_told(
    contracts: tuple[Contract, ...], expected: int
) -> None:
    told = [
        text for text in World(CATALOG, contracts).bill("2025-01-20").warnings if "R108" in text
    ]

    assert len(told) == expected


def test_s3_r108_widening_one_filter_warns_until_the_other_contract_ends() -> None:
    from closedwon.billing.contracts.edits import ChangeEnd, FilterUsage

    wider = UsageFilter(group_key="region", group_values=("US", "EU"), starting_at=at("2025-02-01"))
    before = {
        name: Create(
            customer_id="customer",
            term=span("2025-01-01"),
            rate_card_id="card",
            usage_filter=UsageFilter(
                group_key="region", group_values=(value,), starting_at=at("2025-01-01")
            ),
        )
        for name, value in (("us", "US"), ("eu", "EU"))
    }
    us = contract("us", before["us"], FilterUsage(usage_filter=wider))
    eu = contract("eu", before["eu"])
    ended = contract("eu", before["eu"], ChangeEnd(ending_before=at("2025-02-01")))

    assert World(CATALOG, [us, eu]).bill("2025-01-20").warnings == ()
    assert len(World(CATALOG, [us, eu]).bill("2025-02-20").warnings) == 1
    assert World(CATALOG, [us, ended]).bill("2025-02-20").warnings == ()


def test_r110_an_edit_moves_the_whole_open_period_and_nothing_final() -> None:
    create = Create(customer_id="customer", term=span("2025-01-01"), rate_card_id="card")
    world = World(CATALOG, [contract("k", create)])
    for day in ("2025-01-10", "2025-02-10"):
        world.use("Calls", day, "10")
    world.finalize("2025-02-03")
    cheaper = Revise(add=Added(overrides=(multiplier("cloud", "0.5", "2025-01-01"),)))
    world.account = type(world.account)(
        customer=world.account.customer,
        contracts=(contract("k", create, cheaper),),
        finalized=world.account.finalized,
    )

    assert [dollars(i.total) for i in world.invoices()] == [Decimal("10.00")]
    assert totals(world, "2025-02-20") == {"k": [Decimal("5.00")]}


def test_r111_an_amendment_adds_and_its_terms_keep_their_own_dates() -> None:
    create = Create(
        customer_id="customer",
        term=span("2024-01-01"),
        rate_card_id="card",
        terms=Added(commits=(commit("A", ("1", "2024-01-01", "2025-01-01")),)),
    )
    upsell = Added(
        commits=(commit("B", ("5", "2025-01-01", "2026-01-01")),),
        overrides=(multiplier("cloud", "0.5", "2025-01-01"),),
    )
    amended = contract("k", create, Amend(starting_at=at("2024-01-01"), terms=upsell))
    world = World(CATALOG, [amended])
    world.use("Calls", "2024-12-10", "10")
    world.use("Calls", "2025-01-10", "10")

    assert [c.id for c in amended.commits] == ["A", "B"]
    assert totals(world, "2025-01-31")["k"][-2:] == [Decimal("9.00"), Decimal("0.00")]
