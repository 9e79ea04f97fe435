"""Subscriptions in the engine: due, refused, edited, final, in the books (R216-R240)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.subscriptions.build import WHOLE_CENTS, credit, more, named, seat_update, seats
from billing.world import EPOCH, at, dollars, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.account import BillingSettings
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.edits import Added, ChangeEnd, Create, Revise
from closedwon.billing.contracts.recurring import (
    Allocation,
    RecurringAmount,
    RecurringCommit,
    SeatLink,
)
from closedwon.billing.contracts.subscriptions import SeatConfig, Subscription
from closedwon.billing.contracts.terms import CommitKind, StatementDay, StatementSchedule
from closedwon.billing.invoices.breakdown import WindowSize
from closedwon.billing.pricing import Flat
from closedwon.billing.subscriptions.edits import SubscriptionChange, updated
from closedwon.engine.command import Author
from closedwon.engine.due import next_due
from closedwon.engine.manual import Adjustment
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

SIGNED = at("2025-05-20")
OWN = credit(Allocation.INDIVIDUAL, "2500")
MONTHLY = StatementSchedule()
WEEKLY = StatementSchedule(frequency=Frequency.WEEKLY, day=StatementDay.CONTRACT_START)
ABC = named("a", "b", "c", unassigned=1)


def world(
    subscription: Subscription,
    *recurring: RecurringCommit,
    settings: BillingSettings | None = None,
    price: Flat | None = None,
    statement: StatementSchedule = MONTHLY,
    also: tuple[str, ...] = (),
) -> Setup:
    found = setup(settings=settings)
    version = ProductVersion(starting_at=EPOCH, name="Seat")
    seat = Product(id="p-Seat", type=ProductType.SUBSCRIPTION, versions=(version,))
    ai = usage("AI", "ai", presentation_group_key=("user_id",))
    seat_price = price or Flat(price=Decimal(2900))
    add_catalog(
        found.engine,
        [ai, seat, fixed_product("commit"), *(usage(name, "ai") for name in also)],
        [replace(metric(name), group_keys=(("user_id",),)) for name in ("AI", *also)],
        [
            *(rate(name, "1") for name in ("AI", *also)),
            rate("Seat", seat_price, billing_frequency="MONTHLY"),
        ],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-06-01"),
        rate_card_id="card",
        statement=statement,
        terms=Added(subscriptions=(subscription,), recurring=recurring),
    )
    found.engine.create_contract("c", create, by="test", now=SIGNED)
    return found


def use(found: Setup, *used: tuple[str, str, str]) -> None:
    found.usage.use(
        *(event("customer", "AI", at(when), value, user_id=who) for when, value, who in used)
    )


def through(found: Setup, until: str, since: str = "2025-06-01") -> None:
    """Finalize every six hours, as a daemon would."""
    now = at(since)
    while now <= at(until):
        report = found.engine.finalize(now)
        assert report.parked == 0, found.engine.problems()
        now += timedelta(hours=6)


def change(found: Setup, asked: SubscriptionChange, now: datetime) -> None:
    old = found.engine.contract("c").subscriptions[0]
    revise = Revise(replace=Added(subscriptions=(updated(old, asked, now),)))
    found.engine.edit_contract("c", revise, by="test", now=now)


def totals(found: Setup) -> list[tuple[str, str, Decimal]]:
    return sorted(
        (i.type.value, i.issued_at.strftime("%m-%d"), dollars(i.total))
        for i in found.engine.invoices("customer")
    )


def moves(found: Setup, month: str) -> list[tuple[str, Decimal]]:
    entries = found.engine.ledger(child_id("pool", at(month)))
    return [(entry.type.value, dollars(entry.amount)) for entry in entries]


def test_s4_r225_r229_seats_that_are_edited_as_the_month_goes() -> None:
    """The same month as S4, but each update is an edit of its own day."""
    found = world(seats(rounding=WHOLE_CENTS), credit(access_rounding=WHOLE_CENTS))
    use(found, ("2025-06-09", "10000", "a"), ("2025-06-25", "5840", "b"))

    through(found, "2025-06-11")
    rise = SubscriptionChange(quantity_updates=(more("2025-06-11", "5"),))
    change(found, rise, at("2025-06-11T03:00:00"))
    through(found, "2025-06-20", since="2025-06-11T04:00:00")
    fall = SubscriptionChange(quantity_updates=(more("2025-06-20", "-3"),))
    change(found, fall, at("2025-06-20T09:00:00"))
    through(found, "2025-07-03", since="2025-06-20T10:00:00")

    assert totals(found) == [
        ("SCHEDULED", "06-01", Decimal("290.00")),
        ("SCHEDULED", "06-11", Decimal("96.65")),
        ("USAGE", "07-02", Decimal("373.07")),
    ]
    assert moves(found, "2025-06-01") == [
        ("SEGMENT_START", Decimal("100.00")),
        ("SEAT_BASED_ADJUSTMENT", Decimal("33.33")),
        ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-133.33")),
    ]
    assert moves(found, "2025-07-01") == [("SEGMENT_START", Decimal("120.00"))]
    assert found.engine.findings() == ()


def test_r225_r229_late_edits_only_add_and_never_touch_what_is_final() -> None:
    """Dated to the first of June but recorded in mid-June; then a decrease, then July's."""
    found = world(seats(), credit())

    through(found, "2025-06-10")
    for day, delta in (("2025-06-10", "2"), ("2025-06-12", "-5"), ("2025-06-14", "2")):
        asked = SubscriptionChange(quantity_updates=(more("2025-06-01", delta),))
        change(found, asked, at(f"{day}T05:00:00"))
        through(found, f"{day}T18:00:00", since=f"{day}T06:00:00")
    through(found, "2025-07-03", since="2025-06-15")

    assert totals(found) == [
        ("SCHEDULED", "06-01", Decimal("58.00")),
        ("SCHEDULED", "06-01", Decimal("290.00")),
        ("USAGE", "07-02", Decimal("261.00")),
    ]
    assert moves(found, "2025-06-01") == [
        ("SEGMENT_START", Decimal("100.00")),
        ("SEAT_BASED_ADJUSTMENT", Decimal("20.00")),
        ("EXPIRATION", Decimal("-120.00")),
    ]
    assert found.engine.findings() == ()


