"""apply: carry plans out; all of one deal in one transaction, billing included (D5, G1)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedwon.deals.types import Deal, Finding, Plan, Terms
from closedwon.kernel.errors import Conflict, Refused
from closedwon.ports import Target
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow
from closedwon.store.line.plans import StoredPlan

BATCH_MAX = 200
BY = "sync"
"""Who acts, in the audit log."""
POISON = (Refused, ArithmeticError, LookupError, TypeError, ValueError)
"""What one deal may make billing raise; anything else stops the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Reads plans that may be applied; writes billing through ``target``."""

    store: LineStore
    plan_of: Callable[[Deal, Terms, datetime], Plan]
    target: Target
    """Where plans are carried out; the embedded engine joins the open transaction."""
    unblocks: tuple[str, ...] = ()
    """Mapping findings that the arrival of any contract may settle; such deals are mapped again."""
    name: str = "apply"

    def run(self, now: datetime) -> StepReport:
        """One batch; a deal billing refuses is rolled back whole and parked alone (G13)."""
        counts: Counter[str] = Counter()
        for row in self.store.deals.waiting(self.name, BATCH_MAX):
            try:
                with writing(self.store.db):
                    counts[self._apply(row, now)] += 1
            except POISON as error:
                with writing(self.store.db):
                    self._park(row, error, now)
                counts["parked"] += 1
        return StepReport(
            step=self.name,
            done=counts["done"],
            unchanged=counts["unchanged"],
            parked=counts["parked"],
            waiting=counts["waiting"],
        )

    def apply_as_planned(self, plan: Plan, by: str, now: datetime) -> None:
        """Apply the live plan of a deal if it is the one a person looked at.

        Raises Conflict when the deal or billing moved since ``plan`` was made, NotFound when the
        deal was never seen; nothing is changed then.
        """
        with writing(self.store.db):
            row = self.store.deals.get(plan.opportunity_id)
            live = self.store.plans.live(plan.opportunity_id)
            if live is None or _facts(live.plan) != _facts(plan):
                raise Conflict(
                    "the world moved since this plan was made; make a new one",
                    opportunity=plan.opportunity_id,
                )
            self.store.plans.release(plan.opportunity_id, by, now)
            self.store.parked.release(plan.opportunity_id, by, now)
            if self._apply(row, now) != "done":
                raise Conflict(
                    "billing moved since this plan was made; make a new one",
                    opportunity=plan.opportunity_id,
                )

    def _apply(self, row: DealRow, now: datetime) -> str:
        deal_id = row.opportunity_id
        live = self.store.plans.live(deal_id)
        if live is None or not live.may_apply or not self._still_holds(live, now):
            self.store.plans.supersede(deal_id)
            self.store.deals.waits(row, "plan", "billing moved since it was planned", now)
            return "waiting"
        terms = self.store.deals.terms(deal_id)
        self.target.apply(live.plan, by=BY, now=now)
        self.store.plans.applied(live.digest, now)
        self.store.parked.resolve(deal_id, now)
        self.store.deals.provisioned(row, now, terms.customer.id, terms.contract_id)
        self.store.deals.parked_for(["contract_missing"], "plan")
        self.store.deals.parked_for(self.unblocks, "map")
        return "done"

    def _still_holds(self, live: StoredPlan, now: datetime) -> bool:
        """Whether planning the stored terms again gives the same plan."""
        deal_id = live.plan.opportunity_id
        deal = self.store.deals.content(deal_id)
        fresh = self.plan_of(deal, self.store.deals.terms(deal_id), now)
        return _facts(fresh) == _facts(live.plan)

    def _park(self, row: DealRow, error: Exception, now: datetime) -> None:
        finding = Finding(
            code=f"billing_{error.code if isinstance(error, Refused) else 'failed'}",
            message=f"billing refused the plan: {str(error) or type(error).__name__}",
            fix="Correct the deal in Salesforce or the contract in billing, then release it.",
            record_id=row.opportunity_id,
        )
        deal_id = row.opportunity_id
        self.store.parked.park(self.name, deal_id, [finding], now, opportunity_id=deal_id)
        self.store.deals.parked(row, now)


def _facts(plan: Plan) -> tuple[object, ...]:
    """What must not have moved between planning and applying."""
    return (plan.deal_fingerprint, plan.base, plan.money, len(plan.steps))
