"""The part of ``Engine`` that is about metrics and usage (metronome.md 3.B, 3.C)."""

from datetime import datetime

from closedwon.billing.catalog.types import Metric
from closedwon.engine import metrics
from closedwon.engine.invoicing import API
from closedwon.engine.types import Usage
from closedwon.store.stores import Stores


class Metering:
    """Commands and queries on metrics and usage; ``Engine`` has them all."""

    stores: Stores
    usage: Usage

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