def test_s5_r230_r235_named_seats_through_the_store() -> None:
    found = world(ABC, OWN, price=Flat(price=Decimal(4000)))
    use(found, ("2025-06-10", "3150", "a"), ("2025-06-12", "1000", "b"))
    use(found, ("2025-06-20", "1500", "d"))

    through(found, "2025-06-16")
    d_comes = SubscriptionChange(seat_updates=(seat_update("2025-06-16", add_seat_ids=("d",)),))
    change(found, d_comes, at("2025-06-16T01:00:00"))
    through(found, "2025-06-30", since="2025-06-16T02:00:00")
    held = found.engine.balances.seats("customer", at("2025-06-30"))
    through(found, "2025-07-03", since="2025-06-30T02:00:00")

    assert {one.seat_id: dollars(one.remaining) for one in held} == {
        "a": 0,
        "b": 15,
        "c": 25,
        "d": 0,
    }
    assert found.engine.balances.net("customer", at("2025-06-30")) == 0
    assert totals(found) == [
        ("SCHEDULED", "06-01", Decimal("160.00")),
        ("USAGE", "07-02", Decimal("169.00")),
    ]
    june = moves(found, "2025-06-01")
    assert june == [
        ("SEGMENT_START", Decimal("75.00")),
        ("SEAT_BASED_ADJUSTMENT", Decimal("12.50")),
        ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-47.50")),
        ("EXPIRATION", Decimal("-40.00")),
    ]
    assert sum(amount for _, amount in june) == 0


