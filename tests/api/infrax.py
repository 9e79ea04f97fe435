"""S1 over the wire, whoever signs its contracts: three years are lived, every figure is checked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from metronome.types.v1.customers import Invoice

from api.played import Story, dollars
from billing.world import at
from closedwon.finance.journal import LedgerAccount
from golden import s1

SEGMENTS = {50000: "A1", 200000: "A2", 250000: "A3", 300000: "B", 48135: "R", 600000: "C"}
"""Access windows by what they grant: the seeds name no commit."""
DETAILS = {
    "2024-11": [
        ("Analysis", "2592.8", "3241.00", "A1"),
        ("Analysis", "807.2", "1009.00", None),
        ("Storage", "120000", "2484.00", None),
    ],
    "2025-10": [
        ("Analysis", "16200", "17212.50", "A2"),
        ("Storage", "173750", "3197.00", "A2"),
        ("Storage", "306250", "5635.00", "B"),
    ],
    "2026-08": [
        ("Analysis", "2341.176470588", "2487.50", "B"),
        ("Analysis", "19858.823529411", "21100.00", "A3"),
        ("Storage", "810000", "14904.00", "A3"),
    ],
    "2027-01": [
        ("Analysis", "30000", "31875.00", "R"),
        ("Storage", "883695.652173913", "16260.00", "R"),
        ("Storage", "116304.347826086", "2140.00", "C"),
    ],
}
"""Published lines: name, quantity to nine places, dollars, what pays."""


@dataclass
class Infrax:
    """The customer, its contracts in their order, and what was seen on the way."""

    story: Story
    customer: str
    alias: str
    contracts: list[str]
    balances: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """At the end of each month, by segment."""
    alarms: dict[str, str | None] = field(default_factory=dict)
    """How the alert of October 2024 stood at some instants."""

    def live(self, upsell: Callable[[], object], renew: Callable[[], str]) -> None:
        """Every month's usage; the upsell of 2025-01-01 and the renewal as they are made."""
        low = self._alert("low_remaining_commit_balance_reached", 500_000)
        spend = self._alert("spend_threshold_reached", 1_000_000)
        for month in s1.MONTHS:
            first = at(f"{month.period}-01")
            if month.period == "2025-01":
                self.story.until(first)
                upsell()
            if month.period == "2027-01":
                self.story.until(at("2026-12-31T12:00"))
                self.contracts.append(renew())
            if month.period == "2024-10":
                self._october(low)
            else:
                self.story.used(f"{month.period}-15", self.alias, storage_gb=f"{month.storage_gb}")
                self.story.used(
                    f"{month.period}-16", self.alias, analysis_hours=f"{month.analysis_h}"
                )
            self.story.until(first + timedelta(days=27, hours=12))
            self.balances[month.period] = self._left()
            if month.period == "2024-01":
                self.alarms["spend"] = self._status(spend)
        self.story.until(at("2027-02-03"))

    def _october(self, alert: str) -> None:
        """Exactly 4,600.80 by the 20th: 2,620.8 h and 64,000 GB; 0.1 h before that is not enough."""
        used = self.story.used
        used("2024-10-05", self.alias, storage_gb="64000")
        used("2024-10-06", self.alias, analysis_hours="2620.7")
        self.story.until(at("2024-10-19"))
        self.alarms["4,600.675"] = self._status(alert)
        used("2024-10-20", self.alias, analysis_hours="0.1")
        self.story.until(at("2024-10-20"))
        self.alarms["4,600.80"] = self._status(alert)
        used("2024-10-21", self.alias, storage_gb="50000")
        used("2024-10-22", self.alias, analysis_hours="579.2")

    def _alert(self, kind: Any, cents: int) -> str:
        made = self.story.sdk.v1.alerts.create(
            alert_type=kind, name=kind, threshold=cents, customer_id=self.customer
        )
        return made.data.id

    def _status(self, alert: str) -> str | None:
        found = self.story.sdk.v1.customers.alerts.retrieve(
            alert_id=alert, customer_id=self.customer
        )
        return found.data.customer_status

    def commits(self) -> list[Any]:
        """Of all contracts, with balances and ledgers."""
        retrieve = self.story.sdk.v2.contracts.retrieve
        flags = {"include_balance": True, "include_ledgers": True}
        return [
            commit
            for contract in self.contracts
            for commit in retrieve(
                customer_id=self.customer, contract_id=contract, **flags
            ).data.commits
        ]

    def _left(self) -> dict[str, Decimal]:
        """By segment what is left of those that run now."""
        now = self.story.server.clock()
        return {
            SEGMENTS[int(dollars(one.amount))]: dollars(commit.balance)
            for commit in self.commits()
            for one in commit.access_schedule.schedule_items
            if one.starting_at <= now < one.ending_before
        }

    def segments(self) -> dict[str, str]:
        """Published name of each segment id."""
        return {
            one.id: SEGMENTS[int(dollars(one.amount))]
            for commit in self.commits()
            for one in commit.access_schedule.schedule_items
        }

    def invoices(self, kind: str) -> list[Invoice]:
        return self.story.invoices(self.customer, type=kind, status="FINALIZED")


