"""One seeded history played to the stored engine and to the biller, every law checked."""

from datetime import datetime
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, so that a history has a number
from typing import NamedTuple

from closedwon.usage import UsageLog, open_usage
from closedwon.usage.types import UsageEvent
from oracle.biller.biller import Biller
from oracle.changes import Finalize
from oracle.history import Event
from oracle.laws import Frozen, check_all
from oracle.reading import differences
from oracle.stored import Ingest, StoredEngine
from oracle.story import Story
from oracle.translate import CUSTOMER, id_of


class Stored(NamedTuple):
    """How many commands the engine took and refused."""

    taken: int
    refused: int


def play_stored(seed: int, folder: Path, *, on_log: bool = False) -> Stored:
    """On the engine with its state file, compared and checked after every step.

    ``on_log`` keeps usage in the real log on disk instead of memory.
    """
    log = open_usage(folder / f"usage-{seed}", threads=1) if on_log else None
    random = Random(seed)  # noqa: S311 - histories, not secrets
    story = Story(random, has_grants=False)
    story.book.id_of = id_of
    stored = StoredEngine(folder / f"{seed}.db", story.catalogue, log, _into(log))
    biller, frozen = Biller(story.book), Frozen()
    taken = refused = 0
    for step in story.steps(random.randrange(3, 13)):
        if stored.take(step):
            biller.take(step)
            taken += 1
        else:
            refused += 1
        found = differences(stored.outcome(step.at), biller.outcome(step.at))
        assert found == [], (seed, step.change, found)
        check_all(stored, frozen, is_settled=isinstance(step.change, Finalize))
    stored.close()
    if log is not None:
        log.close()
    return Stored(taken, refused)


def _into(log: UsageLog | None) -> Ingest | None:
    """Ingestion of a history's events, late ones too."""
    if log is None:
        return None

    def ingest(events: tuple[Event, ...], now: datetime) -> None:
        told = [
            UsageEvent(
                transaction_id=event.id,
                customer_id=CUSTOMER,
                event_type=event.kind,
                timestamp=event.at,
                properties=dict(event.properties),
            )
            for event in events
        ]
        report = log.ingest(told, now, any_age=True)
        assert report.rejected == ()

    return ingest
