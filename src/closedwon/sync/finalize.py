"""finalize: invoices whose time has come become final and frozen (R139, G9)."""

from dataclasses import dataclass
from datetime import datetime

from closedwon.engine import Engine
from closedwon.step import StepReport

CUSTOMERS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalize:
    """Asks the engine, which writes invoices, ledger entries and postings in one transaction."""

    engine: Engine
    name: str = "finalize"

    def run(self, now: datetime) -> StepReport:
        """At most CUSTOMERS_MAX customers; the rest waits for the next run."""
        report = self.engine.finalize(now, customers_max=CUSTOMERS_MAX)
        told = (f"{report.entries} ledger entries",) if report.entries else ()
        return StepReport(
            step=self.name,
            done=report.invoices,
            parked=report.parked,
            waiting=report.remaining,
            notes=(*told, *report.warnings),
        )
