"""apply: carry plans out; all of one deal in one transaction, billing included (D5, G1)."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from closedwon.deals.types import Deal, Finding, Plan, Terms
from closedwon.kernel.errors import Conflict, Refused, RetryLater
from closedwon.ports import Target
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome
from closedwon.store.line.plans import StoredPlan

BATCH_MAX = 200
AWAY_AFTER = 3
"""Deals in a row for which the target was not able; then it is asked whether it is there at all."""
WAITING_MAX = 20
"""Deals of one run for which it was not able; each of them costs its patience."""
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
    """Where plans are carried out; the embedded engine joins the open transaction, what is outside
    goes before it."""
    unblocks: tuple[str, ...] = ()
    """Mapping findings that the arrival of any contract may settle; such deals are mapped again."""
    name: str = "apply"

    def run(self, now: datetime) -> StepReport:
        """One batch; a deal billing refuses is rolled back whole and parked alone (G13).

        What began outside is finished first, whatever the deal says now. Raises RetryLater when the
        target is away and nothing could be done; the deals wait.
        """
        counts: Counter[str] = Counter()
        unable: list[RetryLater] = []
        in_a_row = 0
        for row, work in self._work(now):
            try:
                counts[work()] += 1
                in_a_row = 0
            except POISON as error:
                with writing(self.store.db):
                    self._park(row, error, now)
                counts["parked"] += 1
            except RetryLater as error:
                unable.append(error)
                in_a_row += 1
                counts["waiting"] += 1
                if len(unable) == WAITING_MAX or (in_a_row == AWAY_AFTER and self._is_away()):
                    break
        if unable and not (counts["done"] or counts["parked"]):
            raise unable[0]
        return StepReport(
            step=self.name,
            done=counts["done"],
            unchanged=counts["unchanged"],
            parked=counts["parked"],
            waiting=counts["waiting"],
            notes=tuple(str(error) for error in unable[:1]),
        )

    def _is_away(self) -> bool:
        """Whether it is the target that is not able, and not some deals alone (G13)."""
        try:
            self.target.check()
        except RetryLater:
            return True
        return False

    def _work(self, now: datetime) -> Iterator[tuple[DealRow, Callable[[], str]]]:
        """Each deal with what is to be done for it: begun plans, then deals that wait."""
        for plan in self.target.begun():
            row = self.store.deals.get(plan.opportunity_id)
            live = self.store.plans.live(plan.opportunity_id)
            is_next = row.waits_for == self.name and live is not None and live.plan == plan
            needs_person = row.outcome is Outcome.PARKED and row.waits_for is None
            if not (is_next or needs_person):
                yield row, partial(self._finish, row, plan, now)
        for row in self.store.deals.waiting(self.name, BATCH_MAX):
            yield row, partial(self._carry_out, row, now)

    def apply_as_planned(self, plan: Plan, by: str, now: datetime) -> None:
        """Apply the live plan of a deal if it is the one a person looked at.

        Raises Conflict when the deal or billing moved since ``plan`` was made, NotFound when the
        deal was never seen; nothing is changed then.
        """
        deal_id = plan.opportunity_id
        if self.target.is_remote:
            live = self._live_as(plan)
            if not self._still_holds(live, now):
                raise _moved(deal_id)
            self.target.send(live.plan, now=now)
        with writing(self.store.db):
            row = self.store.deals.get(deal_id)
            self._live_as(plan)
            self.store.plans.release(deal_id, by, now)
            self.store.parked.release(deal_id, by, now)
            if self._apply(row, now) != "done":
                raise _moved(deal_id)

    def _live_as(self, plan: Plan) -> StoredPlan:
        """The live plan of the deal; raises Conflict when it is not the one looked at."""
        self.store.deals.get(plan.opportunity_id)
        live = self.store.plans.live(plan.opportunity_id)
        if live is None or _facts(live.plan) != _facts(plan):
            raise Conflict(
                "the world moved since this plan was made; make a new one",
                opportunity=plan.opportunity_id,
            )
        return live

    def _carry_out(self, row: DealRow, now: datetime) -> str:
        """The live plan outside, where there is an outside, and then here."""
        if self.target.is_remote:
            live = self.store.plans.live(row.opportunity_id)
            if live is not None and live.may_apply and self._still_holds(live, now):
                self.target.send(live.plan, now=now)
        with writing(self.store.db):
            return self._apply(row, now)

    def _finish(self, row: DealRow, plan: Plan, now: datetime) -> str:
        """A plan that began outside while its deal went on; the deal is read again after it."""
        deal_id = row.opportunity_id
        self.target.send(plan, now=now)
        terms = self.store.deals.terms(deal_id)
        with writing(self.store.db):
            self.target.apply(plan, by=BY, now=now)
            self.store.parked.resolve(deal_id, now)
            contract_id = row.contract_id or terms.contract_id
            self.store.deals.provisioned(row, now, terms.customer.id, contract_id)
            self.store.deals.mark([deal_id], now, forced=True)
        return "done"

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


def _moved(deal_id: str) -> Conflict:
    told = "billing moved since this plan was made; make a new one"
    return Conflict(told, opportunity=deal_id)
