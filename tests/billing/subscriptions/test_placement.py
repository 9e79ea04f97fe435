"""Which price and which invoice a subscription charge gets (R85, R90, R216-R220, R228, R240)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.subscriptions.build import credit, more, named, seat_update, seats
from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
    charge,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.bill import Bill
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion, Rate
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite
from closedwon.billing.contracts.recurring import Allocation
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    Placement,
    Subscription,
)
from closedwon.billing.contracts.terms import StatementSchedule
from closedwon.billing.invoices.types import LineType
from closedwon.billing.pricing import Flat
from closedwon.engine.conservation import check_balances, check_invoice
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

IN_ARREARS = {
    "collection": Collection.ARREARS,
    "invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
}
MONTHLY = rate("Seat", "2900", billing_frequency="MONTHLY")


def world(
    *subscriptions: Subscription,
    rates: tuple[Rate, ...] = (MONTHLY,),
    statement: Frequency = Frequency.MONTHLY,
    end: str | None = None,
    **terms: object,
) -> World:
    version = ProductVersion(starting_at=EPOCH, name="Seat")
    seat = Product(id="p-Seat", type=ProductType.SUBSCRIPTION, versions=(version,))
    ai = usage_product("AI", "ai", presentation_group_key=("user_id",))
    products = [ai, seat, fixed_product("commit"), fixed_product("fee")]
    found = catalog(products, [metric("AI")], [rate("AI", "1"), *rates])
    create = Create(
        customer_id="customer",
        term=span("2025-06-01", end),
        rate_card_id="card",
        statement=StatementSchedule(frequency=statement),
        terms=Added(subscriptions=subscriptions, **terms),  # type: ignore[arg-type]
    )
    return World(found, [contract("c", create)])


def override(start: str, end: str | None = None, **fields: object) -> Override:
    specifier = Specifier(product_id="p-Seat", billing_frequency="MONTHLY")
    return Override(
        id=f"{start}{fields}",
        window=span(start, end),
        applicability=Applicability(specifiers=(specifier,)),
        **fields,  # type: ignore[arg-type]
    )


def seat_lines(found: World) -> list[tuple[str, str, str, Decimal]]:
    """Type of invoice, its date, start of service, dollars; in order of service."""
    rows = [
        (i.type.value, f"{i.end or i.issued_at:%m-%d}", f"{x.starting_at:%m-%d}", dollars(x.total))
        for i in found.account.finalized
        for x in i.lines
        if x.type is LineType.SUBSCRIPTION
    ]
    return sorted(rows, key=lambda row: (row[2], row[1]))


def test_r216_r220_the_first_charge_stands_alone_and_the_next_ones_join_usage() -> None:
    found = world(seats())

    found.finalize("2025-08-02")

    assert seat_lines(found) == [
        ("SCHEDULED", "06-01", "06-01", Decimal("290.00")),
        ("USAGE", "07-01", "07-01", Decimal("290.00")),
        ("USAGE", "08-01", "08-01", Decimal("290.00")),
    ]


def test_r220_on_scheduled_invoices_every_charge_stands_alone() -> None:
    found = world(
        seats(placement=Placement.ON_SCHEDULED_INVOICE, quantity_updates=(more("2025-06-16", "2"),))
    )

    found.finalize("2025-07-01")

    assert [row[:3] for row in seat_lines(found)] == [
        ("SCHEDULED", "06-01", "06-01"),
        ("SCHEDULED", "06-16", "06-16"),
        ("SCHEDULED", "07-01", "07-01"),
    ]


def test_r220_without_a_statement_that_ends_then_a_charge_is_scheduled() -> None:
    found = world(seats(), statement=Frequency.QUARTERLY)

    found.finalize("2025-09-02")

    assert [row[:3] for row in seat_lines(found)] == [
        ("SCHEDULED", "06-01", "06-01"),
        ("SCHEDULED", "07-01", "07-01"),
        ("SCHEDULED", "08-01", "08-01"),
        ("USAGE", "09-01", "09-01"),
    ]


def test_r149_r220_seats_share_the_scheduled_invoice_of_their_date() -> None:
    paid = commit("C", ("10", "2025-06-01", "2026-06-01"), payments={"2025-06-01": "10"})
    found = world(seats(), commits=(paid,), charges=(charge("fee", {"2025-06-01": "5"}),))

    found.finalize("2025-06-01")

    (first,) = found.invoices("SCHEDULED")
    kinds = [line.type for line in first.lines]
    assert (first.total, kinds[:2]) == (
        Decimal(29500),
        [LineType.COMMIT_PURCHASE, LineType.SCHEDULED],
    )


def test_r219_r220_arrears_is_on_the_statement_that_ends_with_it() -> None:
    found = world(
        seats(**IN_ARREARS, quantity_updates=(more("2025-06-16", "2"),)), end="2025-07-11"
    )

    found.finalize("2025-07-12")

    assert seat_lines(found) == [
        ("USAGE", "07-01", "06-01", Decimal("290.00")),
        ("USAGE", "07-01", "06-16", Decimal("29.00")),
        ("USAGE", "07-11", "07-01", Decimal("112.26")),
    ]


def test_r85_r216_a_rate_that_is_not_entitled_charges_nothing_until_an_override_allows_it() -> None:
    off = rate("Seat", "2900", billing_frequency="MONTHLY", entitled=False)
    found = world(seats(), rates=(off,), overrides=(override("2025-07-01", entitled=True),))

    found.finalize("2025-08-02")

    assert [row[2] for row in seat_lines(found)] == ["07-01", "08-01"]


def test_r90_r218_an_override_of_the_frequency_counts_from_the_next_period() -> None:
    half = override("2025-06-15", rate=Multiplier(multiplier=Decimal("0.5")))
    found = world(seats(), overrides=(half,))

    found.finalize("2025-07-02")
    line = next(x for x in found.invoices()[0].lines if x.type is LineType.SUBSCRIPTION)

    assert [row[3] for row in seat_lines(found)] == [Decimal("290.00"), Decimal("145.00")]
    assert (line.unit_price, line.list_price) == (1450, 2900)
    assert line.why.override_id == half.id


def test_r218_a_new_rate_counts_from_the_next_period() -> None:
    rates = (
        rate("Seat", "1000", span("2020-01-01"), billing_frequency="MONTHLY"),
        rate("Seat", "1200", span("2025-06-15"), billing_frequency="MONTHLY", id="later"),
        rate("Seat", "9900", billing_frequency="ANNUAL"),
    )
    found = world(seats(), rates=rates)

    found.finalize("2025-07-02")

    assert [row[3] for row in seat_lines(found)] == [Decimal("100.00"), Decimal("120.00")]


def test_r228_a_trial_is_free_for_its_period() -> None:
    free = override("2025-06-01", "2025-07-01", rate=Overwrite(price=Flat(price=Decimal(0))))
    found = world(seats(), overrides=(free,))

    found.finalize("2025-07-02")

    assert [row[3] for row in seat_lines(found)] == [Decimal("0.00"), Decimal("290.00")]


def test_r176_r240_balances_pay_usage_before_seats() -> None:
    pool = commit("C", ("100", "2025-06-01", "2026-06-01"))
    found = world(seats("2025-06-01", **IN_ARREARS), commits=(pool,))
    found.use("AI", "2025-06-10", "7000", user_id="a")

    found.finalize("2025-07-02")

    (june,) = found.invoices()
    paid = [(x.type, dollars(x.total)) for x in june.lines if x.commit_id and x.total > 0]
    assert paid == [(LineType.USAGE, Decimal("70.00")), (LineType.SUBSCRIPTION, Decimal("30.00"))]


def test_r216_a_product_that_is_not_in_the_catalogue_charges_nothing() -> None:
    found = world(seats(product_id="p-Gone"), seats(id="known"))

    found.finalize("2025-06-02")

    assert [row[2] for row in seat_lines(found)] == ["06-01"]


def test_r138_a_rate_in_another_unit_than_the_card_s_is_refused() -> None:
    found = world(
        seats(), rates=(rate("Seat", "1", billing_frequency="MONTHLY", credit_type_id="u"),)
    )

    with pytest.raises(Refused, match="currency"):
        found.bill("2025-06-02")


def test_r137_charges_before_invoices_are_generated_were_billed_elsewhere() -> None:
    found = world(seats())
    older = found.account.contracts[0]
    statement = StatementSchedule(invoice_generation_starting_at=at("2025-07-01"))
    create = Create(
        customer_id="customer",
        term=older.term,
        rate_card_id="card",
        statement=statement,
        terms=Added(subscriptions=older.subscriptions),
    )
    found.account = World(found.catalog, [contract("c", create)]).account

    found.finalize("2025-08-02")

    assert [row[:3] for row in seat_lines(found)] == [
        ("SCHEDULED", "07-01", "07-01"),
        ("USAGE", "08-01", "08-01"),
    ]


def test_r240_a_late_charge_does_not_reopen_a_balance_that_has_lapsed() -> None:
    """$210.00 of June's pool expired on 07-02; five seats of June are told in August."""
    pool = credit(cents="5000", applicability=EVERYTHING)
    found = world(seats(placement=Placement.ON_SCHEDULED_INVOICE), recurring=(pool,))
    for day in ("2025-06-02", "2025-07-02", "2025-08-02"):
        before = found.finalize(day)
    late = (more("2025-06-01", "5", recorded="2025-08-03"),)
    again = world(
        seats(placement=Placement.ON_SCHEDULED_INVOICE, quantity_updates=late), recurring=(pool,)
    )
    again.account = World(
        again.catalog, again.account.contracts, finalized=found.account.finalized
    ).account

    after = again.bill("2025-08-04")

    due = [i for i in after.invoices if i.issued_at == at("2025-06-01")]
    assert [dollars(i.total) for i in due] == [Decimal("145.00")]
    known = {entry.id: entry for entry in after.entries}
    assert all(known.get(entry.id) == entry for entry in before.entries)