def test_r235_r287_r288_a_seat_named_late_in_an_edit_pays_and_is_told_from_then_on() -> None:
    found = world(ABC, OWN, price=Flat(price=Decimal(4000)))
    use(found, ("2025-06-05", "100", "e"), ("2025-06-20", "200", "e"), ("2025-06-10", "300", "a"))
    use(found, ("2025-06-16T09:00:00", "10", "a"), ("2025-06-16T13:00:00", "20", "e"))
    through(found, "2025-06-17")
    e_comes = seat_update("2025-06-16T12:00:00", add_seat_ids=("e",))
    change(found, SubscriptionChange(seat_updates=(e_comes,)), at("2025-06-17T01:00:00"))
    through(found, "2025-06-30", since="2025-06-17T02:00:00")
    held = found.engine.balances.seats("customer", at("2025-06-30"))
    through(found, "2025-07-03", since="2025-06-30T02:00:00")

    (june,) = [i for i in found.engine.invoices("customer") if i.type.value == "USAGE"]
    parts = [found.engine.breakdown(june, size) for size in WindowSize]
    spent = found.engine.spend_breakdown(june, ["user_id"])

    e = next(one for one in held if one.seat_id == "e")
    assert dollars(e.granted - e.remaining) == Decimal("2.20")
    assert dollars(june.total) == Decimal("161.00")
    assert [sum(part.total for part in each) for each in parts] == [june.total, june.total]
    assert {row.group["user_id"]: dollars(row.amount) for row in spent} == {
        "a": Decimal("3.10"),
        "e": Decimal("3.20"),
    }


def test_r238_r288_spend_by_seat_of_a_product_that_does_not_show_seats() -> None:
    e_comes = seat_update("2025-06-16T12:00:00", add_seat_ids=("e",))
    found = world(replace(ABC, seat_updates=(e_comes,)), OWN, also=("Batch",))
    for day, value, who in (("05", "100", "e"), ("20", "200", "e"), ("20", "10", "a")):
        found.usage.use(event("customer", "Batch", at(f"2025-06-{day}"), value, user_id=who))
    through(found, "2025-07-03")

    (june,) = [i for i in found.engine.invoices("customer") if i.type.value == "USAGE"]
    spent = found.engine.spend_breakdown(june, ["user_id"])

    assert [dollars(line.total) for line in june.lines if line.product_id == "p-Batch"] == [
        Decimal("3.10")
    ]
    assert {row.group["user_id"]: dollars(row.amount) for row in spent} == {
        "a": Decimal("0.10"),
        "e": Decimal("3.00"),
    }


def test_r198_r230_manual_entries_say_whose_credit_they_move() -> None:
    found = world(ABC, OWN)
    through(found, "2025-06-02")
    commit = found.engine.balances.find(child_id("pool", at("2025-06-01")), at("2025-06-02"))
    asked = Adjustment(
        commit_id=commit.id, segment_id=commit.segments[0].id, amount=Decimal(-500), reason="back"
    )
    author = Author(by="test", now=at("2025-06-02"))
    per_seat = {"a": Decimal(-700), "b": Decimal(200)}

    for wrong in ({}, {"a": Decimal(-400)}, {"a": Decimal(-2600), "b": Decimal(2100)}):
        with pytest.raises(Refused, match="R198"):
            found.engine.balances.adjust("customer", replace(asked, per_seat=wrong), author)
    found.engine.balances.adjust("customer", replace(asked, per_seat=per_seat), author)
    through(found, "2025-06-03", since="2025-06-02T01:00:00")

    held = found.engine.balances.seats("customer", at("2025-06-03"), ("a", "b"))
    assert [dollars(one.remaining) for one in held] == [18, 27]
    (manual,) = [e for e in found.engine.ledger(commit.id) if e.type == "MANUAL"]
    assert manual.per_seat == per_seat


def test_r219_r220_a_contract_is_looked_at_in_the_hour_of_every_charge() -> None:
    weekly = seats("2025-06-03T05:00:00", quantity_updates=(more("2025-06-11T07:00:00", "1"),))
    contract = world(weekly).engine.contract("c")

    assert next_due(contract, at("2025-06-01"), 24) == at("2025-06-03T05:00:00")
    assert next_due(contract, at("2025-06-03T05:00:00"), 24) == at("2025-06-11T07:00:00")
    assert next_due(contract, at("2025-06-11T07:00:00"), 24) == at("2025-07-01")


