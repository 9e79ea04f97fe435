"""Invoices listed, shown, broken down, voided and made anew: v1.customers.invoices, v1.invoices."""

import warnings
from typing import Any

import pytest

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.granted import APRIL, JANUARY
from api.sdk.world import World
from closedwon.billing.catalog.types import USD

FEBRUARY, MARCH = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


@does("v1.customers.invoices.list")
def lists_invoices_by_every_filter(world: World) -> None:
    def listed(**asked: Any) -> list[Any]:
        return list(world.sdk.v1.customers.invoices.list(customer_id=world.settled, **asked))

    usage = listed(type="USAGE", contract_id=world.contract, credit_type_id=USD)
    assert [one.status for one in usage] == ["FINALIZED", "FINALIZED", "DRAFT"]
    assert [one.id for one in listed(type="USAGE", sort="date_desc")] == [
        one.id for one in reversed(usage)
    ]
    inside = listed(type="USAGE", starting_on=FEBRUARY, ending_before=APRIL)
    assert [one.id for one in inside] == [one.id for one in usage[1:]]
    assert listed(status="VOID", webhook_notification_id="why") == []
    every = listed(include_historical_commit_invoices=True, limit=2)
    assert {one.type for one in every} == {"USAGE", "SCHEDULED"}
    for one in listed(skip_zero_qty_line_items=True):
        assert all(line.quantity != 0 for line in one.line_items)


@refuses("v1.customers.invoices.list", 400, "status")
def does_not_know_invoices_that_were_sent(world: World) -> None:
    world.sdk.v1.customers.invoices.list(customer_id=world.settled, status="SENT")


@pages("v1.customers.invoices.list")
def pages_of_invoices(world: World) -> Paging:
    def asked(**page: Any) -> Any:
        return world.sdk.v1.customers.invoices.list(customer_id=world.settled, **page)

    return Paging(asked=asked, key=lambda row: row.id)


@does("v1.customers.invoices.retrieve")
def retrieves_an_invoice_with_and_without_empty_lines(world: World) -> None:
    (first, *_) = world.sdk.v1.customers.invoices.list(customer_id=world.settled, type="USAGE")
    which = {"customer_id": world.settled, "invoice_id": first.id}

    whole = world.sdk.v1.customers.invoices.retrieve(**which).data
    short = world.sdk.v1.customers.invoices.retrieve(**which, skip_zero_qty_line_items=True).data

    assert (whole.id, whole.total, whole.contract_id) == (first.id, first.total, world.contract)
    assert [one for one in whole.line_items if one.quantity != 0] == short.line_items
    storage = [one for one in whole.line_items if one.type == "usage" and one.name == "Storage"]
    assert sum(one.quantity or 0 for one in storage) == 2001


@refuses("v1.customers.invoices.retrieve", 404, "invoice")
def does_not_show_an_invoice_there_is_not(world: World) -> None:
    world.sdk.v1.customers.invoices.retrieve(customer_id=world.settled, invoice_id="nothing")


@does("v1.customers.invoices.retrieve_pdf")
def retrieves_the_document(world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns about libraries of later versions.
        pytest.importorskip("weasyprint", exc_type=ImportError)
    (first, *_) = world.sdk.v1.customers.invoices.list(customer_id=world.settled)
    answer = world.sdk.v1.customers.invoices.retrieve_pdf(
        customer_id=world.settled, invoice_id=first.id
    )
    assert answer.read()[:5] == b"%PDF-"


@refuses("v1.customers.invoices.retrieve_pdf", 404, "invoice")
def does_not_print_another_customer_s_invoice(world: World) -> None:
    (first, *_) = world.sdk.v1.customers.invoices.list(customer_id=world.settled)
    world.sdk.v1.customers.invoices.retrieve_pdf(customer_id=world.customer(), invoice_id=first.id)


@does("v1.customers.invoices.list_breakdowns")
def breaks_invoices_down_by_day_and_by_hour(world: World) -> None:
    def listed(start: str, end: str, **asked: Any) -> list[Any]:
        found = world.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=world.settled, starting_on=start, ending_before=end, **asked
        )
        return list(found)

    days = listed(JANUARY, FEBRUARY, window_size="DAY", status="FINALIZED", credit_type_id=USD)
    assert len(days) == 31
    used = [one for one in days if any(line.quantity for line in one.line_items)]
    assert [one.breakdown_start_timestamp.day for one in used] == [5]
    latest = listed(JANUARY, FEBRUARY, sort="date_desc", skip_zero_qty_line_items=True, limit=7)
    assert [one.breakdown_start_timestamp for one in latest] == [
        one.breakdown_start_timestamp for one in reversed(days)
    ]
    hours = listed("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", window_size="HOUR")
    assert len(hours) == 24


@refuses("v1.customers.invoices.list_breakdowns", 400, "ending_before")
def does_not_break_down_what_ends_first(world: World) -> None:
    world.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=world.settled, starting_on=FEBRUARY, ending_before=JANUARY
    )


@pages("v1.customers.invoices.list_breakdowns")
def pages_of_days(world: World) -> Paging:
    def asked(**page: Any) -> Any:
        return world.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=world.settled,
            starting_on="2026-01-03T00:00:00Z",
            ending_before="2026-01-08T00:00:00Z",
            **page,
        )

    return Paging(asked=asked, key=lambda row: row.breakdown_start_timestamp)


def billed(world: World) -> tuple[str, str]:
    """A customer and its final invoice of January."""
    customer = world.customer()
    world.contract_of(customer, starting_at=JANUARY)
    world.run_due()
    (first, *_) = world.sdk.v1.customers.invoices.list(
        customer_id=customer, type="USAGE", status="FINALIZED"
    )
    return customer, first.id


@does("v1.invoices.void")
def voids_an_invoice(world: World) -> None:
    customer, invoice = billed(world)

    assert world.sdk.v1.invoices.void(id=invoice).data.id == invoice  # type: ignore[union-attr]

    listed = world.sdk.v1.customers.invoices.list(customer_id=customer, status="VOID")
    assert [one.id for one in listed] == [invoice]


@refuses("v1.invoices.void", 400, "FINALIZED")
def does_not_void_twice(world: World) -> None:
    _, invoice = billed(world)
    for _ in range(2):
        world.sdk.v1.invoices.void(id=invoice)


@does("v1.invoices.regenerate")
def bills_a_void_invoice_anew_once(world: World) -> None:
    customer, invoice = billed(world)
    world.sdk.v1.invoices.void(id=invoice)

    made = world.sdk.v1.invoices.regenerate(id=invoice).data

    assert made is not None
    listed = world.sdk.v1.customers.invoices.list(customer_id=customer, status="FINALIZED")
    anew = [one for one in listed if one.id == made.id]
    holds(anew, [{"regenerated_from_invoice_id": invoice, "start_timestamp": JANUARY}])


@refuses("v1.invoices.regenerate", 400, "VOID")
def does_not_bill_anew_what_stands(world: World) -> None:
    _, invoice = billed(world)
    world.sdk.v1.invoices.regenerate(id=invoice)
