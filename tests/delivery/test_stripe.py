"""Stripe: to the cent, never twice, what can never work is refused (R292, R294, R299)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Line
from closedwon.delivery import ExternalStatus, Outcome, Verdict
from closedwon.delivery.provider import Delivery
from closedwon.delivery.providers import Stripe
from closedwon.delivery.stripe_lines import LINES_MAX, STATUS_OF_EVENT, is_too_small, stripe_lines
from closedwon.kernel.exact import Money
from closedwon.transport import open_client
from delivery.fake_stripe import FakeStripe, cents_of
from delivery.invoices import covered, issued, purchase, usage

CONFIGURATION = {"stripe_customer_id": "cus_1"}


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with respx.mock as router:
        yield FakeStripe(router)


def stripe(**more: object) -> Stripe:
    return Stripe(api_key="sk_canary", client=open_client(), **more)  # type: ignore[arg-type]


def delivery(lines: Sequence[Line], **more: object) -> Delivery:
    fields: dict[str, object] = {"key": "key-1", "configuration": CONFIGURATION}
    invoice = {
        name: more.pop(name) for name in list(more) if name not in Delivery.__struct_fields__
    }
    return Delivery(issued=issued(lines, **invoice), **{**fields, **more})  # type: ignore[arg-type]


THREE = (*covered("324100"), usage("100900", quantity=Decimal(2), unit_price=Decimal(50450)))


def test_r292_an_invoice_becomes_a_draft_its_items_and_final(fake: FakeStripe) -> None:
    outcome = stripe().deliver(delivery(THREE, net_payment_terms_days=15))

    assert outcome == Outcome(
        verdict=Verdict.DONE, external_status=ExternalStatus.FINALIZED, external_id="in_1"
    )
    (invoice,) = fake.invoices
    assert invoice["customer"] == "cus_1"
    assert invoice["currency"] == "usd"
    assert invoice["metadata"]["closedwon_invoice_id"] == "inv-1"
    assert invoice["pending_invoice_items_behavior"] == "exclude"
    assert "days_until_due" not in invoice
    assert [item["description"] for item in fake.items] == [
        "Storage",
        "Enterprise Commit applied",
        "Storage",
    ]
    assert fake.items[2]["quantity"] == "2"
    assert fake.items[2]["unit_amount_decimal"] == "50450"
    assert (fake.items[2]["period[start]"], fake.items[2]["period[end]"]) == (
        "1704067200",
        "1706745600",
    )
    assert fake.total("in_1") == 100900
    assert [key.split("-")[-1] for key in fake.keys] == ["invoice", "1", "2", "3", "finalize"]


def test_r294_send_invoice_has_a_due_date(fake: FakeStripe) -> None:
    configuration = {**CONFIGURATION, "stripe_collection_method": "send_invoice"}
    stripe().deliver(delivery([purchase("5000")], configuration=configuration))
    terms = delivery(
        [purchase("5000")], configuration=configuration, net_payment_terms_days=15, key="k2", id="b"
    )
    stripe().deliver(terms)
    assert [one["days_until_due"] for one in fake.invoices] == ["30", "15"]


def test_r294_left_as_a_draft_there_is_no_status(fake: FakeStripe) -> None:
    outcome = stripe(leaves_drafts=True).deliver(delivery(THREE))
    assert (outcome.verdict, outcome.external_status) == (Verdict.DONE, None)
    assert fake.invoices[0]["status"] == "draft"
    assert ("POST", "invoices/in_1/finalize") not in fake.calls


@pytest.mark.parametrize(
    ("total", "kind", "skipped"),
    [
        ("0", "", True),
        ("49", "", True),
        ("49.5", "", False),
        ("-4900", "", False),
        ("0.001", "eur", True),
        ("0.01", "eur", False),
    ],
)
def test_r292_nothing_to_pay_and_less_than_the_minimum_are_skipped(
    fake: FakeStripe, total: str, kind: str, *, skipped: bool
) -> None:
    more = {"credit_type_id": kind} if kind else {}
    one = delivery([usage(total, **more)], **more)
    outcome = stripe().deliver(one)
    assert (
        (outcome.external_status is ExternalStatus.SKIPPED) == skipped == is_too_small(one.issued)
    )
    assert outcome.verdict is Verdict.DONE
    assert bool(fake.calls) != skipped
    if skipped:
        assert stripe(skips_small=False).deliver(one).external_id == "in_1"


@pytest.mark.parametrize(("total", "fails"), [("99999999", False), ("100000000", True)])
def test_r292_more_than_999_999_99_fails(fake: FakeStripe, total: str, *, fails: bool) -> None:
    outcome = stripe().deliver(delivery([usage(total)]))
    assert (outcome.verdict is Verdict.REFUSED) == fails
    if fails:
        assert outcome.external_status is ExternalStatus.INVALID_REQUEST_ERROR
        assert "999,999.99" in outcome.error
        assert fake.calls == []


def test_r294_one_fractional_quantity_turns_every_line_into_quantity_one() -> None:
    lines = [
        usage("200", quantity=Decimal(2), unit_price=Decimal(100)),
        usage("250", quantity=Decimal("2.5"), unit_price=Decimal(100)),
    ]
    first, second = stripe_lines(issued(lines))
    assert (first.text, first.quantity, first.unit_amount, first.amount) == (
        "Storage (2)",
        1,
        "",
        200,
    )
    assert (second.text, second.amount) == ("Storage (2.5)", 250)
    whole = stripe_lines(issued(lines[:1]))
    assert (whole[0].quantity, whole[0].unit_amount) == (2, "100")


@pytest.mark.parametrize(("count", "sent"), [(LINES_MAX, LINES_MAX), (LINES_MAX + 1, 1)])
def test_r294_more_than_250_lines_become_one_with_the_total(count: int, sent: int) -> None:
    found = stripe_lines(issued([usage("10.5") for _ in range(count)]))
    assert len(found) == sent
    assert sum(line.amount for line in found) == Money.rounded(Decimal("10.5") * count, "USD").minor


def test_r133_a_postpaid_application_is_not_sent_to_stripe() -> None:
    found = stripe_lines(issued(covered("5000", CommitKind.POSTPAID)))
    assert [line.amount for line in found] == [5000]


price = st.decimals(min_value=-(10**6), max_value=10**6, places=14, allow_nan=False)


@settings(max_examples=60)
@given(
    parts=st.lists(st.tuples(st.integers(1, 500), price), min_size=1, max_size=6),
    kind=st.sampled_from([None, "eur", "jpy"]),
)
def test_r4_r294_what_stripe_adds_up_is_our_total_to_the_cent(
    parts: list[tuple[int, Decimal]], kind: str | None
) -> None:
    more = {} if kind is None else {"credit_type_id": kind}
    lines = [
        usage(str(count * each), quantity=Decimal(count), unit_price=each, **more)
        for count, each in parts
    ]
    one = issued(lines, **more)
    items = [
        {"unit_amount_decimal": line.unit_amount, "quantity": line.quantity}
        if line.unit_amount
        else {"amount": line.amount}
        for line in stripe_lines(one)
    ]
    assert sum(map(cents_of, items)) == one.total.minor


@pytest.mark.parametrize("lost", range(1, 6))
@pytest.mark.parametrize("forgotten", [False, True])
def test_g15_r299_a_lost_answer_at_any_call_makes_no_second_invoice_or_item(
    fake: FakeStripe, lost: int, *, forgotten: bool
) -> None:
    fake.lost = {lost}
    first = stripe().deliver(delivery(THREE))
    assert (first.verdict, first.is_away) == (Verdict.AGAIN, True)
    if forgotten:
        fake.keys.clear()

    outcome = stripe().deliver(delivery(THREE, is_repeat=True))

    assert (outcome.verdict, outcome.external_id) == (Verdict.DONE, "in_1")
    assert (len(fake.invoices), len(fake.items)) == (1, 3)
    assert fake.invoices[0]["status"] == "open"


def test_g15_the_earlier_invoice_is_found_among_many(fake: FakeStripe) -> None:
    stripe().deliver(delivery(THREE))
    for n in range(250):
        fake.invoices.append({"id": f"in_x{n}", "customer": "cus_1", "metadata": {}})
    fake.keys.clear()
    assert stripe().deliver(delivery(THREE, is_repeat=True)).external_id == "in_1"
    assert fake.calls.count(("GET", "invoices")) == 3


def test_g15_too_many_to_look_through_is_for_a_person(fake: FakeStripe) -> None:
    for n in range(2001):
        fake.invoices.append({"id": f"in_x{n}", "customer": "cus_1", "metadata": {}})
    outcome = stripe().deliver(delivery(THREE, is_repeat=True))
    assert outcome.verdict is Verdict.REFUSED
    assert "look it up by hand" in outcome.error


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, Verdict.REFUSED),
        (402, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (401, Verdict.AGAIN),
        (409, Verdict.AGAIN),
        (429, Verdict.AGAIN),
        (500, Verdict.AGAIN),
        (503, Verdict.AGAIN),
    ],
)
def test_r292_errors_are_refused_or_tried_again(
    fake: FakeStripe, status: int, verdict: Verdict
) -> None:
    body = {"error": {"message": "No such customer: cus_1"}}
    fake.fails = {1: httpx.Response(status, json=body, headers={"Retry-After": "7"})}
    outcome = stripe().deliver(delivery(THREE))
    assert outcome.verdict is verdict
    assert outcome.error == f"Stripe answered {status}: No such customer: cus_1"
    assert (outcome.retry_after_s == 7) == (verdict is Verdict.AGAIN)


def test_a_customer_without_stripe_id_is_refused_and_no_key_is_shown(fake: FakeStripe) -> None:
    outcome = stripe().deliver(delivery(THREE, configuration={}))
    assert (outcome.verdict, outcome.external_status) == (
        Verdict.REFUSED,
        ExternalStatus.INVALID_REQUEST_ERROR,
    )
    assert fake.calls == []
    assert "sk_canary" not in repr(stripe())


def test_r294_the_status_map() -> None:
    assert {
        name.removeprefix("invoice."): status.value for name, status in STATUS_OF_EVENT.items()
    } == {
        "finalized": "FINALIZED",
        "paid": "PAID",
        "payment_succeeded": "PAID",
        "payment_failed": "PAYMENT_FAILED",
        "marked_uncollectible": "UNCOLLECTIBLE",
        "voided": "VOID",
        "deleted": "DELETED",
    }
