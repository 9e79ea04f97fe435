"""Floor 3: what leaves the process about events and finalized invoices (R102, R277-R299).

``documents`` draws an invoice (HTML, PDF, JSON); ``signing`` and ``webhooks`` tell events to
endpoints; ``providers`` is the shelf of places finalized invoices go to. Every effect is an intent
in the store's outbox before a call is made, and the ``deliver`` step works them off: at least once
with ids a receiver can drop repeats by.

Webhooks live here and not in a room of their own: they share outbox, outcomes and patience with the
providers, and a provider may itself be a signed webhook.
"""

from closedwon.delivery.channel import Channel, ExternalStatus, Intent, Outcome, Verdict
from closedwon.delivery.invoices import InvoiceChannel
from closedwon.delivery.signing import sign, verify
from closedwon.delivery.webhooks import WebhookChannel

__all__ = [
    "Channel",
    "ExternalStatus",
    "Intent",
    "InvoiceChannel",
    "Outcome",
    "Verdict",
    "WebhookChannel",
    "sign",
    "verify",
]
