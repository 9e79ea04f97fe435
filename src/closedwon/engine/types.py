"""What the engine asks for and answers with, beside the billing types."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from closedwon.billing.account import Account, Bill
from closedwon.billing.columns.panel import Increments, Panel
from closedwon.billing.contracts.edits import Edit
from closedwon.billing.contracts.source import Source
from closedwon.billing.invoices.types import Line
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.usage.types import Sender, Traced, UsageEvent
from closedwon.usage.windows import UsageAsked, WindowValue


class Meter(Protocol):
    """The part of a usage store that billing needs; ``usage.types.UsageStore`` has it."""

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values for all demands in one set-based query (D3)."""
        ...


class Usage(Meter, Protocol):
    """All the engine asks of a usage store."""

    def latest(self) -> int:
        """Grows with every stored event; equal numbers mean the same events."""
        ...

    def check_sql(self, sql: str) -> tuple[str, ...]:
        """Columns a SQL metric can be grouped by; raises Refused for what R38 does not allow."""
        ...

    def supposing(
        self, events: Sequence[UsageEvent], now: datetime, *, alone: bool = False
    ) -> Meter:
        """The store as if ``events`` had been ingested at ``now``; nothing is stored (R44)."""
        ...

    def measure_panels(self, panels: Sequence[Panel]) -> Sequence[Increments]:
        """As ``measure``, for the same demands of many customers, answered as columns."""
        ...

    def windows(
        self, asked: Sequence[UsageAsked], edges: Sequence[datetime]
    ) -> Sequence[WindowValue]:
        """Values by customer and metric, then window between ``edges``, then group (R41, R42)."""
        ...

    def unmatched(self, known: Iterable[str]) -> Sequence[Sender]:
        """Who sends usage without being one of the ``known`` identifiers (R21)."""
        ...

    def trace(self, transaction_ids: Sequence[str], now: datetime) -> Sequence[Traced]:
        """Events of the last 34 days by transaction id, repetitions included (R28)."""
        ...


class FinalizeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one ``finalize`` did."""

    customers: int = 0
    """Customers whose bill was settled."""
    invoices: int = 0
    entries: int = 0
    """Ledger entries that became final."""
    parked: int = 0
    """Customers whose bill could not be made; see ``Engine.problems``."""
    remaining: int = 0
    """Customers left for the next call."""
    warnings: tuple[str, ...] = ()
    """At most WARNINGS_MAX of what the bills warn about, with the customer in front."""


WARNINGS_MAX = 100


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """Bills of many customers at one instant, by customer id."""

    accounts: Mapping[str, Account]
    bills: Mapping[str, Bill]
    failures: Mapping[str, str]
    """Why there is no bill for the others."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One term or rate behind a line, the edit that brought it and the deal behind that."""

    kind: str
    """rate, override, commit, recurring, subscription, charge or rollover."""
    id: str
    name: str
    edit: Edit | None = None
    """None for a rate, which belongs to the catalogue, and a commit of the customer itself."""
    source: Source | None = None
    """Opportunity, quote, quote lines and mapping rule; None for what an API caller created."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why an invoice line is what it is (D10)."""

    invoice_id: str
    number: int
    line: Line
    metric_id: str | None
    """Metric whose events in the line's window make its quantity."""
    customer_ids: tuple[str, ...]
    """Identifiers those events carry."""
    causes: tuple[Cause, ...]