def test_r220_r240_a_seat_paid_in_part_by_a_balance_is_billed_once_and_booked() -> None:
    """Ten seats of which the pool pays $100.00: revenue in full, promotion for what was free."""
    found = world(seats(), credit(applicability=EVERYTHING))

    through(found, "2025-06-05")

    (first,) = found.engine.invoices("customer")
    assert [dollars(line.total) for line in first.lines] == [100, 190, -100]
    sums: dict[LedgerAccount, int] = {}
    for posting in found.engine.postings():
        sums[posting.account] = sums.get(posting.account, 0) + posting.minor
    assert sums == {
        LedgerAccount.RECEIVABLE: 19000,
        LedgerAccount.REVENUE: -29000,
        LedgerAccount.PROMOTION: 10000,
    }
    assert found.engine.findings() == ()


def test_r229_r353_a_paid_pool_that_grows_is_earned_to_the_cent() -> None:
    """$50.00 buy a pool of $100.00 and $33.33 more; when all is used or lapsed, all is earned."""
    paid = credit(
        kind=CommitKind.PREPAID,
        invoice=RecurringAmount(unit_price=Decimal(5000)),
        access_rounding=WHOLE_CENTS,
    )
    found = world(seats(quantity_updates=(more("2025-06-11", "5"),)), paid)
    use(found, ("2025-06-09", "6667", "a"))

    through(found, "2025-07-03")

    june = child_id("pool", at("2025-06-01"))
    earned = {
        account: sum(
            p.minor for p in found.engine.postings() if p.commit_id == june and p.account is account
        )
        for account in (LedgerAccount.DEFERRED, LedgerAccount.REVENUE, LedgerAccount.BREAKAGE)
    }
    assert earned == {
        LedgerAccount.DEFERRED: 0,
        LedgerAccount.REVENUE: -2500,
        LedgerAccount.BREAKAGE: -2500,
    }
    assert found.engine.findings() == ()


def test_r216_a_seat_line_is_explained_by_its_rate_and_the_edit_that_brought_it() -> None:
    found = world(seats(name=""))
    through(found, "2025-06-02")
    (invoice,) = found.engine.invoices("customer")

    causes = found.engine.explain(invoice.id, 1).causes

    assert [(cause.kind, cause.name) for cause in causes] == [
        ("rate", "Seat on Card"),
        ("subscription", "subscription"),
    ]
    assert causes[1].edit == found.engine.edits("c")[0]


@pytest.mark.parametrize("kind", ["SCHEDULED", "USAGE"])
def test_r196_r220_r283_r284_a_void_seat_invoice_waits_and_comes_back_as_it_was(kind: str) -> None:
    found = world(seats(), credit(applicability=EVERYTHING))
    through(found, "2025-07-02")
    old = next(i for i in found.engine.invoices("customer") if i.type == kind)

    found.engine.void_invoice(old.id, at("2025-07-03"))
    through(found, "2025-07-04", since="2025-07-03T01:00:00")
    waiting = [i for i in found.engine.invoices("customer") if i.status == "FINALIZED"]
    new_id = found.engine.regenerate_invoice(old.id, at("2025-07-05")).id
    through(found, "2025-07-06", since="2025-07-05T01:00:00")
    new = found.engine.invoice(new_id)

    assert len(waiting) == 1
    assert [(x.quantity, x.total, x.payment_id) for x in new.lines] == [
        (x.quantity, x.total, x.payment_id) for x in old.lines
    ]
    assert len([i for i in found.engine.invoices("customer") if i.status == "FINALIZED"]) == 2
    assert found.engine.findings() == ()


def test_r230_r239_counted_seats_get_names_and_then_credits_of_their_own() -> None:
    found = world(seats(initial_quantity=Decimal(3)))
    through(found, "2025-06-10")
    names = SubscriptionChange(
        seat_group_key="user_id",
        seat_updates=(seat_update("2025-06-16", add_seat_ids=("a", "b")),),
    )
    change(found, names, at("2025-06-10T03:00:00"))
    added = Revise(add=Added(recurring=(replace(OWN, window=span("2025-06-16")),)))
    found.engine.edit_contract("c", added, by="test", now=at("2025-06-10T04:00:00"))
    through(found, "2025-07-03", since="2025-06-10T05:00:00")

    held = found.engine.balances.seats("customer", at("2025-07-02"))
    assert [(one.seat_id, dollars(one.remaining)) for one in held] == [("a", 25), ("b", 25)]
    assert moves(found, "2025-06-16")[0] == ("SEGMENT_START", Decimal("25.00"))
    assert totals(found) == [
        ("SCHEDULED", "06-01", Decimal("87.00")),
        ("USAGE", "07-02", Decimal("87.00")),
    ]


