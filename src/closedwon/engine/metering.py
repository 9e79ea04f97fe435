"""The part of ``Engine`` that is about metrics and usage (metronome.md 3.B, 3.C)."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from closedwon.billing.account import BillingSettings
from closedwon.billing.catalog.types import Catalog, Metric
from closedwon.billing.invoices.types import Invoice
from closedwon.engine import metrics
from closedwon.engine.command import API
from closedwon.engine.preview import (
    Previewer,
    PreviewEvent,
    PreviewMode,
    without_zero_lines,
)
from closedwon.engine.types import Usage
from closedwon.engine.usage_queries import MatchedEvent, UsageQueries
from closedwon.store.stores import Stores
from closedwon.usage.types import Sender


class Metering:
    """Commands and queries on metrics and usage; ``Engine`` has them all."""

    stores: Stores
    usage: Usage
    settings: BillingSettings

    @abstractmethod
    def catalog(self) -> Catalog:
        """Metrics, products, rate cards and credit types by id."""

    @property
    def usage_queries(self) -> UsageQueries:
        """Usage by window and group, and the current billing period (R41-R43)."""
        return UsageQueries(self.stores, self.usage)

    def create_metric(self, metric: Metric, now: datetime, by: str = API) -> None:
        """Add a metric; again the same changes nothing, other content is a Conflict.

        Raises Refused for SQL that R38 does not allow, naming line, column and what is allowed.
        """
        metrics.create(self.stores, self.usage, metric, by=by, now=now)

    def rename_metric(self, metric_id: str, name: str, now: datetime, by: str = API) -> None:
        """Give a metric another name, the only thing of it that can change (R37)."""
        metrics.rename(self.stores, metric_id, name, by=by, now=now)

    def archive_metric(self, metric_id: str, now: datetime, by: str = API) -> None:
        """Keep new products from using a metric; those that do keep working (R37)."""
        metrics.archive(self.stores, metric_id, by=by, now=now)

    def preview_events(
        self,
        customer_id: str,
        events: Sequence[PreviewEvent],
        mode: PreviewMode,
        now: datetime,
        *,
        skip_zero_lines: bool = False,
    ) -> tuple[Invoice, ...]:
        """The customer's drafts as they would be with ``events``; nothing is stored (R44).

        Raises NotFound; Refused for more than 100 events, for none in MERGE, for a malformed one,
        and for a customer that is billed by a SQL metric.
        """
        previewer = Previewer(self.stores, self.usage, self.settings)
        drafts = previewer.drafts(customer_id, events, mode, self.catalog(), now)
        return without_zero_lines(drafts) if skip_zero_lines else drafts

    def search_events(
        self, transaction_ids: Sequence[str], now: datetime
    ) -> tuple[MatchedEvent, ...]:
        """Events of the last 34 days with these ids, with customer and metrics (R28)."""
        return self.usage_queries.events(transaction_ids, self.catalog(), now)

    def unmatched_usage(self) -> tuple[Sender, ...]:
        """Identifiers usage came under that are no customer's id or alias, most events first.

        The events are kept and count as soon as a customer takes the alias (R21, R22).
        """
        return self.usage_queries.unmatched()
