"""The whole invoice to an endpoint of one's own, signed like every webhook (R277)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import msgspec

from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.documents import invoice_json
from closedwon.delivery.provider import Delivery
from closedwon.delivery.webhooks import post_signed
from closedwon.kernel import strict_json

EVENT_TYPE = "invoice.document"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceWebhook:
    """POSTs ``{id, type, properties: {invoice}}``; ``id`` is what the endpoint drops repeats by."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    name: str = "invoice-webhook"

    def deliver(self, delivery: Delivery) -> Outcome:
        """One signed POST."""
        properties = {"invoice": invoice_json(delivery.issued)}
        message = {"id": delivery.key, "type": EVENT_TYPE, "properties": properties}
        payload = strict_json.dumps(message)
        outcome = post_signed(self.client, self.url, self.secret, payload, self.clock())
        if outcome.verdict is not Verdict.DONE:
            return outcome
        return msgspec.structs.replace(outcome, external_status=ExternalStatus.SENT)
