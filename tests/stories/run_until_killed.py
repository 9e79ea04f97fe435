"""Lives of the line, each a process of its own, each ending by SIGKILL at a chosen commit.

Told ``NOW AT`` on a line of stdin, it forks a process that opens the application as ``closedwon
sync`` does and runs the whole line. That process dies just after the AT-th commit of apply and
push, just before it when AT is negative, and not at all when AT is 0. One line comes back: the
signal that ended it, or ``lived`` and how many such commits it made. The state directory and the
way to Salesforce come from the environment, as for any process of ours.
"""

import os
import signal
import sys
from datetime import datetime

from closedwon.settings import load_settings
from closedwon.step import Step, StepReport
from closedwon.store import database
from closedwon.sync.line import settle
from closedwon.wiring import build
from closedwon.wiring.mappings import Mappings, builtin_schema

CUT = ("apply", "push")


class Deadly:
    """Counts the commits of the steps that are cut, and ends the process at the chosen one."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0
        self.is_armed = False
        self._commit = database._commit
        database._commit = self.commit

    def commit(self, db: database.Database) -> None:
        """Commit, or die before or after it."""
        self.passed += self.is_armed
        self._die(-self.at)
        self._commit(db)
        self._die(self.at)

    def _die(self, at: int) -> None:
        if self.is_armed and self.passed == at:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A step whose commits may be the last thing the process does."""

    def __init__(self, step: Step, deadly: Deadly) -> None:
        self._step = step
        self._deadly = deadly

    @property
    def name(self) -> str:
        """As the step is called."""
        return self._step.name

    def run(self, now: datetime) -> StepReport:
        """The step, armed when it is one that is cut."""
        self._deadly.is_armed = self.name in CUT
        try:
            return self._step.run(now)
        finally:
            self._deadly.is_armed = False


def live(now: datetime, at: int, mappings: Mappings) -> None:
    """The whole line until nothing changes."""
    deadly = Deadly(at)
    with build(load_settings(), clock=lambda: now, sleep=lambda _: None) as app:
        app.mappings = mappings
        app.lock()
        for _ in settle([Watched(step, deadly) for step in app.steps], app.store, now):
            pass
    tell(f"lived {deadly.passed}")


def tell(line: str) -> None:
    """One line for the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """A life per line of stdin."""
    mappings = build(load_settings(), schema=builtin_schema()).mappings  # Compiled once.
    for line in sys.stdin:
        now, at = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                live(datetime.fromisoformat(now), int(at), mappings)
            except BaseException as error:
                tell(f"failed {type(error).__name__}: {error}")
                raise
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if ended < 0:
            tell(signal.Signals(-ended).name)


if __name__ == "__main__":
    main()
