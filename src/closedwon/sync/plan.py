"""plan: terms minus what billing has: nothing to do, something to apply, or to be released."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedwon.deals.types import Deal, Finding, Plan, Terms
from closedwon.kernel.errors import Refused
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome

BATCH_MAX = 200
CONTRACT_MISSING = "contract_missing"
"""Finding of a deal whose contract is not there yet; apply sends it on when it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePlan:
    """Reads terms; writes plans, or parks deals whose change needs a person."""

    store: LineStore
    plan_of: Callable[[Deal, Terms, datetime], Plan]
    exists: Callable[[str], bool]
    """Whether billing has a contract of that id."""
    name: str = "plan"

    def run(self, now: datetime) -> StepReport:
        """One batch in one transaction."""
        counts: Counter[str] = Counter()
        with writing(self.store.db):
            for row in self.store.deals.waiting(self.name, BATCH_MAX):
                if row.follows is not None and not self.exists(row.follows):
                    counts[self._wait_for(row, row.follows, now)] += 1
                else:
                    counts[self._planned(row, now)] += 1
        return StepReport(
            step=self.name,
            done=counts["done"],
            unchanged=counts["unchanged"],
            parked=counts["parked"],
            waiting=counts["waiting"],
        )

    def _planned(self, row: DealRow, now: datetime) -> str:
        terms = self.store.deals.terms(row.opportunity_id)
        deal = self.store.deals.content(row.opportunity_id)
        try:
            plan = self.plan_of(deal, terms, now)
        except Refused as error:
            finding = Finding(
                code=f"plan_{error.code}",
                message=str(error),
                fix="Correct the deal in Salesforce or the contract in billing, then release it.",
                record_id=row.opportunity_id,
            )
            return self._park(row, [finding], now)
        if plan.is_empty and not plan.holds:
            self.store.parked.resolve(row.opportunity_id, now)
            self.store.plans.supersede(row.opportunity_id)
            self.store.deals.provisioned(row, now, terms.customer.id, terms.contract_id)
            return "unchanged"
        stored = self.store.plans.save(plan, now)
        if stored.may_apply:
            self.store.deals.waits(row, "apply", "", now)
            return "done"
        return self._park(row, list(plan.holds), now)

    def _wait_for(self, row: DealRow, contract_id: str, now: datetime) -> str:
        """Another deal brings the contract this one changes: wait while it is on its way."""
        owner = self.store.deals.owner(contract_id)
        if owner is not None and owner.waits_for is not None:
            reason = f"waits for contract {contract_id} of {owner.opportunity_id}"
            self.store.deals.waits(row, self.name, reason, now)
            return "waiting"
        what = "is parked" if owner and owner.outcome is Outcome.PARKED else "was never provisioned"
        told = f"opportunity {owner.opportunity_id}" if owner else f"contract {contract_id}"
        finding = Finding(
            code=CONTRACT_MISSING,
            message=f"the contract this deal changes does not exist: {told} {what}",
            fix="Provision the original deal first (release it, or backfill its close date);"
            " this one follows by itself.",
            record_id=row.opportunity_id,
        )
        return self._park(row, [finding], now)

    def _park(self, row: DealRow, findings: list[Finding], now: datetime) -> str:
        deal_id = row.opportunity_id
        self.store.parked.park(self.name, deal_id, findings, now, opportunity_id=deal_id)
        self.store.deals.parked(row, now)
        return "parked"
