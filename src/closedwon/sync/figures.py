"""figures: what Salesforce should show, from scratch, compared with what it was told."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from closedwon.engine import Engine
from closedwon.finance.figures import Picture, SyncState, WantedRow, customer_rows, sync_row
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome
from closedwon.store.line.parked import ParkedRow
from closedwon.store.line.plans import plan_text

CUSTOMERS_TOGETHER = 500
"""Customers billed with one question to the usage store."""
SUSPENDED = ("deal_deleted", "deal_not_visible", "unwon")
"""Findings that mean a provisioned deal is no longer a deal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Reads the engine and the deals; writes the rows wanted in Salesforce."""

    store: LineStore
    engine: Engine
    environment: str
    root: str
    """Root object of the mapping."""
    console_url: str = ""
    bills_here: bool = True
    """Whether our engine bills; else only what became of the deals is shown."""
    name: str = "figures"

    def run(self, now: datetime) -> StepReport:
        """All customers and deals; only rows that differ are written. No effect outside.

        A customer whose bill cannot be made is noted and left as it was (G13).
        """
        customers = self.engine.customers() if self.bills_here else ()
        ids = [customer.id for customer in customers]
        notes: list[str] = []
        changed = total = 0
        reasons = self._reasons()
        gone = {who for who, why in reasons.items() if "deal_deleted" in {one.code for one in why}}
        for at in range(0, len(ids), CUSTOMERS_TOGETHER):
            rows = [
                _pointing_nowhere(row) if row.opportunity_id in gone else row
                for row in self._customers(ids[at : at + CUSTOMERS_TOGETHER], notes, now)
            ]
            with writing(self.store.db):
                changed += self.store.pushes.want(rows, now)
            total += len(rows)
        with writing(self.store.db):
            deals = self._sync_rows(reasons)
            changed += self.store.pushes.want(deals, now)
        total += len(deals)
        return StepReport(
            step=self.name, done=changed, unchanged=total - changed, notes=tuple(notes)
        )

    def _customers(self, ids: list[str], notes: list[str], now: datetime) -> list[WantedRow]:
        found = self.engine.bills(ids, now)
        notes += [f"customer {who}: {why}" for who, why in found.failures.items()]
        catalog = self.engine.catalog()
        rows: list[WantedRow] = []
        for customer_id, bill in found.bills.items():
            picture = Picture(
                account=found.accounts[customer_id],
                bill=bill,
                catalog=catalog,
                now=now,
                environment=self.environment,
                console_url=self.console_url,
            )
            rows += customer_rows(picture)
        return rows

    def _reasons(self) -> dict[str, list[ParkedRow]]:
        """Open reasons by what they stop."""
        reasons: dict[str, list[ParkedRow]] = {}
        for parked in self.store.parked.open():
            reasons.setdefault(parked.subject, []).append(parked)
        return reasons

    def _sync_rows(self, reasons: dict[str, list[ParkedRow]]) -> list[WantedRow]:
        found = []
        for deal in self.store.deals.all():
            row = sync_row(
                self._state(deal, reasons.get(deal.opportunity_id, [])), self.environment
            )
            if deal.outcome is not Outcome.EXCLUDED or self.store.pushes.knows(row.key):
                found.append(row)
        return found

    def _state(self, deal: DealRow, reasons: list[ParkedRow]) -> SyncState:
        held = self.store.plans.live(deal.opportunity_id) if reasons else None
        codes = {reason.code for reason in reasons}
        gone = "deal_deleted" in codes or deal.reason.startswith("deleted")
        told = [f"[{r.code}] {r.message} Fix: {r.fix}" for r in reasons]
        return SyncState(
            opportunity_id=deal.opportunity_id,
            object_name=self.root,
            stage=_stage(deal, reasons),
            severity="Error" if reasons else "Info",
            messages=told or ([deal.reason] if deal.reason else []),
            field=next((reason.field for reason in reasons if reason.field), ""),
            preview=plan_text(held.plan) if held is not None else "",
            attempts=max((reason.attempts for reason in reasons), default=0),
            last_attempt_at=max((reason.last_seen_at for reason in reasons), default=None),
            is_deleted=gone,
        )


def _pointing_nowhere(row: WantedRow) -> WantedRow:
    """The row without its look-up to a deleted opportunity, which Salesforce would refuse."""
    fields = {name: value for name, value in row.fields.items() if name != "Opportunity__c"}
    return replace(row, fields=fields)


def _stage(deal: DealRow, reasons: list[ParkedRow]) -> str:
    match deal.outcome:
        case Outcome.PROVISIONED:
            return "Amended" if deal.kind == "amendment" else "Provisioned"
        case Outcome.EXCLUDED:
            return "Skipped"
        case Outcome.WAITING:
            return "Received" if deal.fingerprint is None else "Waiting"
        case Outcome.PARKED:
            if any(reason.code in SUSPENDED for reason in reasons):
                return "Suspended"
            held = any(reason.step == "plan" for reason in reasons)
            return "Ready For Review" if held else "Needs Attention"