def check_infrax(told: Infrax) -> None:
    """All that metronome.md publishes of S1."""
    check_months(told)
    check_lines(told)
    check_scheduled(told)
    check_ledgers(told)
    check_books(told)
    assert told.alarms == {"4,600.675": "ok", "4,600.80": "in_alarm", "spend": "ok"}


def check_months(told: Infrax) -> None:
    """Quantities, amounts, who pays, what is due and what is left, month by month."""
    names = told.segments()
    found = told.invoices("USAGE")
    assert [one.start_timestamp for one in found] == [at(f"{m.period}-01") for m in s1.MONTHS]
    for invoice, month in zip(found, s1.MONTHS, strict=True):
        usage = [line for line in invoice.line_items if line.type == "usage"]
        gross, quantity, applied = {}, {}, {}
        for name in ("Storage", "Analysis"):
            mine = [line for line in usage if line.name == name]
            gross[name] = sum(dollars(line.total) for line in mine)
            quantity[name] = sum(Decimal(str(line.quantity)) for line in mine)
        for line in invoice.line_items:
            if line.type == "applied_commit_or_credit":
                segment = names[str(line.commit_segment_id)]
                applied[segment] = applied.get(segment, Decimal(0)) - dollars(line.total)
        assert gross == {"Storage": month.storage, "Analysis": month.analysis}
        assert quantity["Storage"].quantize(Decimal("1e-8")) == month.storage_gb
        assert quantity["Analysis"].quantize(Decimal("1e-8")) == month.analysis_h
        assert applied == month.applied
        assert dollars(invoice.total) == month.total
        assert told.balances[month.period] == month.balances
        assert invoice.issued_at == invoice.end_timestamp + timedelta(hours=24)


def check_lines(told: Infrax) -> None:
    names = told.segments()
    for invoice in told.invoices("USAGE"):
        period = f"{invoice.start_timestamp:%Y-%m}"
        if period in DETAILS:
            lines = sorted(
                (
                    line.name,
                    nine_places(line.quantity),
                    f"{dollars(line.total):.2f}",
                    line.commit_segment_id,
                )
                for line in invoice.line_items
                if line.type == "usage"
            )
            shown = [(name, units, total, names.get(str(by))) for name, units, total, by in lines]
            assert sorted(shown, key=str) == sorted(DETAILS[period], key=str), period
    (november,) = (one for one in told.invoices("USAGE") if one.start_timestamp == at("2024-11-01"))
    applied = [one for one in november.line_items if one.type == "applied_commit_or_credit"]
    assert [(one.name, dollars(one.total)) for one in applied] == [
        ("Enterprise Commit applied", Decimal(-3241))
    ]


def nine_places(quantity: float | None) -> str:
    """Cut after nine places, as published."""
    cut = Decimal(str(quantity)).quantize(Decimal("1e-9"), ROUND_DOWN)
    return f"{cut.normalize():f}"


def check_scheduled(told: Infrax) -> None:
    found = told.invoices("SCHEDULED")
    assert {f"{one.issued_at:%Y-%m-%d}": dollars(one.total) for one in found} == s1.SCHEDULED
    paid = sum(amount for day, amount in s1.SCHEDULED.items() if day < "2027")
    overage = sum(dollars(one.total) for one in told.invoices("USAGE"))
    assert paid + overage == Decimal("815601.20")


def check_ledgers(told: Infrax) -> None:
    ledgers = {}
    for commit in told.commits():
        grant = int(dollars(commit.access_schedule.schedule_items[0].amount))
        ledgers[SEGMENTS[grant][0]] = commit.ledger
    shown = {
        name: [
            (
                f"{one.timestamp:%Y-%m-%d}",
                one.type.removeprefix("PREPAID_COMMIT_"),
                dollars(one.amount),
            )
            for one in ledger
        ]
        for name, ledger in ledgers.items()
    }
    assert shown["A"] == s1.LEDGER_A
    assert shown["B"] == s1.LEDGER_B
    assert shown["R"] == [
        ("2027-01-01", "SEGMENT_START", Decimal(48135)),
        ("2027-02-01", "AUTOMATED_INVOICE_DEDUCTION", Decimal(-48135)),
    ]
    assert ledgers["A"][-1].new_contract_id == told.contracts[1]


def check_books(told: Infrax) -> None:
    """What is earned is no part of the wire: the journal of the same state says it."""
    with told.story.engine() as engine:
        posted = engine.postings(at("2024-01-01").date(), at("2025-01-01").date())
    earned = [-one.minor for one in posted if one.account is LedgerAccount.REVENUE]
    assert Decimal(sum(earned)) / 100 == Decimal("65601.20")
