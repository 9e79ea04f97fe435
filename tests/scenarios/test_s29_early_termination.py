"""S29: a contract shortened: usage, segments, charges, generators, seats and true-ups (R117-R119)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.balances.test_recurring import recurring
from billing.subscriptions.build import seats
from billing.world import (
    EPOCH,
    at,
    charge,
    commit,
    dollars,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import ChangeEnd
from closedwon.billing.contracts.subscriptions import Collection, InvoiceBehavior
from closedwon.billing.contracts.terms import CommitKind
from closedwon.engine.command import Author
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.errors import Refused
from scenarios.stage import Stage, stage, usage_lines

D = Decimal


def signed(end: str | None = "2026-01-01", **terms: Any) -> Stage:
    version = ProductVersion(starting_at=EPOCH, name="Seat")
    seat = Product(id="p-Seat", type=ProductType.SUBSCRIPTION, versions=(version,))
    scene = stage(
        [usage_product("Calls"), seat],
        [metric("Calls")],
        [rate("Calls", "100"), rate("Seat", "3100", billing_frequency="MONTHLY")],
    )
    scene.sign("k", span("2025-01-01", end), signed="2025-01-01", **terms)
    return scene


def end(scene: Stage, when: str, known: str, **more: Any) -> None:
    scene.edit("k", ChangeEnd(ending_before=at(when), **more), known)


def test_s29_r117_the_rest_of_a_commit_expires_with_the_contract_and_nothing_is_refunded() -> None:
    """$200,000 for the year; 30,000 used in January; ended Mar 1: 170,000 expires Mar 1.

    The January purchase stays; breakage 170,000. Usage of Mar 1 itself is nobody's.
    """
    held = commit("held", ("200000", "2025-01-01", "2026-01-01"), payments={"2025-01-01": "200000"})
    scene = signed(commits=[held])
    scene.use("Calls", ("2025-01-10", "30000"), ("2025-03-01T00:00:00", "5"))
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-03-01", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-04-03")

    assert scene.ledger("held") == [
        ("SEGMENT_START", "2025-01-01", D(200000)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D(-30000)),
        ("EXPIRATION", "2025-03-01", D(-170000)),
    ]
    assert scene.billed() == [
        ("SCHEDULED", "2025-01-01", D(200000)),
        ("USAGE", "2025-02-02", D(0)),
        ("USAGE", "2025-03-02", D(0)),
    ]
    assert scene.books() == {
        LedgerAccount.RECEIVABLE: 20000000,
        LedgerAccount.REVENUE: -3000000,
        LedgerAccount.BREAKAGE: -17000000,
    }
    assert scene.net("2025-04-03") == 0


def test_s29_r117_r141_usage_stops_at_the_hour_and_the_last_invoice_waits_its_grace() -> None:
    """Ended Mar 10 12:00: 11:59:59 counts, 12:00:00 does not; final Mar 11 12:00."""
    scene = signed()
    scene.use("Calls", ("2025-03-10T11:59:59", "7"), ("2025-03-10T12:00:00", "9"))
    scene.live("2025-01-01", "2025-03-05", hours=24)
    end(scene, "2025-03-10T12:00:00", "2025-03-05T05:00:00")
    scene.live("2025-03-06", "2025-03-13", hours=12)
    last = scene.usage("2025-03-01")

    assert dollars(last.total) == 7
    assert (last.end, last.finalized_at) == (at("2025-03-10T12:00:00"), at("2025-03-11T12:00:00"))
    assert len(scene.invoices("USAGE")) == 3


@pytest.mark.parametrize(("ends", "kept"), [("2025-06-01", 2), ("2025-06-01T01:00:00", 3)])
def test_s29_r117_a_charge_on_the_new_end_is_removed_one_before_it_stays(
    ends: str, kept: int
) -> None:
    """Jan, Mar and Jun 1, Sep 1 at 10.00: ended Jun 1: two; ended Jun 1 01:00: three."""
    fee = charge(
        "fee", dict.fromkeys(("2025-01-01", "2025-03-01", "2025-06-01", "2025-09-01"), "10")
    )
    scene = signed(charges=[fee])
    scene.live("2025-01-01", "2025-04-01")
    end(scene, ends, "2025-04-01T05:00:00")
    scene.live("2025-04-02", "2025-09-05")

    assert [told[2] for told in scene.billed("SCHEDULED")] == [10] * kept


def test_s29_r117_future_segments_and_payments_never_happen() -> None:
    """Segments 100.00 for each half, paid on Jan 1 and Jul 1: ended May 1: only the first of each."""
    halves = (("100", "2025-01-01", "2025-07-01"), ("100", "2025-07-01", "2026-01-01"))
    held = commit("held", *halves, payments={"2025-01-01": "100", "2025-07-01": "100"})
    scene = signed(commits=[held])
    scene.use("Calls", ("2025-02-10", "60"))
    scene.live("2025-01-01", "2025-04-20")
    end(scene, "2025-05-01", "2025-04-20T05:00:00")
    scene.live("2025-04-21", "2025-08-05")

    assert scene.billed("SCHEDULED") == [("SCHEDULED", "2025-01-01", D(100))]
    by_day = [told for told in scene.ledger("held") if told[2]]
    assert by_day[:3] == [
        ("SEGMENT_START", "2025-01-01", D(100)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-03-01", D(-60)),
        ("EXPIRATION", "2025-05-01", D(-40)),
    ]
    assert sum(told[2] for told in by_day) == 0
    assert scene.net("2025-08-05") == 0


def test_s29_r117_r227_charges_generators_and_seats_all_at_once() -> None:
    """Ended Feb 15, known Feb 10: seats for two months, no refund, no March.

    10 seats at 31.00 in advance: 310.00 on Jan 1, 310.00 for February on January's usage invoice.
    Generator 20.00 on Jan 1 and Feb 1. The fee of Mar 1 is gone. February usage of 12.00 is covered by the running child of 30.00; 18.00 expire Feb 15.
    """
    scene = signed(
        subscriptions=[seats("2025-01-01", name="Seats")],
        recurring=[recurring(invoice="20", applicability=Applicability(product_ids=("p-Calls",)))],
        charges=[charge("fee", {"2025-02-01": "7", "2025-03-01": "7"})],
    )
    scene.use("Calls", ("2025-02-05", "12"), ("2025-02-15T00:00:00", "100"))
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-02-15", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-04-05")
    paid = [dollars(x.total) for i in scene.invoices() for x in i.lines if x.subscription_id]

    assert paid == [310, 310]
    assert scene.ledger(child_id("grant", at("2025-02-01"))) == [
        ("SEGMENT_START", "2025-02-01", D(30)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-15", D(-12)),
        ("EXPIRATION", "2025-02-15", D(-18)),
    ]
    # Jan 1: seats 310 + generator 20; Feb 1: generator 20 + fee 7
    assert [told[1:] for told in scene.billed("SCHEDULED")] == [
        ("2025-01-01", D(330)),
        ("2025-02-01", D(27)),
    ]
    assert scene.usage("2025-02-01").end == at("2025-02-15")
    assert scene.net("2025-04-05") == 0


def test_s29_r227_r219_seats_in_arrears_are_prorated_to_the_end() -> None:
    """2 seats at 31.00, arrears: January 62.00; Feb 1..15 = 14/28: 31.00 more."""
    late = seats(
        "2025-01-01",
        collection=Collection.ARREARS,
        invoice_behavior=InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
        initial_quantity=D(2),
    )
    scene = signed(subscriptions=[late])
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-02-15", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-03-05")

    assert sum(told[2] for told in scene.billed()) == 62 + 31
    assert [x[1:4] for x in usage_lines(scene.usage("2025-01-01")) if x[0] == "Seats"] == [
        (D(2), D(3100), D(62))
    ]


def test_s29_r117_r124_a_postpaid_shortfall_is_still_due_after_the_last_usage_invoice() -> None:
    """1,200.00 for 2025, 100.00 used in January; ended Mar 1: 1,100.00 shortfall, dated 2026-01-01."""
    post = commit(
        "post",
        ("1200", "2025-01-01", "2026-01-01"),
        kind=CommitKind.POSTPAID,
        payments={"2026-01-01": "1200"},
    )
    scene = signed(commits=[post])
    scene.use("Calls", ("2025-01-10", "100"))
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-03-01", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2026-01-05")

    assert sum(told[2] for told in scene.billed()) == 1200
    assert [amount for kind, _, amount in scene.ledger("post") if kind == "TRUEUP"] == [-1100]


def test_s29_r119_an_end_inside_a_final_period_needs_to_be_allowed() -> None:
    """January is final with 40.00 of Jan 25; ending Jan 20 is refused, and with the flag it stays."""
    scene = signed()
    scene.use("Calls", ("2025-01-25", "40"))
    scene.live("2025-01-01", "2025-02-10")
    with pytest.raises(Refused, match="R119"):
        end(scene, "2025-01-20", "2025-02-10T05:00:00")
    end(scene, "2025-01-20", "2025-02-10T05:00:00", allow_before_finalized=True)
    scene.live("2025-02-11", "2025-03-05")

    assert scene.billed() == [("USAGE", "2025-02-02", D(40))]
    scene.world.engine.void_invoice(scene.invoices()[0].id, at("2025-03-06"))
    again = scene.world.engine.regenerate_invoice(scene.invoices()[0].id, at("2025-03-06"))
    assert (again.end, again.total) == (at("2025-01-20"), 0)


def test_s29_r117_r118_shortened_and_then_extended_again_before_it_happened() -> None:
    """Ended Mar 1 by an edit of Feb 10, opened to Jun 1 on Feb 20: the commit still covers March.

    The charge of May 1 that the shortening removed does not come back (only the end moves).
    """
    held = commit("held", ("100", "2025-01-01", "2026-01-01"))
    scene = signed(commits=[held], charges=[charge("fee", {"2025-05-01": "10"})])
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-03-01", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-02-20")
    end(scene, "2025-06-01", "2025-02-20T05:00:00")
    scene.use("Calls", ("2025-03-10", "30"))
    scene.live("2025-02-21", "2025-06-05")

    assert scene.billed("SCHEDULED") == []
    assert scene.ledger("held")[1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-04-01", D(-30)),
        ("EXPIRATION", "2025-06-01", D(-70)),
    ]


def test_s29_r117_r109_a_balance_of_the_customer_outlives_the_contract() -> None:
    """A customer-level credit of 50.00 is untouched by the end; a second contract draws it."""
    scene = signed()
    own = commit("own", ("50", "2025-01-01", "2026-01-01"), kind=CommitKind.CREDIT, priority=D(1))
    scene.world.engine.balances.create("customer", own, Author(by="test", now=at("2025-01-01")))
    scene.live("2025-01-01", "2025-02-10")
    end(scene, "2025-03-01", "2025-02-10T05:00:00")
    scene.live("2025-02-11", "2025-04-02")
    scene.sign("next", span("2025-05-01", "2025-06-01"), signed="2025-04-20")
    scene.use("Calls", ("2025-05-10", "60"))
    scene.live("2025-05-01", "2025-06-03")

    assert dollars(scene.usage("2025-05-01").total) == 10
    assert scene.ledger("own")[1:] == [("AUTOMATED_INVOICE_DEDUCTION", "2025-06-01", D(-50))]