days = st.integers(1, 75)


@st.composite
def histories(draw: st.DrawFn) -> World:
    changed = draw(st.lists(st.tuples(days, st.integers(-2, 4)), max_size=4))
    fields: dict[str, object] = {
        "is_prorated": draw(st.booleans()),
        "placement": draw(st.sampled_from(Placement)),
        **draw(
            st.sampled_from(
                (
                    {},
                    IN_ARREARS,
                    {"invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE},
                )
            )
        ),
    }
    individual = draw(st.booleans())
    if individual:
        updates = tuple(
            seat_update(_day(day), add_seat_ids=(f"s{n}",), remove_unassigned=max(-delta, 0))
            for n, (day, delta) in enumerate(changed)
        )
        subscription = named("a", "b", unassigned=3, seat_updates=updates, **fields)
    else:
        counted = tuple(more(_day(day), str(delta)) for day, delta in changed)
        subscription = seats(quantity_updates=counted, **fields)
    pool = credit(
        Allocation.INDIVIDUAL if individual else Allocation.POOLED,
        applicability=draw(st.sampled_from((EVERYTHING, Applicability(product_tags=("ai",))))),
        frequency=draw(st.sampled_from((None, Frequency.WEEKLY, Frequency.QUARTERLY))),
    )
    found = world(subscription, recurring=(pool,), end=draw(st.sampled_from((None, "2025-08-11"))))
    for when, value, who in draw(
        st.lists(st.tuples(days, st.integers(1, 4000), st.sampled_from("abs")))
    ):
        found.use("AI", _day(when), str(value), user_id=who)
    return found


def _day(number: int) -> str:
    month, day = divmod(number - 1, 30)
    return f"2025-{6 + month:02}-{day + 1:02}"


@given(found=histories(), stops=st.lists(st.integers(1, 90), max_size=6))
@settings(max_examples=60, deadline=None)
def test_r12_r14_r220_law_once_or_often_gives_the_same_invoices_and_ledger(
    found: World, stops: list[int]
) -> None:
    often = World(found.catalog, found.account.contracts)
    often.events = found.events
    for stop in sorted(stops):
        _checked(often.finalize(_day(stop)))
    last = _checked(often.finalize("2025-10-02"))
    once = _checked(found.finalize("2025-10-02"))

    assert _told(often) == _told(found)
    assert last.entries == once.entries
    sums: dict[str, Decimal] = {}
    for entry in once.entries:
        sums[entry.segment_id] = sums.get(entry.segment_id, Decimal(0)) + entry.amount
    settled = [balance.segment_id for balance in once.balances if balance.is_settled]
    assert all(round(sums.get(segment, Decimal(0)), 20) == 0 for segment in settled)


def _checked(bill: Bill) -> Bill:
    check_balances(bill)
    for invoice in bill.invoices:
        check_invoice(invoice)
    return bill


def _told(found: World) -> list[tuple[object, ...]]:
    return sorted(
        (i.id, i.issued_at, i.total, tuple((x.name, x.quantity, x.total) for x in i.lines))
        for i in found.account.finalized
    )


@pytest.mark.parametrize("collection", [{}, IN_ARREARS])
def test_r217_law_the_parts_of_a_period_add_up_to_it(collection: dict[str, object]) -> None:
    """Ten seats for half a month and ten others for the other half cost ten for a month."""
    halves = (
        seats("2025-06-01", "2025-06-16", id="first", **collection),
        seats("2025-06-16", "2025-07-01", id="second", **collection),
    )
    found = world(*halves)

    found.finalize("2025-07-02")

    assert sum(row[3] for row in seat_lines(found)) == Decimal("290.00")
