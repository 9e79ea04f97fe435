"""A small world for the line: a CRM in memory, a real engine, a real store, and a clock to move.

The mapping here is the smallest one that makes terms: one prepaid commit per opportunity product.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, ScheduleItem
from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CustomerTerms,
    Deal,
    DealKind,
    EditContract,
    Finding,
    MoneyEffect,
    Plan,
    PlanStep,
    Record,
    Rejected,
    Terms,
)
from closedwon.engine import Engine
from closedwon.kernel import strict_json
from closedwon.kernel.ids import derive, id18
from closedwon.kernel.instant import Interval
from closedwon.step import Step
from closedwon.store.database import open_database
from closedwon.store.line import LineStore
from closedwon.store.migrations import migrate
from closedwon.sync.apply import Apply
from closedwon.sync.assemble import Assemble
from closedwon.sync.figures import Figures
from closedwon.sync.finalize import Finalize
from closedwon.sync.line import settle
from closedwon.sync.map import Map
from closedwon.sync.plan import MakePlan
from closedwon.sync.poll import Poll, PollOptions
from closedwon.sync.push import Push
from closedwon.targets import EmbeddedTarget
from closedwon.testing.crm import FakeCrm
from closedwon.usage import open_usage

START = datetime(2024, 1, 1, tzinfo=UTC)
COMMIT_PRODUCT = "76e57c3a-064f-49ad-8740-2bff58f2f808"
ACCOUNT = id18("001Fk0000000001")
VERSION = "mapping-1"

SOURCE = DealSource(
    root="Opportunity",
    trigger="IsWon = true",
    fields=("AccountId", "Amends__c", "IsWon", "Name"),
    children=(
        ChildSource(
            name="lines",
            object_name="OpportunityLineItem",
            link="OpportunityId",
            parent="deal.Id",
            to_root="OpportunityId",
            fields=("TotalPrice",),
        ),
    ),
)


def fingerprint(record: Record, children: Mapping[str, tuple[Record, ...]]) -> str:
    def fields(row: Record) -> dict[str, Any]:
        return {name: row[name] for name in row if name != "SystemModstamp"}

    rows = {name: [fields(row) for row in found] for name, found in children.items()}
    return strict_json.fingerprint({"deal": fields(record), **rows})


def a_crm(clock: Callable[[], datetime]) -> FakeCrm:
    """An org without records."""
    return FakeCrm(
        SOURCE,
        won=lambda record: bool(record.get("IsWon")),
        fingerprint=fingerprint,
        clock=clock,
    )


def win(crm: FakeCrm, name: str, amounts: tuple[str, ...], **more: Any) -> str:
    """Close an opportunity with one line per amount; returns its id."""
    fields = {"Name": name, "IsWon": True, "AccountId": ACCOUNT, "Amends__c": None, **more}
    opportunity_id = crm.put("Opportunity", fields)
    for amount in amounts:
        line = {"OpportunityId": opportunity_id, "TotalPrice": Decimal(amount)}
        crm.put("OpportunityLineItem", line)
    return opportunity_id


@dataclass
class World:
    """Everything a story needs; ``sync`` is what the daemon does in a cycle."""

    directory: Path
    now: datetime = START
    big: Decimal = Decimal(1_000_000)
    """A line above this holds the plan for a person."""
    version: str = VERSION
    crm: FakeCrm = None  # type: ignore[assignment]
    """Made anew unless given."""
    engine: Engine = field(init=False)
    store: LineStore = field(init=False)

    def __post_init__(self) -> None:
        self.crm = self.crm or a_crm(lambda: self.now)
        self.open()
        version = ProductVersion(starting_at=START, name="Enterprise Commit")
        product = Product(id=COMMIT_PRODUCT, type=ProductType.FIXED, versions=(version,))
        self.engine.create_product(product, START)

    def open(self) -> None:
        """Open the state anew, as a restart does."""
        db = open_database(self.directory / "state.db")
        migrate(db)
        self.store = LineStore(db)
        self.engine = Engine(db, open_usage(self.directory / "usage"))

    def steps(self) -> tuple[Step, ...]:
        """The whole line."""
        poll_from = PollOptions(start_from=START - timedelta(days=1))
        return (
            Poll(store=self.store, crm=self.crm, source=SOURCE, options=poll_from),
            Assemble(store=self.store, crm=self.crm, mapping_versions=(self.version,)),
            Map(store=self.store, terms_of=self.terms_of, withdrawn=self.withdrawn),
            MakePlan(store=self.store, plan_of=self.plan_of, exists=self.exists),
            self.apply(),
            Finalize(engine=self.engine),
            Figures(
                store=self.store, engine=self.engine, environment="sandbox", root="Opportunity"
            ),
            Push(store=self.store, crm=self.crm),
        )

    def apply(self) -> Apply:
        """The step that writes billing."""
        return Apply(
            store=self.store,
            plan_of=self.plan_of,
            target=EmbeddedTarget(self.engine),
        )

    def step(self, name: str) -> Step:
        """One step of the line."""
        return next(step for step in self.steps() if step.name == name)

    def sync(self, *, later: timedelta = timedelta(minutes=5)) -> None:
        """Let time pass and run the line until it is quiet."""
        self.now += later
        for _ in settle(self.steps(), self.store, self.now):
            pass

    def win(self, name: str = "Acme", amounts: tuple[str, ...] = ("50000",), **more: Any) -> str:
        """Close an opportunity with one line per amount; returns its id."""
        return win(self.crm, name, amounts, **more)

    def add_line(self, opportunity_id: str, amount: str) -> str:
        """Add a line; only the line's own stamp moves."""
        fields = {"OpportunityId": opportunity_id, "TotalPrice": Decimal(amount)}
        return self.crm.put("OpportunityLineItem", fields)

    def exists(self, contract_id: str) -> bool:
        """Whether billing has the contract."""
        return self.engine.digest(contract_id) != ""

    def terms_of(self, deal: Deal, _now: datetime) -> tuple[str, Terms | Rejected]:
        """One prepaid commit per line; a line without a price cannot be mapped."""
        if deal.record.get("IsWon") is not True:
            finding = Finding(code="not_won", message="it is no longer won", fix="Win it.")
            return self.version, Rejected(opportunity_id=deal.opportunity_id, findings=(finding,))
        lines = deal.children["lines"]
        blank = [line["Id"] for line in lines if line["TotalPrice"] is None]
        if blank:
            finding = Finding(
                code="no_price",
                message="a line without a price",
                fix="Enter TotalPrice.",
                record_id=blank[0],
                field="TotalPrice",
                place="mappings/test.yaml:7:3",
            )
            return self.version, Rejected(opportunity_id=deal.opportunity_id, findings=(finding,))
        return self.version, self._terms(deal, tuple(self._commit(deal, line) for line in lines))

    def _terms(self, deal: Deal, commits: tuple[Commit, ...]) -> Terms:
        amends = deal.record.get("Amends__c")
        contract_id = derive("contract", self.crm.org_id(), amends or deal.opportunity_id)
        account_id = deal.record["AccountId"]
        customer_id = derive("customer", self.crm.org_id(), account_id)
        create = Create(
            customer_id=customer_id,
            term=Interval(START, datetime(2027, 1, 1, tzinfo=UTC)),
            name=str(deal.record["Name"]),
            terms=Added(commits=commits),
        )
        amend = Amend(starting_at=START, terms=Added(commits=commits))
        return Terms(
            opportunity_id=deal.opportunity_id,
            kind=DealKind.AMENDMENT if amends else DealKind.NEW,
            customer=CustomerTerms(id=customer_id, account_id=account_id, name="Acme"),
            contract_id=contract_id,
            contract=amend if amends else create,
            currency="USD",
            source=Source(opportunity_id=deal.opportunity_id),
            holds=self._holds(commits),
        )

    def _holds(self, commits: tuple[Commit, ...]) -> tuple[Finding, ...]:
        if all(commit.access_total <= self.big * 100 for commit in commits):
            return ()
        return (Finding(code="big_deal", message="above the limit", fix="Release it."),)

    def _commit(self, deal: Deal, line: Record) -> Commit:
        cents = Decimal(line["TotalPrice"]) * 100
        commit_id = derive("commit", deal.opportunity_id, line["Id"])
        window = Interval(START, datetime(2025, 1, 1, tzinfo=UTC))
        return Commit(
            id=commit_id,
            kind=CommitKind.PREPAID,
            product_id=COMMIT_PRODUCT,
            name="Enterprise Commit",
            segments=(AccessSegment(id=derive("segment", commit_id), amount=cents, window=window),),
            payments=(
                ScheduleItem(
                    id=derive("payment", commit_id), timestamp=START, amount=cents, unit_price=cents
                ),
            ),
            created_at=START,
            source=Source(opportunity_id=deal.opportunity_id, line_ids=(line["Id"],)),
        )

    def withdrawn(self, deal: Deal, terms: Terms, now: datetime) -> Plan:
        """A person must know."""
        plan = self.plan_of(deal, terms, now)
        unwon = Finding(code="unwon", message="no longer won", fix="Win it again.")
        return replace(plan, steps=(), holds=(unwon,))

    def plan_of(self, deal: Deal, terms: Terms, _now: datetime) -> Plan:
        """What billing lacks of the commits."""
        steps: list[PlanStep] = []
        wanted = terms.contract.terms.commits
        known: set[str] = set()
        if self.exists(terms.contract_id):
            known = {c.id for c in self.engine.contract(terms.contract_id).commits}
        new = tuple(commit for commit in wanted if commit.id not in known)
        if self.engine.customer_of_account(terms.customer.account_id) is None:
            steps.append(CreateCustomer(customer=terms.customer))
        match terms.contract:
            case Create() if not self.exists(terms.contract_id):
                steps.append(CreateContract(contract_id=terms.contract_id, create=terms.contract))
            case _ if new:
                amend = Amend(starting_at=START, terms=Added(commits=new))
                steps.append(EditContract(contract_id=terms.contract_id, change=amend))
        return Plan(
            opportunity_id=deal.opportunity_id,
            opportunity_name=str(deal.record["Name"]),
            deal_fingerprint=deal.fingerprint,
            base=self.engine.digest(terms.contract_id),
            steps=tuple(steps),
            money=MoneyEffect(
                currency="USD",
                contract_value=sum((commit.cost_total for commit in new), Decimal(0)),
                access_granted=sum((commit.access_total for commit in new), Decimal(0)),
                invoices={},
            ),
            holds=terms.holds,
            source=terms.source,
        )