def pool(**fields: object) -> RecurringCommit:
    return replace(OWN, **fields)


def individual(subscription_id: str = "seats") -> SeatLink:
    return SeatLink(
        subscription_id=subscription_id, allocation=Allocation.INDIVIDUAL, is_prorated=True
    )


@pytest.mark.parametrize(
    ("subscription", "recurring", "rule"),
    [
        (seats(product_id="p-None"), (), "R100"),
        (seats(product_id="p-AI"), (), "R100"),
        (seats(frequency=Frequency.ANNUAL), (), "R216"),
        (seats(quantity_updates=(more("2025-06-02", "-11"),)), (), "R224"),
        (seats(), (pool(seats=individual()),), "R230"),
        (ABC, (pool(seats=individual("others")),), "R229"),
        (ABC, (pool(applicability=Applicability(product_ids=("p-Seat",))),), "R238"),
        (named(*map(str, range(6))), (OWN,), "R237"),
    ],
)
def test_r216_r224_r229_r230_r237_r238_what_a_contract_cannot_have(
    subscription: Subscription, recurring: Iterable[RecurringCommit], rule: str
) -> None:
    with pytest.raises(Refused, match=rule):
        world(subscription, *recurring, settings=BillingSettings(max_individual_seats=5))


def test_r229_access_quantity_and_a_subscription_exclude_each_other() -> None:
    with pytest.raises(Refused, match="not both"):
        credit(access=RecurringAmount(unit_price=Decimal(1), quantity=Decimal(2)))


@pytest.mark.parametrize(
    "fields",
    [
        {"window": span("2025-06-02")},
        {"is_prorated": False},
        {"initial_quantity": Decimal(9)},
        {"quantity_updates": (more("2025-06-05", "2"),)},
        {"quantity_updates": ()},
    ],
)
def test_r224_an_edit_keeps_what_was_agreed_and_every_update(fields: dict[str, object]) -> None:
    found = world(seats(quantity_updates=(more("2025-06-05", "1"),)))
    new = replace(found.engine.contract("c").subscriptions[0], **fields)

    with pytest.raises(Refused, match="R224"):
        found.engine.edit_contract(
            "c", Revise(replace=Added(subscriptions=(new,))), by="test", now=SIGNED
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"seat_updates": ()},
        {"seats": SeatConfig(seat_group_key="team", initial_seat_ids=("a", "b", "c"))},
    ],
)
def test_r232_an_edit_keeps_named_seats_and_their_key(fields: dict[str, object]) -> None:
    found = world(replace(ABC, seat_updates=(seat_update("2025-06-16", add_seat_ids=("d",)),)))
    new = replace(found.engine.contract("c").subscriptions[0], **fields)
    counted = world(seats()).engine.contract("c").subscriptions[0]
    assert counted.seats is None

    with pytest.raises(Refused, match="R239"):
        found.engine.edit_contract(
            "c", Revise(replace=Added(subscriptions=(new,))), by="test", now=SIGNED
        )


def test_r239_counted_seats_get_names_by_a_switch_only() -> None:
    found = world(seats(initial_quantity=Decimal(0)))

    with pytest.raises(Refused, match="quantity_management_mode"):
        found.engine.edit_contract(
            "c", Revise(replace=Added(subscriptions=(ABC,))), by="test", now=SIGNED
        )


