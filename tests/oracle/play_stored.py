"""One seeded history played to the stored engine and to the biller, every law checked."""

from pathlib import Path
from random import Random  # noqa: TID251 - seeded, so that a history has a number
from typing import NamedTuple

from oracle.biller.biller import Biller
from oracle.changes import Finalize
from oracle.laws import Frozen, check_all
from oracle.reading import differences
from oracle.stored import StoredEngine
from oracle.story import Story
from oracle.translate import id_of


class Stored(NamedTuple):
    """How many commands the engine took and refused."""

    taken: int
    refused: int


def play_stored(seed: int, folder: Path, steps: int = 12) -> Stored:
    """On the engine with its state file, compared and checked after every step."""
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
