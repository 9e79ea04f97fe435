"""watch: thresholds buy, alerts cross, lifecycle events are told (R257, R272, R279)."""

from dataclasses import dataclass
from datetime import datetime

from closedwon.engine import Engine
from closedwon.step import StepReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Asks the engine; purchases and events are written with the states they follow from."""

    engine: Engine
    name: str = "watch"

    def run(self, now: datetime) -> StepReport:
        """Everything there is to notice at ``now``; asked again, nothing happens twice."""
        bought = self.engine.evaluate_thresholds(now)
        crossed = self.engine.alerts.evaluate(now)
        told = self.engine.notifications.run(now)
        notes = (f"{len(bought)} threshold purchases",) if bought else ()
        return StepReport(step=self.name, done=len(bought) + len(crossed) + told, notes=notes)
