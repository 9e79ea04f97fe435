"""What must not matter, and what must matter in proportion: one history told in two ways.

Each law plays a random history of ``oracle.story`` to the pure engine twice, the second time told
differently, and compares every invoice and every balance at the end.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random  # noqa: TID251 - seeded, so that a history has a number
from typing import Any, NamedTuple

import pytest

from oracle.biller.biller import Biller
from oracle.biller.outcome import Bill, Outcome
from oracle.changes import Adjust, Change, Finalize, Reprice, Step, Use
from oracle.generate import FEATURES
from oracle.history import Catalogue, Event, Payment, Price, Rate, Segment
from oracle.pure import PureEngine
from oracle.reading import differences
from oracle.story import Story
from oracle.translate import id_of

SEEDS = range(30)
YEARS_28 = timedelta(days=28 * 365 + 7)
"""After 28 years the Gregorian calendar repeats to the weekday, inside one century and a half."""
BY = Fraction(7, 4)


class Tale(NamedTuple):
    """A catalogue and what happened."""

    catalogue: Catalogue
    steps: tuple[Step, ...]

    @property
    def end(self) -> datetime:
        return self.steps[-1].at


def tale(seed: int, *without: str) -> Tale:
    """Without generators, whose names know their date, and other features as asked."""
    random = Random(seed)  # noqa: S311 - histories, not secrets
    story = Story(random, features=FEATURES - {"recurring", *without})
    story.book.id_of = id_of
    biller = Biller(story.book)
    steps = []
    for step in story.steps(random.randrange(3, 13)):
        biller.take(step)
        steps.append(step)
    return Tale(story.catalogue, tuple(steps))


def told(found: Tale) -> Outcome:
    engine = PureEngine(found.catalogue)
    for step in found.steps:
        engine.take(step)
    return engine.outcome(found.end)


def rebuilt(value: Any, rule: Callable[[Any], Any]) -> Any:
    """``value`` with ``rule`` applied to every part of it, inside out."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: rebuilt(getattr(value, f.name), rule) for f in fields(value)}
        return rule(replace(value, **parts))
    if isinstance(value, tuple):
        return rule(tuple(rebuilt(part, rule) for part in value))
    return rule(value)


def retold(found: Tale, rule: Callable[[Any], Any]) -> Tale:
    return Tale(rebuilt(found.catalogue, rule), tuple(rebuilt(step, rule) for step in found.steps))


@pytest.mark.parametrize("seed", SEEDS)
def test_g6_the_order_in_which_events_arrive_changes_nothing(seed: int) -> None:
    """But for ties of one instant, where the later arrival is the latest (R33)."""
    plain, random = tale(seed), Random(seed)  # noqa: S311

    def shuffled(value: Any) -> Any:
        if not isinstance(value, Use):
            return value
        events = list(dict.fromkeys(value.events))
        random.shuffle(events)
        return Use(events=tuple(_ties_kept(events, value.events)))

    assert differences(told(retold(plain, shuffled)), told(plain)) == []


def _ties_kept(shuffled: list[Event], original: tuple[Event, ...]) -> Iterator[Event]:
    """Events of one instant take their places in the order they had."""
    waiting: dict[tuple[str, datetime], list[Event]] = {}
    for event in dict.fromkeys(original):
        waiting.setdefault((event.kind, event.at), []).append(event)
    for event in shuffled:
        yield waiting[event.kind, event.at].pop(0)


