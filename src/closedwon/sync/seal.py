"""seal: usage events leave the hot log for sealed segments when there are many of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedwon.step import StepReport
from closedwon.usage.seal import SealReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Keeps the log, and the memory its index needs, small; changes no answer."""

    seal: Callable[[datetime], SealReport]
    name: str = "seal"

    def run(self, now: datetime) -> StepReport:
        """One seal; nothing at all while the log is small."""
        report = self.seal(now)
        return StepReport(step=self.name, done=report.events)
