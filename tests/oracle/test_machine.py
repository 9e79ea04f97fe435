"""The real engine on a real file, under everything that can happen, against the brute force biller.

After every step the stored engine and the biller must agree on every invoice and every balance, and
the laws of ``oracle.laws`` must hold. Hypothesis chooses the steps and shrinks what breaks; with
``CLOSEDWON_HISTORIES`` set it looks for new ones every time.
"""

import os
import shutil
import tempfile
from pathlib import Path
from random import Random  # noqa: TID251 - the type; Hypothesis hands in the seeded one
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from closedwon.store.journal import Journal
from oracle import changes, laws
from oracle.biller.biller import Biller
from oracle.reading import differences
from oracle.stored import StoredEngine
from oracle.story import Story
from oracle.translate import id_of

randoms = st.randoms(use_true_random=False)
EDITS = (
    "add",
    "drop",
    "end",
    "route",
    "reprice",
    "redefine",
    "adjust",
    "retune",
    "renew",
    "sign",
    "void",
    "regenerate",
)


class Died(BaseException):
    """The program ends here; nobody catches it."""


class BillingMachine(RuleBasedStateMachine):
    """A customer's life in steps of any order."""

    @initialize(random=randoms)
    def begin(self, random: Random) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.story = Story(random, has_grants=False)
        self.story.book.id_of = id_of
        self.stored = StoredEngine(self.folder / "state.db", self.story.catalogue)
        self.biller = Biller(self.story.book)
        self.frozen = laws.Frozen()
        self.is_settled = False
        self._do(self.story.first())

    @rule(random=randoms, hours=st.sampled_from([0, 1, 24, 24 * 8, 24 * 31]))
    def use(self, random: Random, hours: int) -> None:
        self._wait(random, hours)
        self._do(self.story.use())

    @rule(random=randoms, hours=st.sampled_from([0, 1, 24, 24 * 8, 24 * 31, 24 * 100]))
    def finalize(self, random: Random, hours: int) -> None:
        self._wait(random, hours)
        self._do(changes.Finalize())
        self.is_settled = True

    @rule(random=randoms, kind=st.sampled_from(EDITS))
    def edit(self, random: Random, kind: str) -> None:
        self._wait(random, 0)
        change = getattr(self.story, kind)()
        if change is not None:
            self._do(change)

    @rule()
    def reopen(self) -> None:
        """The program ends between two commands."""
        before = self.stored.engine.content_hash()
        self._do(changes.Crash())
        assert self.stored.engine.content_hash() == before

    @rule(random=randoms, hours=st.sampled_from([24, 24 * 31]))
    def die_while_finalizing(self, random: Random, hours: int) -> None:
        """The program dies when invoices are written and the journal is not."""
        self._wait(random, hours)
        before = self.stored.engine.content_hash()
        try:
            with mock.patch.object(Journal, "append", side_effect=Died):
                self.stored.finalize(self.story.now)
        except Died:
            self.stored.reopen()
            assert self.stored.engine.content_hash() == before
        self._do(changes.Finalize())
        self.is_settled = True

    @invariant()
    def agrees_with_brute_force(self) -> None:
        now = self.story.now
        assert differences(self.stored.outcome(now), self.biller.outcome(now)) == []

    @invariant()
    def keeps_its_laws(self) -> None:
        laws.check_all(self.stored, self.frozen, is_settled=self.is_settled)

    def teardown(self) -> None:
        if hasattr(self, "stored"):
            self.stored.close()
            shutil.rmtree(self.folder)

    def _wait(self, random: Random, hours: int) -> None:
        self.story.turn(random, hours)

    def _do(self, change: changes.Change) -> None:
        """A refused change did not happen, to either side."""
        step = self.story.step(change)
        if self.stored.take(step):
            self.biller.take(step)
            self.is_settled = False


BillingMachine.TestCase.settings = settings(
    derandomize="CLOSEDWON_HISTORIES" not in os.environ,
    max_examples=10,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestBillingMachine = BillingMachine.TestCase
