"""A step of the line and the report it leaves."""

from datetime import datetime
from typing import Protocol

import msgspec


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one run of one step; ``waiting`` rows are left for the next run."""

    step: str
    done: int = 0
    unchanged: int = 0
    parked: int = 0
    waiting: int = 0
    notes: tuple[str, ...] = ()

    @property
    def changed_anything(self) -> bool:
        """Whether a repeat could still find work."""
        return bool(self.done or self.parked)


class Step(Protocol):
    """Reads rows that wait for it, asks a pure function, writes the outcome; restartable."""

    @property
    def name(self) -> str:
        """How commands, logs and the store call it."""
        ...

    def run(self, now: datetime) -> StepReport:
        """Do at most one batch. May be killed anywhere; the next run finishes."""
        ...
