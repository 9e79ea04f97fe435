"""watch: thresholds buy, alerts cross, lifecycle events are told (R257, R272, R279)."""

from dataclasses import dataclass, field
from datetime import datetime

from closedwon.engine import Engine
from closedwon.step import StepReport


@dataclass(slots=True, kw_only=True)
class Watch:
    """Asks the engine; purchases and events are written with the states they follow from.

    Bills of all customers are made anew only when usage arrived, a command changed something or an
    hour began: without that no balance, spend or day count is another one.
    """

    engine: Engine
    name: str = "watch"
    _seen: tuple[int, int, datetime] | None = field(default=None, init=False)

    def run(self, now: datetime) -> StepReport:
        """Everything there is to notice at ``now``; asked again, nothing happens twice."""
        bought = crossed = 0
        if self._pulse(now) != self._seen:
            bought = len(self.engine.evaluate_thresholds(now))
            crossed = len(self.engine.alerts.evaluate(now))
            self._seen = self._pulse(now)
        told = self.engine.notifications.run(now)
        notes = (f"{bought} threshold purchases",) if bought else ()
        return StepReport(step=self.name, done=bought + crossed + told, notes=notes)

    def _pulse(self, now: datetime) -> tuple[int, int, datetime]:
        """Newest event, newest audited command, and the hour."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        return self.engine.usage.latest(), self.engine.stores.audit.head()[0], hour
