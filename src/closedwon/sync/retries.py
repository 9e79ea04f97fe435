"""retries: an admin ticked Retry on a Meter_Sync_Record__c; let the deal go on (D9)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from closedwon.kernel.errors import NotFound
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.release import release


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One ticked row: its Key__c, its opportunity (18 characters) and who ticked."""

    key: str
    opportunity_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Reads the ticks; releases parked deals and has the row sent again, which clears the tick."""

    store: LineStore
    ticks: Callable[[], Iterable[Tick]]
    name: str = "retries"

    def run(self, now: datetime) -> StepReport:
        """A tick on a deal that is not parked has it read again, whatever its fingerprint says."""
        done = 0
        for tick in self.ticks():
            with writing(self.store.db):
                try:
                    release(self.store, tick.opportunity_id, tick.by, now)
                except NotFound:
                    self.store.deals.mark([tick.opportunity_id], now, forced=True)
                self.store.pushes.resend(tick.key)
            done += 1
        return StepReport(step=self.name, done=done)
