"""Billing periods and when their invoices are final (R96, R126-R130, R137-R143, S21)."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
    contract,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.account import BillingSettings
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import StatementDay, StatementSchedule
from closedwon.billing.invoices.periods import usage_periods
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

CATALOG = catalog([usage_product("Calls")], [metric("Calls")], [rate("Calls", "100")])


def signed(start: str, end: str | None = None, **statement: object) -> Contract:
    create = Create(
        customer_id="customer",
        term=span(start, end),
        rate_card_id="card",
        statement=StatementSchedule(**statement),  # type: ignore[arg-type]
    )
    return contract("k", create)


def windows(found: Contract, now: str = "2026-01-01") -> list[tuple[str, str]]:
    """Start and end of each period, hours only where there are any."""
    return [(_short(w.start), _short(w.until)) for w in usage_periods(found, at(now))]


def _short(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H}".removesuffix("T00")


def drafts(found: World, now: str, **chosen: int) -> list[Invoice]:
    return [i for i in found.bill(now, BillingSettings(**chosen)).invoices if i.end]


def test_s21_r126_an_anchor_before_the_start_cuts_the_first_period() -> None:
    found = signed("2024-09-15", day=StatementDay.CUSTOM_DATE, billing_anchor_date=at("2024-09-10"))
    assert windows(found)[:2] == [("2024-09-15", "2024-10-10"), ("2024-10-10", "2024-11-10")]


def test_s21_r126_an_anchor_after_the_start_counts_back() -> None:
    found = signed(
        "2024-09-15", day=StatementDay.CUSTOM_DATE, billing_anchor_date=at("2024-12-20T06:00:00")
    )
    assert windows(found)[:2] == [
        ("2024-09-15", "2024-09-20T06"),
        ("2024-09-20T06", "2024-10-20T06"),
    ]


def test_s21_r126_r9_the_contract_s_own_day_clamps_and_comes_back() -> None:
    found = signed("2025-01-31", day=StatementDay.CONTRACT_START)
    assert windows(found)[:3] == [
        ("2025-01-31", "2025-02-28"),
        ("2025-02-28", "2025-03-31"),
        ("2025-03-31", "2025-04-30"),
    ]


def test_s21_r126_weeks_run_from_the_contract_s_start() -> None:
    found = signed(
        "2025-03-05T07:00:00", frequency=Frequency.WEEKLY, day=StatementDay.CONTRACT_START
    )
    assert windows(found)[:2] == [
        ("2025-03-05T07", "2025-03-12T07"),
        ("2025-03-12T07", "2025-03-19T07"),
    ]


def test_s21_r127_quarters_and_years_step_from_the_first_of_the_start_month() -> None:
    quarters = signed("2024-11-20", frequency=Frequency.QUARTERLY)
    assert windows(quarters)[:2] == [("2024-11-20", "2025-02-01"), ("2025-02-01", "2025-05-01")]
    years = signed("2024-11-20", frequency=Frequency.ANNUAL)
    assert windows(years)[:2] == [("2024-11-20", "2025-11-01"), ("2025-11-01", "2026-11-01")]


def test_r96_a_contract_that_says_nothing_is_billed_monthly_on_the_first() -> None:
    assert windows(signed("2025-01-17T05:00:00"), "2025-02-01") == [
        ("2025-01-17T05", "2025-02-01"),
        ("2025-02-01", "2025-03-01"),
    ]


@pytest.mark.parametrize(
    ("statement", "match"),
    [
        ({"frequency": Frequency.WEEKLY}, "WEEKLY statements need"),
        ({"day": StatementDay.CUSTOM_DATE}, "billing_anchor_date"),
        ({"billing_anchor_date": EPOCH}, "billing_anchor_date"),
    ],
)
def test_r126_schedules_without_an_anchor_are_refused(
    statement: dict[str, object], match: str
) -> None:
    with pytest.raises(Refused, match=match):
        signed("2025-01-01", **statement)


def test_s21_r128_r141_the_last_period_ends_with_the_contract_after_the_same_grace() -> None:
    found = World(CATALOG, [signed("2025-03-01", "2025-03-10T12:00:00")])
    found.use("Calls", "2025-03-10T11:59:00", "3")
    found.use("Calls", "2025-03-10T12:00:00", "5")
    found.finalize("2025-03-11T11:59:59")
    assert found.invoices() == []
    found.finalize("2025-03-11T12:00:00")
    (last,) = found.invoices()
    assert (last.end, last.total) == (at("2025-03-10T12:00:00"), 300)


def test_r142_a_contract_that_starts_later_has_no_invoice_yet() -> None:
    found = World(CATALOG, [signed("2025-03-01")])
    assert drafts(found, "2025-02-28T23:00:00") == []
    assert [draft.total for draft in drafts(found, "2025-03-01")] == [0]


def test_r129_r139_a_draft_is_there_from_the_start_with_its_planned_date() -> None:
    (draft,) = drafts(World(CATALOG, [signed("2025-03-01")]), "2025-03-01")
    assert (draft.status, draft.total) == (InvoiceStatus.DRAFT, 0)
    assert draft.issued_at == at("2025-04-02")


@pytest.mark.parametrize("hours", [0, 24, 36])
def test_r130_grace_is_a_setting_and_may_be_none(hours: int) -> None:
    (draft,) = drafts(World(CATALOG, [signed("2025-03-01")]), "2025-03-31", grace_hours=hours)
    assert draft.issued_at == at("2025-04-01") + timedelta(hours=hours)


def test_r143_edits_and_usage_in_the_grace_still_count_and_later_ones_do_not() -> None:
    first = signed("2025-03-01")
    found = World(CATALOG, [first])
    found.use("Calls", "2025-03-10", "10")
    cheaper = Amend(
        starting_at=EPOCH,
        terms=Added(overrides=(replace(multiplier("x", "0.5", "2025-03-01"), applicability=ALL),)),
    )
    create = Create(customer_id="customer", term=first.term, rate_card_id="card")
    found.account = replace(found.account, contracts=(contract("k", create, cheaper),))
    assert [draft.total for draft in drafts(found, "2025-04-01T23:00:00")] == [500, 0]
    found.use("Calls", "2025-03-11", "10")
    found.finalize("2025-04-02")
    found.use("Calls", "2025-03-12", "10")
    assert [invoice.total for invoice in found.invoices()] == [1000]
    assert [draft.total for draft in drafts(found, "2025-04-03")] == [0]


ALL = multiplier("x", "1", "2025-03-01").applicability.__class__()


def test_r137_nothing_is_generated_before_its_start_and_a_straddling_period_begins_there() -> None:
    whole = signed("2025-01-01", invoice_generation_starting_at=at("2025-03-01"))
    assert windows(whole, "2025-03-01") == [("2025-03-01", "2025-04-01")]
    inside = signed("2025-01-01", invoice_generation_starting_at=at("2025-02-10"))
    assert windows(inside, "2025-03-01") == [
        ("2025-02-10", "2025-03-01"),
        ("2025-03-01", "2025-04-01"),
    ]


def test_r98_r129_a_backdated_contract_has_all_its_elapsed_periods_at_once() -> None:
    found = World(CATALOG, [signed("2025-01-15")])
    found.use("Calls", "2025-01-20", "1")
    found.finalize("2025-03-01T12:00:00")
    assert [(i.start, i.total) for i in found.invoices()] == [(at("2025-01-15"), 100)]
    assert [d.start for d in drafts(found, "2025-03-01T12:00:00")] == [
        at("2025-02-01"),
        at("2025-03-01"),
    ]


def test_r118_a_contract_opened_again_bills_from_where_it_had_ended() -> None:
    create = Create(
        customer_id="customer", term=span("2025-03-01", "2025-03-10"), rate_card_id="card"
    )
    found = World(CATALOG, [contract("k", create)])
    found.finalize("2025-03-11")
    opened = contract("k", create, ChangeEnd(ending_before=None))
    found.account = replace(found.account, contracts=(opened,))
    assert [(d.start, d.end) for d in drafts(found, "2025-04-01")] == [
        (at("2025-03-10"), at("2025-04-01")),
        (at("2025-04-01"), at("2025-05-01")),
    ]
