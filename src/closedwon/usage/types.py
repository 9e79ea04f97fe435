"""Events and what ingest says about them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.usage.windows import UsageAsked, WindowValue


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One usage event as sent (R16); property values are text, exact numbers as sent.

    ``gc=False``: it holds texts only and is in no cycle, and there are many at once.
    """

    transaction_id: str
    customer_id: str
    """Customer id or ingest alias, resolved at query time (R21, R22)."""
    event_type: str
    timestamp: datetime
    properties: Mapping[str, str] = {}


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An event or line that was not stored, and why."""

    place: str
    """``file:line`` or index in the batch."""
    code: str
    message: str


class IngestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: accepted + duplicates + conflicts + rejected = sent."""

    accepted: int
    duplicates: int
    """Same id, same content: counted once, for good (R5, G11)."""
    contradicted: tuple[Rejection, ...] = ()
    """Same id, other content: first one stays, the second is kept in quarantine."""
    rejected: tuple[Rejection, ...] = ()

    @property
    def conflicts(self) -> int:
        """How many contradicted."""
        return len(self.contradicted)


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A raw customer identifier and the usage that came under it (R21)."""

    customer: str
    events: int
    first_at: datetime
    """Timestamp of its oldest event."""
    last_at: datetime


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was sent, once or again (R28)."""

    event: UsageEvent
    processed_at: datetime
    """When it was ingested; of repetitions, the last one."""
    is_duplicate: bool = False
    """Whether it was not counted, because its transaction id was stored before."""
    times: int = 1
    """How often it came like this."""


class Measuring(Protocol):
    """What can be measured."""

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values for all demands in one set-based query (D3)."""
        ...


class UsageStore(Measuring, Protocol):
    """Durable, deduplicated events and exact metering over them."""

    def ingest(self, events: Sequence[UsageEvent], now: datetime) -> IngestReport:
        """Store a batch durably before returning; safe to repeat."""
        ...

    def check_sql(self, sql: str) -> tuple[str, ...]:
        """Columns a SQL metric can be grouped by; raises Refused for what R38 does not allow."""
        ...

    def latest(self) -> int:
        """Sequence number of the newest stored event; grows with every accepted batch."""
        ...

    def senders(self) -> Mapping[str, int]:
        """Event count by raw customer identifier, to show unmatched usage (R21)."""
        ...

    def unmatched(self, known: Iterable[str]) -> Sequence[Sender]:
        """Who sends usage without being one of the ``known`` identifiers, most events first."""
        ...

    def windows(
        self, asked: Sequence[UsageAsked], edges: Sequence[datetime]
    ) -> tuple[WindowValue, ...]:
        """Values by customer and metric, then window between ``edges``, then group (R41, R42)."""
        ...

    def supposing(
        self, events: Sequence[UsageEvent], now: datetime, *, alone: bool = False
    ) -> Measuring:
        """The store as if ``events`` had been ingested at ``now``; nothing is stored (R44)."""
        ...

    def trace(self, transaction_ids: Sequence[str], now: datetime) -> Sequence[Traced]:
        """Events ingested in the last 34 days by transaction id, repetitions included (R28)."""
        ...

    def total(self, demand: Demand) -> Decimal:
        """Ungrouped value of one demand at its last cut."""
        ...
