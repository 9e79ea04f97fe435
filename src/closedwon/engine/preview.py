"""Drafts as they would be with other usage; nothing is stored (R44)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.engine import accounts
from closedwon.engine.finalize import Finalizer
from closedwon.engine.types import Usage
from closedwon.kernel.ids import derive
from closedwon.store.stores import Stores
from closedwon.usage.types import UsageEvent


class PreviewMode(StrEnum):
    """What the events of a preview do to real usage."""

    REPLACE = "replace"
    """Drafts as if there were only these events."""
    MERGE = "merge"
    """They are added; one whose transaction id was ingested before adds nothing."""


class PreviewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that may happen."""

    event_type: str
    timestamp: datetime | None = None
    """None is now."""
    properties: Mapping[str, str] = {}
    transaction_id: str | None = None
    """None is one nobody used."""


class Previewer:
    """Bills a customer over supposed usage, along the same path as real usage (D2)."""

    def __init__(self, stores: Stores, usage: Usage, settings: BillingSettings) -> None:
        self._stores = stores
        self._usage = usage
        self._settings = settings

    def drafts(
        self,
        customer_id: str,
        events: Sequence[PreviewEvent],
        mode: PreviewMode,
        catalog: Catalog,
        now: datetime,
    ) -> tuple[Invoice, ...]:
        """The customer's drafts with ``events``.

        Raises NotFound; Refused for more than 100 events, for none in MERGE, for a malformed one,
        and for a customer that is billed by a SQL metric.
        """
        account = accounts.account(self._stores, customer_id).at(now)
        sent = [_sent(customer_id, at, event, now) for at, event in enumerate(events)]
        meter = self._usage.supposing(sent, now, alone=mode is PreviewMode.REPLACE)
        made = Finalizer(self._stores, meter, self._settings).bill(account, catalog, now)
        return tuple(i for i in made.invoices if i.status is InvoiceStatus.DRAFT)


def without_zero_lines(invoices: Sequence[Invoice]) -> tuple[Invoice, ...]:
    """``invoices`` without lines of quantity zero; totals stay (R51)."""
    return tuple(
        replace(one, lines=tuple(line for line in one.lines if line.quantity != 0))
        for one in invoices
    )


def _sent(customer_id: str, at: int, event: PreviewEvent, now: datetime) -> UsageEvent:
    return UsageEvent(
        transaction_id=event.transaction_id or derive("preview", customer_id, str(at)),
        customer_id=customer_id,
        event_type=event.event_type,
        timestamp=event.timestamp or now,
        properties=event.properties,
    )