def test_r198_what_finalized_invoices_drew_of_a_seat_cannot_be_taken_by_hand() -> None:
    """A weekly statement is final while the month's credit still runs."""
    found = world(ABC, replace(OWN, frequency=Frequency.MONTHLY), statement=WEEKLY)
    use(found, ("2025-06-03", "2000", "a"))
    through(found, "2025-06-10")
    commit = found.engine.balances.find(child_id("pool", at("2025-06-01")), at("2025-06-10"))
    asked = Adjustment(
        commit_id=commit.id,
        segment_id=commit.segments[0].id,
        amount=Decimal(-600),
        reason="back",
        per_seat={"a": Decimal(-600)},
    )
    author = Author(by="test", now=at("2025-06-10"))

    with pytest.raises(Refused, match="seat holds less"):
        found.engine.balances.adjust("customer", asked, author)
    less = replace(asked, amount=Decimal(-300), per_seat={"a": Decimal(-300)})
    found.engine.balances.adjust("customer", less, author)
    with pytest.raises(Refused, match="seat holds less"):
        found.engine.balances.adjust("customer", less, author)


def test_r198_only_seats_own_credits_are_told_by_seat() -> None:
    found = world(seats(), credit())
    through(found, "2025-06-02")
    commit = found.engine.balances.find(child_id("pool", at("2025-06-01")), at("2025-06-02"))
    asked = Adjustment(
        commit_id=commit.id,
        segment_id=commit.segments[0].id,
        amount=Decimal(-1),
        reason="back",
        per_seat={"a": Decimal(-1)},
    )

    with pytest.raises(Refused, match="only INDIVIDUAL"):
        found.engine.balances.adjust("customer", asked, Author(by="test", now=at("2025-06-02")))


def test_r227_a_subscription_is_ended_and_not_removed() -> None:
    found = world(seats())

    with pytest.raises(Refused, match="R227"):
        found.engine.edit_contract("c", Revise(remove_ids=("seats",)), by="test", now=SIGNED)


def test_r237_the_limit_holds_for_seats_an_edit_adds() -> None:
    found = world(ABC, OWN, settings=BillingSettings(max_individual_seats=4))
    two = SubscriptionChange(seat_updates=(seat_update("2025-06-16", add_seat_ids=("d", "e")),))

    with pytest.raises(Refused, match="R237"):
        change(found, two, at("2025-06-02"))


@pytest.mark.parametrize("starting_at", ["2025-06-05", "2025-06-15"])
@pytest.mark.parametrize(
    ("asked", "closed"),
    [
        (ChangeEnd(ending_before=at("2025-06-11")), "2025-06-14"),
        (Revise(archive_ids=(child_id("pool", at("2025-06-01")),)), "2025-07-03"),
    ],
)
def test_r117_r205_r229_seats_recorded_after_a_balance_closed_grant_nothing(
    asked: ChangeEnd | Revise, closed: str, starting_at: str
) -> None:
    """What expired with the contract, or by itself, stays as it is; nobody is parked."""
    found = world(seats(), credit())
    through(found, "2025-06-09")
    found.engine.edit_contract("c", asked, by="test", now=at("2025-06-10"))
    through(found, closed, "2025-06-10")
    before = moves(found, "2025-06-01")

    change(found, SubscriptionChange(quantity_updates=(more(starting_at, "4"),)), at(closed))
    through(found, "2025-07-10", closed)

    assert before == [("SEGMENT_START", 100), ("EXPIRATION", -100)]
    assert moves(found, "2025-06-01") == before


@pytest.mark.parametrize("is_prorated", [True, False])
def test_r283_r284_charges_of_one_period_are_made_anew_in_any_order(*, is_prorated: bool) -> None:
    """The increase is void too when the start of the period is billed anew; neither is lost."""
    found = world(seats(is_prorated=is_prorated))
    through(found, "2025-06-02")
    change(found, SubscriptionChange(quantity_updates=(more("2025-06-10", "2"),)), at("2025-06-10"))
    through(found, "2025-06-11", "2025-06-10")
    before = totals(found)
    old = [invoice.id for invoice in found.engine.invoices("customer")]
    for invoice_id in old:
        found.engine.void_invoice(invoice_id, at("2025-06-12"))

    anew = []
    for day, invoice_id in enumerate(old, start=13):
        anew.append(found.engine.regenerate_invoice(invoice_id, at(f"2025-06-{day}")))
        through(found, f"2025-06-{day}T12", f"2025-06-{day}")

    assert [dollars(invoice.total) for invoice in anew] == [total for _, _, total in before]
    assert len(found.engine.invoices("customer")) == 2 * len(before)
