"""One seeded history played to the pure engine and to the biller, compared after every step."""

from pathlib import Path
from random import Random  # noqa: TID251 - seeded, so that a history has a number
from typing import NamedTuple

from oracle.biller.biller import Biller
from oracle.biller.outcome import Outcome
from oracle.changes import Finalize
from oracle.generate import FEATURES
from oracle.laws import Frozen, check_all
from oracle.pure import PureEngine
from oracle.reading import differences
from oracle.stored import StoredEngine
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


class Stored(NamedTuple):
    """How many commands the engine took and refused."""

    taken: int
    refused: int


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
    for bill in outcome.bills.values():
        payers = {payer for (_, payer), amount in bill.lines.items() if payer and amount}
        found |= {"two payers"} if len(payers) > 1 else set()
        found |= {"negative"} if bill.total < 0 else set()
    return found


def play_stored(seed: int, folder: Path, steps: int = 12) -> Stored:
    """The same on the engine with its state file, with every law checked after every step."""
    random = Random(seed)  # noqa: S311 - histories, not secrets
    story = Story(random, has_grants=False)
    story.book.id_of = id_of
    stored = StoredEngine(folder / f"{seed}.db", story.catalogue)
    biller, frozen = Biller(story.book), Frozen()
    taken = refused = 0
    for step in story.steps(random.randrange(3, steps + 1)):
        if stored.take(step):
            biller.take(step)
            taken += 1
        else:
            refused += 1
        found = differences(stored.outcome(step.at), biller.outcome(step.at))
        assert found == [], (seed, step.change, found)
        check_all(stored, frozen, is_settled=isinstance(step.change, Finalize))
    stored.close()
    return Stored(taken, refused)
