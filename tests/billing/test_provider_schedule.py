"""Which provider an invoice goes to, and what a schedule may be (R102, R103)."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import EPOCH, at, span
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.provider_schedule import (
    SEGMENTS_MAX,
    EffectiveAt,
    active_segment,
    check_schedule,
    updated,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.kernel.errors import Refused

NEXT, CURRENT = EffectiveAt.START_OF_NEXT_PERIOD, EffectiveAt.START_OF_CURRENT_PERIOD


def segment(when: str, provider: str = "stripe") -> ProviderSegment:
    return ProviderSegment(
        effective_at=at(when), configuration_id=provider, billing_provider=provider
    )


def contract(*segments: ProviderSegment, start: str = "2024-01-15") -> Contract:
    return Contract(
        id="c",
        customer_id="customer",
        term=span(start, "2026-01-01"),
        settings=ContractSettings(providers=segments),
        created_at=EPOCH,
    )


def invoice(start: str | None, end: str | None, issued_at: datetime) -> Invoice:
    return Invoice(
        id="i",
        customer_id="customer",
        contract_id="c",
        type=InvoiceType.USAGE if end else InvoiceType.SCHEDULED,
        status=InvoiceStatus.FINALIZED,
        total=Decimal(1),
        lines=(),
        start=None if start is None else at(start),
        end=None if end is None else at(end),
        issued_at=issued_at,
    )


@pytest.mark.parametrize(
    ("end", "issued", "expected"),
    [
        ("2024-02-01", "2024-02-02", None),
        ("2024-03-01", "2024-03-02", "stripe"),
        ("2024-04-01", "2024-04-02", "custom"),
        (None, "2024-02-01", None),
        (None, "2024-02-02", "stripe"),
        (None, "2024-03-02", "custom"),
    ],
)
def test_r103_the_latest_segment_before_the_periods_end_is_active(
    end: str | None, issued: str, expected: str | None
) -> None:
    found = active_segment(
        [segment("2024-02-01"), segment("2024-03-01", "custom")],
        invoice("2024-01-01" if end else None, end, at(issued)),
    )
    assert (found and found.billing_provider) == expected


def test_r102_the_first_one_delivered_is_of_the_period_in_which_it_was_added() -> None:
    added = updated(contract(), segment("2024-01-01"), CURRENT, at("2024-03-10"))
    assert [one.effective_at for one in added] == [at("2024-03-01")]
    assert active_segment(added, invoice("2024-02-01", "2024-03-01", at("2024-03-11"))) is None
    assert active_segment(added, invoice("2024-03-01", "2024-04-01", at("2024-04-02"))) == added[0]


@pytest.mark.parametrize(
    ("when", "now", "boundary"),
    [
        (CURRENT, "2024-01-20", "2024-01-15"),
        (CURRENT, "2023-12-01", "2024-01-15"),
        (CURRENT, "2024-03-01", "2024-03-01"),
        (NEXT, "2024-01-20", "2024-02-01"),
        (NEXT, "2024-03-01", "2024-04-01"),
    ],
)
def test_r103_a_change_begins_with_a_period(when: EffectiveAt, now: str, boundary: str) -> None:
    (made,) = updated(contract(), segment("2000-01-01"), when, at(now))
    assert made.effective_at == at(boundary)
    check_schedule(contract(), [made])


def test_r103_a_change_replaces_what_was_planned_from_there_on() -> None:
    planned = contract(segment("2024-02-01"), segment("2024-06-01", "custom"))
    found = updated(planned, segment("2000-01-01", "netsuite"), NEXT, at("2024-03-10"))
    assert [(one.effective_at, one.billing_provider) for one in found] == [
        (at("2024-02-01"), "stripe"),
        (at("2024-04-01"), "netsuite"),
    ]


@pytest.mark.parametrize(
    ("before", "after"), [("aws_marketplace", "stripe"), ("stripe", "gcp_marketplace")]
)
def test_r103_a_marketplace_on_either_side_waits_for_the_next_period(
    before: str, after: str
) -> None:
    known = contract(segment("2024-02-01", before))
    with pytest.raises(Refused, match="R103"):
        updated(known, segment("2000-01-01", after), CURRENT, at("2024-03-10"))
    assert len(updated(known, segment("2000-01-01", after), NEXT, at("2024-03-10"))) == 2


def test_r103_at_most_ten_segments_in_order_on_period_starts() -> None:
    months = [segment(f"2024-{month:02}-01") for month in range(2, 13)]
    check_schedule(contract(), months[:SEGMENTS_MAX])
    for wrong, told in (
        (months, "at most 10"),
        (months[1::-1], "in order"),
        ([months[0], months[0]], "in order"),
        ([segment("2024-02-02")], "begin with a billing period"),
    ):
        with pytest.raises(Refused, match=told):
            check_schedule(contract(), wrong)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=12), st.booleans())
def test_r103_any_history_of_changes_stays_a_schedule(days: list[int], soon: object) -> None:
    known = contract()
    for number, day in enumerate(sorted(days)):
        now = at("2024-01-15") + (at("2024-01-02") - at("2024-01-01")) * day
        when = CURRENT if soon else NEXT
        change = segment("2000-01-01", f"p{number}")
        try:
            found = updated(known, change, when, now)
        except Refused:
            assert len(known.settings.providers) == SEGMENTS_MAX
            continue
        check_schedule(known, found)
        assert found[-1].billing_provider == change.billing_provider
        known = replace(known, settings=ContractSettings(providers=found))
