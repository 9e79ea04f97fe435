"""Marketplace metering: growth in cents, positive only, until the last call (R295-R298)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.world import at
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line
from closedwon.delivery.metering import (
    QUANTITY_MAX,
    hour_of,
    increment,
    running_total,
    takes_reports,
)
from delivery.invoices import CCU, covered, issued, purchase, usage

NOW = at("2024-02-10")


def invoice(*lines: Line, **more: object) -> Invoice:
    return issued(lines, **more).invoice


def test_r295_worked_example_reports_the_increment() -> None:
    invoices = [invoice(usage("12000")), invoice(usage("340"), status=InvoiceStatus.DRAFT)]
    assert running_total(invoices, NOW) == 12340
    assert increment(12340, 12000) == 340


def test_r296_worked_example_holds_the_high_water_mark() -> None:
    reported = 50000
    for total, expected in ((40000, 0), (50000, 0), (50001, 1)):
        assert increment(total, reported) == expected


def test_r295_credits_reduce_what_is_metered_and_units_do_not_count() -> None:
    lines = (*covered("5000", CommitKind.CREDIT), usage("2000"), usage("7", credit_type_id=CCU))
    assert running_total([invoice(*lines)], NOW) == 2000


def test_r4_r295_each_invoice_counts_as_it_is_paid() -> None:
    assert running_total([invoice(usage("0.5")), invoice(usage("0.5"))], NOW) == 2


def test_r295_purchases_count_from_their_scheduled_date_on() -> None:
    planned = invoice(
        purchase("900"), type=InvoiceType.SCHEDULED, status=InvoiceStatus.DRAFT, issued_at=NOW
    )
    assert running_total([planned], NOW - timedelta(seconds=1)) == 0
    assert running_total([planned], NOW) == 900


def test_r297_trueups_voids_and_other_currencies_are_never_metered() -> None:
    trueup = invoice(
        purchase("900", commit_kind=CommitKind.POSTPAID),
        usage("50"),
        type=InvoiceType.SCHEDULED,
    )
    void = invoice(usage("70"), status=InvoiceStatus.VOID)
    euros = invoice(usage("80", credit_type_id="eur"), credit_type_id="eur")
    assert running_total([trueup, void, euros], NOW) == 50


@pytest.mark.parametrize(
    ("provider", "minutes"),
    [("aws_marketplace", 15), ("azure_marketplace", 120), ("gcp_marketplace", 120)],
)
def test_r297_the_last_call_comes_soon_after_the_end(provider: str, minutes: int) -> None:
    assert takes_reports(provider, None, NOW)
    assert takes_reports(provider, NOW, NOW + timedelta(minutes=minutes))
    assert not takes_reports(provider, NOW, NOW + timedelta(minutes=minutes, seconds=1))


def test_reports_belong_to_whole_hours() -> None:
    assert hour_of(NOW + timedelta(minutes=59, seconds=59)) == NOW


@settings(max_examples=100)
@given(st.lists(st.integers(-(10**6), 10**12), max_size=30))
def test_r296_r298_reports_are_positive_and_reach_the_greatest_total_in_time(
    totals: list[int],
) -> None:
    reported = 0
    for total in totals:
        step = increment(total, reported)
        assert 0 <= step <= QUANTITY_MAX
        reported += step
        assert reported <= max(0, *totals)
    while step := increment(max([0, *totals]), reported):
        reported += step
    assert reported == max([0, *totals])


def test_fractions_of_cents_add_up_before_they_are_rounded() -> None:
    assert running_total([invoice(usage("0.3"), usage("0.3"))], NOW) == 1
    assert running_total([invoice(usage(str(Decimal("0.499999"))))], NOW) == 0
