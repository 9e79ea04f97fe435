"""map: what each deal asks of billing, or why it cannot say."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from closedwon.deals.types import Deal, Finding, Plan, Rejected, Terms
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
    withdrawn: Callable[[Deal, Terms, datetime], Plan]
    """What a person must know of a provisioned deal that is no longer won."""
    not_won: frozenset[str] = frozenset({"not_won"})
    """Finding codes that mean the deal is not won: none of billing's business, or withdrawn."""
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
        codes = {finding.code for finding in found.findings}
        if not codes or not codes <= self.not_won:
            return self._park(row, found.findings, version, now)
        if row.provisioned_at is None:
            return self._exclude(row, found, now)
        return self._withdraw(row, version, now)

    def _is_unsure(self, found: Terms | Rejected) -> bool:
        return any(finding.code in self.unsure for finding in found.findings)

    def _mapped(self, row: DealRow, now: datetime) -> tuple[str, Terms | Rejected]:
        try:
            return self.terms_of(self.store.deals.content(row.opportunity_id), now)
        except POISON as error:
            told = str(error) or type(error).__name__
            finding = Finding(
                code="mapping_failed",
                message=f"the mapping could not read this deal: {told}",
                fix="Run `closedwon mapping try` on it and correct the record or the rule.",
                record_id=row.opportunity_id,
            )
            return "", Rejected(opportunity_id=row.opportunity_id, findings=(finding,))

    def _exclude(self, row: DealRow, found: Rejected, now: datetime) -> str:
        self.store.parked.resolve(row.opportunity_id, now)
        self.store.plans.supersede(row.opportunity_id)
        self.store.deals.excluded(row, found.findings[0].message, now)
        return "done"

    def _withdraw(self, row: DealRow, version: str, now: datetime) -> str:
        """The contract stays; a policy says whether a person is told (design 6)."""
        deal_id = row.opportunity_id
        terms = self.store.deals.terms(deal_id)
        plan = self.withdrawn(self.store.deals.content(deal_id), terms, now)
        if plan.holds:
            return self._park(row, plan.holds, version, now)
        self.store.parked.resolve(deal_id, now)
        self.store.plans.supersede(deal_id)
        self.store.deals.provisioned(row, now, terms.customer.id, terms.contract_id)
        return "done"

    def _park(self, row: DealRow, found: Sequence[Finding], version: str, now: datetime) -> str:
        deal_id = row.opportunity_id
        self.store.plans.supersede(deal_id)
        self.store.parked.park(self.name, deal_id, found, now, opportunity_id=deal_id)
        self.store.deals.parked(row, now, version)
        return "parked"
