"""Charges on the statement that ends the same day (R155, S20)."""

from datetime import datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
    cents,
    charge,
    contract,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.recurring import RecurringAmount, RecurringCommit
from closedwon.billing.contracts.terms import CommitKind, ScheduledCharge
from closedwon.billing.invoices.types import LineType

CATALOG = catalog(
    [usage_product("Calls"), fixed_product("commit"), fixed_product("fee")],
    [metric("Calls")],
    [rate("Calls", "100")],
)
PLAN = RecurringCommit(
    id="plan",
    kind=CommitKind.PREPAID,
    product_id="p-commit",
    name="Plan",
    access=RecurringAmount(unit_price=cents("100")),
    invoice=RecurringAmount(unit_price=cents("75")),
    window=span("2025-01-01"),
    created_at=EPOCH,
)
FEE = charge("fee", {"2025-02-01": "9"})


def create(
    *charges: ScheduledCharge, recurring: tuple[RecurringCommit, ...] = (), together: bool = True
) -> Create:
    return Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(recurring=recurring, charges=charges),
        charges_on_usage_invoices=together,
    )


def world(*charges: ScheduledCharge, recurring: tuple[RecurringCommit, ...] = ()) -> World:
    return World(CATALOG, [contract("k", create(*charges, recurring=recurring))])


def billed(found: World) -> list[tuple[str, datetime, Decimal]]:
    return [(i.type.value, i.issued_at, dollars(i.total)) for i in found.account.finalized]


def test_s20_r155_r157_a_plan_sits_on_the_statement_before_it() -> None:
    found = world(recurring=(PLAN,))
    found.use("Calls", "2025-01-10", "120")
    found.use("Calls", "2025-02-10", "60")
    for day in ("2025-01-01", "2025-02-01", "2025-02-02", "2025-03-02"):
        found.finalize(day)

    assert billed(found) == [
        ("SCHEDULED", at("2025-01-01"), Decimal("75.00")),
        ("USAGE", at("2025-02-02"), Decimal("95.00")),
        ("USAGE", at("2025-03-02"), Decimal("75.00")),
    ]
    january = found.invoices()[0]
    assert [(line.type, dollars(line.total), line.commit_id is None) for line in january.lines] == [
        (LineType.USAGE, Decimal(100), False),
        (LineType.USAGE, Decimal(20), True),
        (LineType.APPLIED, Decimal(-100), False),
        (LineType.COMMIT_PURCHASE, Decimal(75), False),
    ]
    expired = [e for e in found.bill("2025-03-02").entries if e.type == "EXPIRATION"]
    assert [(e.timestamp, dollars(e.amount)) for e in expired] == [(at("2025-03-01"), -40)]


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2025-02-01T17:00:00", "USAGE"),
        ("2025-02-01", "USAGE"),
        ("2025-01-31", "SCHEDULED"),
        ("2025-02-02", "SCHEDULED"),
    ],
)
def test_r155_the_utc_day_of_the_statement_s_end_decides(day: str, kind: str) -> None:
    found = world(charge("fee", {day: "9"}))
    found.finalize("2025-02-02T01:00:00")
    assert {i.type.value: i.total for i in found.account.finalized if i.total} == {kind: cents("9")}


def test_r155_a_statement_that_is_final_takes_no_more_charges() -> None:
    found = world()
    found.finalize("2025-02-02")
    found.account = replace(found.account, contracts=(contract("k", create(FEE)),))
    found.finalize("2025-02-03")
    assert billed(found)[-1] == ("SCHEDULED", at("2025-02-01"), Decimal(9))


def test_r155_r283_a_void_statement_keeps_its_charges_to_itself() -> None:
    found = world(FEE)
    found.finalize("2025-02-02")
    (statement,) = found.account.finalized
    assert statement.payment_ids == {"fee@2025-02-01"}
    found.account = replace(found.account, finalized=(), voided=(statement,))
    drafts = found.bill("2025-02-03").invoices
    assert [(draft.start, draft.total) for draft in drafts] == [(at("2025-02-01"), 0)]


def test_r149_without_the_setting_charges_have_an_invoice_of_their_own() -> None:
    found = World(CATALOG, [contract("k", create(FEE, together=False))])
    found.finalize("2025-02-02")
    assert {(kind, total) for kind, _, total in billed(found)} == {("USAGE", 0), ("SCHEDULED", 9)}
