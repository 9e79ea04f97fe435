"""Telling the outside what happened: events that webhooks carry (metronome.md 2.11, R277-R280).

Call ``emit`` inside the transaction of the change itself::

    with writing(stores.db):
        stores.alerts.enter_alarm(...)
        emit(stores, "alerts.spend_threshold_reached", properties, now)

Either both are kept or neither; the ``deliver`` step signs and sends what was kept to every
configured endpoint, at least once. Nothing is sent here and no endpoint has to be configured.

The event's id is derived from its type and properties, so emitting the same again is a no-op:
whatever makes a second event different must stand in the properties (an alert that fires again has
another ``timestamp``). Values are JSON: amounts as Decimal (written exactly), instants as
``kernel.instant.wire_instant`` text, never a float.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from closedwon.billing.invoices.types import Invoice
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import wire_instant
from closedwon.kernel.strict_json import canonical_dumps, dumps
from closedwon.store.stores import Stores

INVOICE_FINALIZED = "invoice.finalized"


def emit(stores: Stores, kind: str, properties: Mapping[str, Any], now: datetime) -> str:
    """Keep an event ``{id, type, properties}``; returns its id. The same again changes nothing."""
    event_id = event_id_of(kind, properties)
    body = dumps({"id": event_id, "type": kind, "properties": properties})
    stores.events.add(event_id, kind, body, now)
    return event_id


def emit_flat(stores: Stores, kind: str, fields: Mapping[str, Any], now: datetime) -> str:
    """Keep a system event, whose fields stand beside its id and type (R279, R280); as ``emit``.

    ``fields`` hold its ``timestamp``, the instant it tells about, which may not be ``now``.
    """
    event_id = event_id_of(kind, fields)
    stores.events.add(event_id, kind, dumps({"id": event_id, "type": kind, **fields}), now)
    return event_id


def event_id_of(kind: str, properties: Mapping[str, Any]) -> str:
    """The id an event has; facts that are equal give equal ids (R13, R278)."""
    return derive("event", kind, canonical_dumps(properties))


def invoice_finalized(stores: Stores, invoice: Invoice, now: datetime) -> str:
    """One per finalization; a regenerated invoice has another id and is told anew (R293)."""
    properties = {
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "invoice_finalized_date": wire_instant(now),
    }
    return emit(stores, INVOICE_FINALIZED, properties, now)
