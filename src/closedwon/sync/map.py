"""map: what each deal asks of billing, or why it cannot say."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedwon.deals.types import Deal, Finding, Rejected, Terms
from closedwon.kernel.errors import ClosedwonError
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow

BATCH_MAX = 200
POISON = (ClosedwonError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""What a broken record may make the mapping raise; it parks the deal and nobody else (G13)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Reads deals as assembled; writes their terms or parks them."""

    store: LineStore
    terms_of: Callable[[Deal, datetime], tuple[str, Terms | Rejected]]
    """Mapping version used, and what it made of the deal; pure for a given catalogue."""
    not_won: frozenset[str] = frozenset({"deal_not_won"})
    """Finding codes that mean the deal is none of billing's business unless it was provisioned."""
    unsure: frozenset[str] = frozenset({"amends_unknown", "renews_unknown"})
    """Finding codes that another deal, still on its way, may settle."""
    name: str = "map"

    def run(self, now: datetime) -> StepReport:
        """One batch in one transaction.

        A deal that follows one billing does not know yet is mapped when no other deal is ahead of
        it, so that an original and its amendment may arrive in any order (G6).
        """
        counts: Counter[str] = Counter()
        with writing(self.store.db):
            rows = self.store.deals.waiting(self.name, BATCH_MAX)
            found = [(row, *self._mapped(row, now)) for row in rows]
            sure = [one for one in found if not self._is_unsure(one[2])]
            ahead = bool(sure) or len(rows) == BATCH_MAX or self.store.deals.are_waiting("assemble")
            for row, version, outcome in sure if ahead else found:
                counts[self._settle(row, version, outcome, now)] += 1
        return StepReport(
            step=self.name,
            done=counts["done"],
            parked=counts["parked"],
            waiting=len(found) - counts.total(),
        )

    def _settle(self, row: DealRow, version: str, found: Terms | Rejected, now: datetime) -> str:
        if isinstance(found, Terms):
            self.store.deals.mapped(row, found, version, now)
            return "done"
        if self._is_none_of_ours(row, found):
            self._exclude(row, found, now)
            return "done"
        self._park(row, found, version, now)
        return "parked"

    def _is_unsure(self, found: Terms | Rejected) -> bool:
        return any(finding.code in self.unsure for finding in found.findings)

    def _mapped(self, row: DealRow, now: datetime) -> tuple[str, Terms | Rejected]:
        deal = self.store.deals.content(row.opportunity_id)
        try:
            return self.terms_of(deal, now)
        except POISON as error:
            told = str(error) or type(error).__name__
            finding = Finding(
                code="mapping_failed",
                message=f"the mapping could not read this deal: {told}",
                fix="Run `closedwon mapping try` on it and correct the record or the rule.",
                record_id=deal.opportunity_id,
            )
            return "", Rejected(opportunity_id=deal.opportunity_id, findings=(finding,))

    def _is_none_of_ours(self, row: DealRow, found: Rejected) -> bool:
        codes = {finding.code for finding in found.findings}
        return row.provisioned_at is None and bool(codes) and codes <= self.not_won

    def _exclude(self, row: DealRow, found: Rejected, now: datetime) -> None:
        self.store.parked.resolve(row.opportunity_id, now)
        self.store.plans.supersede(row.opportunity_id)
        self.store.deals.excluded(row, found.findings[0].message, now)

    def _park(self, row: DealRow, found: Rejected, version: str, now: datetime) -> None:
        deal_id = row.opportunity_id
        self.store.plans.supersede(deal_id)
        self.store.parked.park(self.name, deal_id, found.findings, now, opportunity_id=deal_id)
        self.store.deals.parked(row, now, version)