@pytest.mark.parametrize("seed", SEEDS)
def test_r5_g4_everything_that_may_come_twice_counts_once(seed: int) -> None:
    """Every delivery of events and every finalization is repeated."""
    plain = tale(seed)
    steps = [
        again
        for step in plain.steps
        for again in [step] * (2 if isinstance(step.change, Use | Finalize) else 1)
    ]

    assert differences(told(Tale(plain.catalogue, tuple(steps))), told(plain)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_r12_r14_finalizing_often_or_late_freezes_the_same(seed: int) -> None:
    """Between two changes of the world it does not matter how often the finalizer looks."""
    plain, steps = tale(seed), []
    before = plain.steps[0].at
    for step in plain.steps:
        if isinstance(step.change, Finalize):
            for part in (1, 2, 3):
                at = before + (step.at - before) * part / 4
                steps.append(Step(at=at.replace(microsecond=0), change=Finalize()))
        steps.append(step)
        before = step.at

    assert differences(told(Tale(plain.catalogue, tuple(steps))), told(plain)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_r9_moving_every_date_by_28_years_moves_every_date_and_no_amount(seed: int) -> None:
    plain = tale(seed)

    def later(value: Any) -> Any:
        return value + YEARS_28 if isinstance(value, datetime) else value

    found = told(retold(plain, later))
    bills = {}
    for bill in found.bills.values():
        kind, owner, at, number = bill.key
        key = (kind, owner, at - YEARS_28 if isinstance(at, datetime) else at, number)
        bills[key] = replace(bill, key=key, issued=bill.issued - YEARS_28)

    assert differences(Outcome(bills=bills, held=found.held), told(plain)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_r3_r177_scaling_every_price_and_amount_scales_every_total(seed: int) -> None:
    """Percentages have tiers of money, and prorated fees are rounded: they have laws of their own."""
    plain = tale(seed, "composites", "seats")

    def dearer(value: Any) -> Any:
        match value:
            case Price(tiers=tiers):
                return Price(tiers=tuple((size, price * BY) for size, price in tiers))
            case Segment() | Payment() | Adjust():
                return replace(value, amount=value.amount * BY)
            case _:
                return value

    assert differences(told(retold(plain, dearer)), _scaled(told(plain))) == []


def _scaled(outcome: Outcome) -> Outcome:
    bills = {key: _scaled_bill(bill) for key, bill in outcome.bills.items()}
    held = {
        name: replace(found, **{f.name: getattr(found, f.name) * BY for f in fields(found)})
        for name, found in outcome.held.items()
    }
    return Outcome(bills=bills, held=held)


def _scaled_bill(bill: Bill) -> Bill:
    return replace(
        bill,
        total=bill.total * BY,
        lines={name: amount * BY for name, amount in bill.lines.items()},
        drawn={name: amount * BY for name, amount in bill.drawn.items()},
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_r47_r61_r63_cutting_a_period_where_nothing_changes_costs_nothing(seed: int) -> None:
    """Every rate is added again from the middle of its life on: lines split, what they cost stays.

    The gross of every usage invoice and product is compared; who pays may differ, because earlier
    lines meet balances first (R176).
    """
    plain = tale(seed)
    sold = [rate for rate in _rates(plain) if _has_one_rate(plain, rate)]
    at = plain.steps[0].at + timedelta(days=40)
    again = Reprice(rates=tuple(replace(r, since=at) for r in sold if r.until is None))
    cut = Tale(plain.catalogue, (Step(at=plain.steps[0].at, change=again), *plain.steps))

    assert _gross(told(_plain_priced(cut))) == _gross(told(_plain_priced(plain)))


def _rates(found: Tale) -> list[Rate]:
    return list(found.catalogue.rates)


def _has_one_rate(found: Tale, rate: Rate) -> bool:
    """Whether nothing later reprices the product, so that adding its rate again changes nothing."""
    changes: list[Change] = [step.change for step in found.steps]
    later = [r for c in changes if isinstance(c, Reprice) for r in c.rates]
    return all(other.product != rate.product for other in later)


def _plain_priced(found: Tale) -> Tale:
    """Without prices that depend on who pays: then the gross does not depend on it either."""

    def plainly(value: Any) -> Any:
        if isinstance(value, Rate):
            return replace(value, commit_price=None)
        if type(value).__name__ == "Override" and value.is_commit_specific:
            return replace(value, is_commit_specific=False, commits=(), on_commit_rate=False)
        return value

    return retold(found, plainly)


def _gross(outcome: Outcome) -> dict[tuple[Any, str], Fraction]:
    found: dict[tuple[Any, str], Fraction] = {}
    for bill in outcome.bills.values():
        if bill.key[0] == "usage":
            for (product, _), amount in bill.lines.items():
                where = (bill.key, product)
                found[where] = found.get(where, Fraction(0)) + amount
    return {where: amount for where, amount in found.items() if amount}
