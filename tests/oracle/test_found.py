"""What the brute force biller found in the engine, each as the smallest history that shows it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from oracle.biller.outcome import Outcome
from oracle.changes import Change, Finalize, Sign, Step, Use
from oracle.generate import EPOCH
from oracle.history import (
    Catalogue,
    Charge,
    Commit,
    Contract,
    Definition,
    Event,
    Meter,
    Payment,
    Price,
    Product,
    Rate,
    Segment,
    Terms,
)
from oracle.pure import PureEngine


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


CATALOGUE = Catalogue(
    meters=(
        Meter(name="m", kind="SUM", event_type="e"),
        Meter(name="x", kind="MAX", event_type="e"),
    ),
    products=(Product(name="p", meter="m", definitions=(Definition(since=EPOCH),)),),
    rates=(Rate(product="p", since=EPOCH, until=None, price=Price(tiers=((None, Fraction(1)),))),),
)


def promise(until: str, rollover: Fraction | None = None) -> Commit:
    segment = Segment(name="s", amount=Fraction(100), since=at("2025-01-01"), until=at(until))
    payment = Payment(name="s$", at=at(until), amount=Fraction(100))
    return Commit(
        name="c",
        kind="POSTPAID",
        segments=(segment,),
        payments=(payment,),
        rollover=rollover,
        created=at("2025-01-01"),
    )


def contract(name: str, since: str, until: str, terms: Terms = Terms()) -> Contract:  # noqa: B008
    return Contract(name=name, since=at(since), until=at(until), terms=terms)


def used(day: str, value: int) -> Use:
    event = Event(id=day, kind="e", at=at(day), properties=(("value", str(value)),))
    return Use(events=(event,))


def told(*changes: tuple[str, Change], catalogue: Catalogue = CATALOGUE) -> Iterator[Outcome]:
    engine = PureEngine(catalogue)
    for day, change in changes:
        engine.take(Step(at=at(day), change=change))
        yield engine.outcome(at(day))


def test_r140_r187_a_trueup_waits_for_the_statement_its_window_ends_in() -> None:
    """Access ends Jan 16; usage of Jan 10 may still arrive until January is final."""
    signed = contract("k", "2025-01-01", "2025-03-01", Terms(commits=(promise("2025-01-16"),)))
    *_, late = told(
        ("2025-01-01", Sign(contract=signed)),
        ("2025-01-20", Finalize()),
        ("2025-01-25", used("2025-01-10", 30)),
        ("2025-02-03", Finalize()),
    )
    trueup = late.bills["trueup", "k", "c", 0]

    assert (trueup.issued, trueup.total) == (at("2025-02-02"), Fraction(70))


def test_r120_a_renewal_drops_what_was_scheduled_on_a_contract_that_had_ended() -> None:
    payments = (Payment(name="f$", at=at("2025-04-01"), amount=Fraction(5)),)
    old = contract(
        "old", "2025-01-01", "2025-02-01", Terms(charges=(Charge(name="f", payments=payments),))
    )
    new = replace(contract("new", "2025-02-01", "2025-06-01"), follows="old")
    before, after = told(("2025-01-01", Sign(contract=old)), ("2025-01-15", Sign(contract=new)))

    assert ("scheduled", "old", at("2025-04-01"), 0) in before.bills
    assert ("scheduled", "old", at("2025-04-01"), 0) not in after.bills


def test_r187_r191_a_rolled_promise_is_trued_up_once() -> None:
    terms = Terms(commits=(promise("2025-02-01", Fraction(1)),))
    old = contract("old", "2025-01-01", "2025-02-01", terms)
    new = replace(contract("new", "2025-02-01", "2025-03-01"), follows="old")
    *_, first, again = told(
        ("2025-01-01", Sign(contract=old)),
        ("2025-01-15", Sign(contract=new)),
        ("2025-04-01", Finalize()),
        ("2025-05-01", Finalize()),
    )

    assert [k for k in first.bills if k[0] == "trueup"] == [("trueup", "new", "c>new", 0)]
    assert again.bills.keys() == first.bills.keys()
    assert again.held["c>new"].trued_up == Fraction(100)


def test_r32_a_maximum_starts_from_zero_every_period() -> None:
    """All values negative: nothing was reached, nothing is billed or given back."""
    (product,) = CATALOGUE.products
    peak = replace(CATALOGUE, products=(replace(product, meter="x"),))
    *_, billed = told(
        ("2025-01-01", Sign(contract=contract("k", "2025-01-01", "2025-02-01"))),
        ("2025-01-20", used("2025-01-10", -5)),
        catalogue=peak,
    )

    assert billed.bills["usage", "k", at("2025-01-01"), 0].total == 0
