"""deliver: events become intents for each channel, and due intents are carried out (R278, R299).

An intent is noted as sent before its call and settled after it, each in a commit of its own: a kill
in between leaves a call whose outcome is unknown, which is made again under the same id (G15).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from closedwon.delivery.channel import Channel, Outcome, Verdict, next_try
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.outbox import Effect
from closedwon.store.stores import Stores

EVENTS_MAX = 500
"""Events turned into intents per transaction."""
EFFECTS_MAX = 500
"""Effects read at a time."""
RUN_MAX = timedelta(seconds=60)
"""How long calls to one channel may take in one run before the others have their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Works the outbox of ``channels``; without any it does nothing at all."""

    stores: Stores
    channels: Sequence[Channel]
    clock: Callable[[], datetime]
    """For how long a run takes and for when a call ended; what is due is judged by ``now``."""
    name: str = "deliver"

    def run(self, now: datetime) -> StepReport:
        """One call per due effect; what did not arrive waits for its next try."""
        done = given_up = 0
        notes: list[str] = []
        for channel in self.channels:
            self._spread(channel, now)
        for channel in self.channels:
            sent, failed, note = self._work(channel, now)
            done += sent
            given_up += failed
            notes += [f"{channel.name}: {note}"] if note else []
        waiting = self.stores.outbox.counts() if self.channels else {}
        return StepReport(
            step=self.name,
            done=done,
            parked=given_up,
            waiting=waiting.get("waiting", 0) + waiting.get("sent", 0),
            notes=tuple(notes),
        )

    def _spread(self, channel: Channel, now: datetime) -> None:
        """Intents for every event the channel has not read yet."""
        events, stores = self.stores.events, self.stores
        listener = f"{channel.kind}/{channel.name}"
        while True:
            with writing(stores.db):
                position = events.read_to(listener, now)
                found = events.after(position, EVENTS_MAX)
                for event in found:
                    wanted = not channel.listens_to or event.type in channel.listens_to
                    intent = channel.intent(event) if wanted else None
                    if intent is not None:
                        stores.outbox.add(
                            intent.id, channel.kind, channel.name, intent.payload, now
                        )
                if found:
                    events.advance(listener, found[-1].position)
            if len(found) < EVENTS_MAX:
                return

    def _work(self, channel: Channel, now: datetime) -> tuple[int, int, str]:
        """(carried out, given up, what a person should know) of one channel."""
        done = given_up = 0
        note = ""
        for effect in self._due(channel, now):
            with writing(self.stores.db):
                self.stores.outbox.intend(effect)
            outcome = channel.send(effect)
            verdict = self._settle(channel, effect, outcome, max(now, self.clock()))
            done += verdict is Verdict.DONE
            given_up += verdict in (Verdict.REFUSED, Verdict.TOO_LATE)
            note = note or outcome.error
            if outcome.is_away:
                break
        return done, given_up, note

    def _due(self, channel: Channel, now: datetime) -> Iterator[Effect]:
        """What is due, batch by batch, until there is no more of it or RUN_MAX has passed."""
        began = self.clock()
        while True:
            due = self.stores.outbox.due(channel.kind, [channel.name], now, EFFECTS_MAX)
            for effect in due:
                yield effect
                if self.clock() - began > RUN_MAX:
                    return
            if len(due) < EFFECTS_MAX:
                return

    def _settle(self, channel: Channel, effect: Effect, outcome: Outcome, now: datetime) -> Verdict:
        outbox = self.stores.outbox
        again = next_try(effect, outcome, now)
        if outcome.verdict is Verdict.AGAIN and again is None:
            outcome = replace(outcome, verdict=Verdict.TOO_LATE)
        with writing(self.stores.db):
            channel.settled(effect, outcome, now)
            match outcome.verdict:
                case Verdict.DONE:
                    outbox.done(effect.id, now)
                case Verdict.REFUSED | Verdict.TOO_LATE:
                    outbox.give_up(effect.id, outcome.error, now)
                case Verdict.AGAIN:
                    outbox.retry(effect.id, again or now, outcome.error)
                case _:
                    assert_never(outcome.verdict)
        return outcome.verdict
