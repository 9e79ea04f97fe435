"""What can be asked of a usage store besides bills; ``UsageLog`` answers all of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.kernel.exact import ZERO
from closedwon.usage.reading import (
    SEARCH,
    TRACED,
    UNMATCHED,
    Found,
    found_rows,
    senders,
    traced,
)
from closedwon.usage.sql.parse import query_of
from closedwon.usage.supposed import SupposedUsage, supposing
from closedwon.usage.tail import Snapshot
from closedwon.usage.types import Sender, Traced, UsageEvent
from closedwon.usage.windows import UsageAsked, WindowValue, window_values


class Questions(ABC):
    """Questions put together from a few that a store answers itself."""

    @abstractmethod
    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values for all ``demands``."""

    @abstractmethod
    def measured_over(self, snapshot: Snapshot, demands: Iterable[Demand]) -> Quantities:
        """The same over a given snapshot of this store."""

    @abstractmethod
    def query(
        self, sql: str, tables: Mapping[str, pa.Table] | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of an SQL query over the relation ``event`` and ``tables``."""

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """What is stored now."""

    @abstractmethod
    def quarantined(self) -> list[tuple[int, UsageEvent, datetime]]:
        """(sequence of the event kept, the other version, when it was sent), oldest first."""

    @abstractmethod
    def repeats(self, sequences: Iterable[int]) -> Mapping[int, tuple[int, datetime]]:
        """How often, and when last, stored events came again unchanged."""

    def check_sql(self, sql: str) -> tuple[str, ...]:
        """Columns a SQL metric can be grouped by; raises Refused for what R38 does not allow."""
        return query_of(sql).group_keys

    def total(self, demand: Demand) -> Decimal:
        """Ungrouped value of one demand at its last cut; zero without events (R43)."""
        found = self.measure([msgspec.structs.replace(demand, group_keys=())])[demand.key]
        return found[-1].value if found else ZERO

    def senders(self) -> Mapping[str, int]:
        """Event count by raw customer identifier, to show unmatched usage (R21)."""
        return dict(self.query("select customer, count(*) from event group by 1 order by 1"))

    def unmatched(self, known: Iterable[str]) -> tuple[Sender, ...]:
        """Who sends usage without being one of the ``known`` identifiers, most events first (R21).

        Their events are kept, and count as soon as a customer has their identifier (R22).
        """
        table = pa.table({"customer": pa.array(sorted(set(known)), pa.string())})
        return senders(self.query(UNMATCHED, {"known": table}))

    def trace(self, transaction_ids: Sequence[str], now: datetime) -> tuple[Traced, ...]:
        """Events ingested in the last 34 days by transaction id, repetitions included (R28).

        In order of ingest; after an event, what came again under its id and was not counted.
        """
        found = [one for one in self.search(transaction_ids) if now - one.ingested_at <= TRACED]
        return traced(found, self.repeats([one.sequence for one in found]))

    def search(self, transaction_ids: Sequence[str]) -> tuple[Found, ...]:
        """Stored events with these ids and their refused versions, in order of ingest (R28)."""
        wanted = pa.table({"transaction_id": pa.array(sorted(set(transaction_ids)), pa.string())})
        return found_rows(self.query(SEARCH, {"wanted": wanted}), self.quarantined())

    def supposing(
        self, events: Sequence[UsageEvent], now: datetime, *, alone: bool = False
    ) -> SupposedUsage:
        """The store as if ``events`` had been ingested at ``now``; nothing is stored (R44).

        ``alone`` looks at ``events`` only. Raises Refused for more than 100, or a malformed one.
        """
        return supposing(self, events, now, alone=alone)

    def windows(
        self, asked: Sequence[UsageAsked], edges: Sequence[datetime]
    ) -> tuple[WindowValue, ...]:
        """Values by customer and metric, then window between ``edges``, then group (R41, R42)."""
        return window_values(self.measure, asked, edges)
