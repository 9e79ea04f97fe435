"""Scheduled invoices: what shares one, what is taken off, what needs none (R148-R160)."""

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
    commit,
    contract,
    fixed_product,
    items,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.terms import CommitKind, ScheduledCharge
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.kernel.errors import Refused

CATALOG = catalog(
    [usage_product("Calls"), fixed_product("commit"), fixed_product("fee")],
    [metric("Calls")],
    [rate("Calls", "100")],
)
EUR = "f9a0a3b0-0000-5000-8000-000000000001"


def world(terms: Added, start: str = "2024-11-01") -> World:
    create = Create(customer_id="customer", term=span(start), rate_card_id="card", terms=terms)
    return World(CATALOG, [contract("k", create)])


def scheduled(found: World, now: str) -> list[Invoice]:
    return [i for i in found.bill(now).invoices if i.type == "SCHEDULED"]


def off(amount: str, day: str) -> Discount:
    return Discount(id="off", product_id="p-fee", name="Launch", items=items("off", {day: amount}))


def test_s2_r149_a_commit_and_a_fee_of_one_day_share_an_invoice() -> None:
    terms = Added(
        commits=(
            commit("c", ("10000", "2024-11-01", "2025-11-01"), payments={"2024-11-01": "10000"}),
        ),
        charges=(charge("fee", {"2024-11-01": "1000", "2025-02-01": "1000"}),),
    )
    first, second = scheduled(world(terms), "2024-10-20")
    assert (first.issued_at, first.total, len(first.lines)) == (at("2024-11-01"), cents("11000"), 2)
    assert [line.type for line in first.lines] == [LineType.COMMIT_PURCHASE, LineType.SCHEDULED]
    assert (second.issued_at, second.total) == (at("2025-02-01"), cents("1000"))
    assert {(line.unit_price, line.quantity) for line in second.lines} == {(cents("1000"), 1)}


def test_r148_charges_of_other_units_or_instants_have_invoices_of_their_own() -> None:
    fee = charge("fee", {"2024-11-01": "1"})
    euros = replace(fee, id="euros", items=items("euros", {"2024-11-01": "2"}), credit_type_id=EUR)
    later = replace(fee, id="later", items=items("later", {"2024-11-01T01:00:00": "3"}))
    found = scheduled(world(Added(charges=(fee, euros, later))), "2024-10-20")
    assert sorted((i.credit_type_id == EUR, i.total) for i in found) == [
        (False, cents("1")),
        (False, cents("3")),
        (True, cents("2")),
    ]


def test_r151_an_invoice_of_the_past_is_due_at_once_and_one_of_the_future_on_its_day() -> None:
    fee = charge("fee", {"2024-11-05": "1", "2024-12-05": "2"})
    found = world(Added(charges=(fee,)))
    found.finalize("2024-11-20")
    assert [i.total for i in found.invoices("SCHEDULED")] == [cents("1")]
    found.finalize("2024-12-04T23:00:00")
    assert len(found.invoices("SCHEDULED")) == 1
    found.finalize("2024-12-05")
    assert [i.issued_at for i in found.invoices("SCHEDULED")] == [
        at("2024-11-05"),
        at("2024-12-05"),
    ]


def test_r150_what_is_added_to_an_invoiced_day_gets_another_invoice_at_once() -> None:
    fee = charge("fee", {"2024-11-05": "1"})
    found = world(Added(charges=(fee,)))
    found.finalize("2024-11-20")
    more = replace(fee, id="more", items=items("more", {"2024-11-05": "3"}))
    signed = found.account.contracts[0]
    found.account = replace(found.account, contracts=(replace(signed, charges=(fee, more)),))
    found.finalize("2024-11-21")
    first, second = found.invoices("SCHEDULED")
    assert (first.total, second.total) == (cents("1"), cents("3"))
    assert first.id != second.id


def test_r154_what_is_not_to_be_invoiced_is_not_but_counts_as_paid() -> None:
    silent = commit(
        "c",
        ("100", "2024-11-01", "2025-11-01"),
        payments={"2024-11-01": "80"},
        do_not_invoice=True,
    )
    assert scheduled(world(Added(commits=(silent,))), "2025-01-01") == []
    assert silent.cost_total == cents("80")


def test_r156_r157_balances_never_pay_charges_whose_price_is_on_the_contract() -> None:
    terms = Added(
        commits=(commit("free", ("500", "2024-11-01", "2025-11-01"), kind=CommitKind.CREDIT),),
        charges=(charge("fee", {"2024-11-05": "7"}),),
    )
    found = world(terms)
    bill = found.bill("2024-11-10")
    (fee,) = [i for i in bill.invoices if i.type == "SCHEDULED"]
    assert (fee.total, bill.balances[0].remaining) == (cents("7"), cents("500"))
    assert "p-fee" not in CATALOG.rate_cards["card"].by_product


@pytest.mark.parametrize(("amount", "total"), [("4", "6"), ("10", "0"), ("25", "-15")])
def test_r158_r136_a_discount_is_a_negative_line_and_may_turn_the_invoice(
    amount: str, total: str
) -> None:
    terms = Added(
        charges=(charge("fee", {"2024-11-05": "10"}),), discounts=(off(amount, "2024-11-05"),)
    )
    (found,) = scheduled(world(terms), "2024-10-20")
    line = found.lines[-1]
    assert found.total == cents(total)
    assert (line.discount_id, line.type, line.total) == ("off", "scheduled", -cents(amount))
    assert line.unit_price is not None
    assert line.unit_price * Decimal(1) == line.total


def test_r158_a_discount_is_given_as_a_positive_amount() -> None:
    with pytest.raises(Refused, match="R158"):
        off("-1", "2024-11-05")


def test_r160_an_archived_charge_keeps_what_was_due_and_loses_the_rest() -> None:
    fee = charge("fee", {"2024-11-05": "1", "2024-12-05": "2"})
    gone: ScheduledCharge = replace(fee, archived_at=at("2024-11-30"))
    found = scheduled(world(Added(charges=(gone,))), "2024-11-30")
    assert [i.total for i in found] == [cents("1")]
    assert found[0].issued_at > EPOCH
