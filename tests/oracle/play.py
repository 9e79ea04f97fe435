"""One seeded history played to the pure engine and to the biller, compared after every step."""

from random import Random  # noqa: TID251 - seeded, so that a history has a number
from typing import NamedTuple

from oracle.biller.biller import Biller
from oracle.biller.outcome import Outcome
from oracle.generate import FEATURES
from oracle.pure import PureEngine
from oracle.reading import differences
from oracle.story import Story
from oracle.translate import id_of

MOVES = ("adjusted", "drawn", "expired", "rolled", "trued_up")


class Played(NamedTuple):
    """How a history went."""

    seed: int
    bills: int
    seen: frozenset[str]
    """Kinds of invoices and movements it came to."""
    differences: list[str]
    """Empty when both agreed to the end; else what they disagreed on first, and after which step."""


def play(seed: int, steps: int = 12, features: frozenset[str] = FEATURES) -> Played:
    random = Random(seed)  # noqa: S311 - histories, not secrets
    story = Story(random, features=features)
    engine = PureEngine(story.catalogue)
    story.book.id_of = id_of
    biller = Biller(story.book)
    seen: set[str] = set()
    bills = 0
    for step in story.steps(random.randrange(3, steps + 1)):
        engine.take(step)
        biller.take(step)
        ours, theirs = engine.outcome(step.at), biller.outcome(step.at)
        bills = len(theirs.bills)
        seen |= kinds(theirs)
        found = differences(ours, theirs)
        if found:
            where = f"at {step.at}, after {step.change}"
            return Played(seed, bills, frozenset(seen), [where, *found])
    return Played(seed, bills, frozenset(seen), [])


def kinds(outcome: Outcome) -> set[str]:
    found = {bill.key[0] for bill in outcome.bills.values()}
    for held in outcome.held.values():
        found |= {name for name in MOVES if getattr(held, name)}
    found |= {"child" for name in outcome.held if "/" in name}
    for bill in outcome.bills.values():
        if bill.key[0] == "usage" and bill.billed:
            found.add("consolidated")
        products = {product for product, _ in bill.lines}
        found |= {"conversion"} if "" in products else set()
        found |= {"composite"} if "x0" in products else set()
        found |= {"seats"} if "s0" in products else set()
        payers = {payer for (_, payer), amount in bill.lines.items() if payer and amount}
        found |= {"two payers"} if len(payers) > 1 else set()
        found |= {"negative"} if bill.total < 0 else set()
    return found
