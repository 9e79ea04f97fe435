"""The intent protocol: an effect on the remote happens once, whatever is killed or lost (D5, G15).

Intent stored, call made under a derived key, outcome stored; each store is a commit of its own. An
outcome nobody knows is looked up before the call is repeated. The Idempotency-Key stays the same
while no answer came that the remote would only repeat; for ever, uniqueness keys protect (R7, R8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedwon.kernel import strict_json
from closedwon.kernel.errors import AuthFailed, Conflict, Refused, RetryLater
from closedwon.kernel.ids import derive
from closedwon.store.database import writing
from closedwon.store.line.remote import RemoteBook, RemoteCall
from closedwon.targets.metronome.remote import Remote, Stubborn, Unanswered
from closedwon.transport import Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that shall be on the remote once."""

    id: str
    """Follows from what it is for."""
    subject: str
    """The contract, customer or product of ours it is about."""
    path: str
    body: Any
    made: Callable[[Any], str]
    """Remote id of what was made, from the answer."""
    find: Callable[[], str | None]
    """Remote id of what was made, by its key; None when it is not there."""
    plan: str = ""
    """The plan it carries out, as text."""


class Calls:
    """Effects carried out over ``remote`` and written down in ``book``."""

    def __init__(self, book: RemoteBook, remote: Remote) -> None:
        self._book = book
        self._remote = remote

    def carry_out(self, effect: Effect, now: datetime) -> str:
        """Remote id of what the effect makes; again the same asks for nothing.

        Raises Refused when the remote does not want it, RetryLater when it may have happened or is
        still to happen: the next call finds out which.
        """
        known = self._book.find(effect.id)
        if known is not None and known.is_done:
            return known.remote_id
        try:
            return self._remote.patience.run(lambda: self._attempt(effect, now))
        except Transient as error:
            raise RetryLater(error.message, **error.facts) from error

    def _attempt(self, effect: Effect, now: datetime) -> str:
        known = self._book.find(effect.id)
        if known is not None and known.is_open:
            there = effect.find()
            if there is not None:
                return self._done(effect, there, now)
        try:
            made = self._asked(effect, known, now)
        except (Unanswered, Stubborn) as error:
            answered = isinstance(error, Stubborn) or error.answered
            with writing(self._book.db):
                self._book.unknown(effect.id, str(error), answered=answered)
            raise
        except Conflict as error:
            there = effect.find()
            if there is None:
                self._refused(effect, error, now)
                raise
            return self._done(effect, there, now)
        except (Refused, AuthFailed) as error:
            self._refused(effect, error, now)
            raise
        return self._done(effect, made, now)

    def _asked(self, effect: Effect, known: RemoteCall | None, now: datetime) -> str:
        """Remote id of what the one call made; raises Unanswered when the answer has none."""
        request = strict_json.fingerprint([effect.path, effect.body])
        with writing(self._book.db):
            self._book.intend(effect.id, effect.subject, effect.plan, request, now)
        answers = 0 if known is None else known.answers
        key = derive("request", effect.id, request, str(answers))
        answer = self._remote.write(effect.path, effect.body, key)
        try:
            return effect.made(answer)
        except (LookupError, TypeError) as error:
            unsaid = f"the target's answer to {effect.path} does not say what it made"
            raise Unanswered(unsaid) from error

    def _done(self, effect: Effect, remote_id: str, now: datetime) -> str:
        with writing(self._book.db):
            self._book.done(effect.id, remote_id, now)
        return remote_id

    def _refused(self, effect: Effect, error: Refused | AuthFailed, now: datetime) -> None:
        with writing(self._book.db):
            self._book.refused(effect.id, error.message, now)
