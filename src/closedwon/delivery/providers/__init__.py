"""SHELF: places finalized invoices go to; one file each, none knows another (R292).

``files``    JSON and HTML in a directory: a copy of every invoice
``webhook``  the whole invoice, signed, to one endpoint: a copy of every invoice
``stripe``   a Stripe invoice: for contracts whose schedule names Stripe (R102, R103)

To add one: a file with a ``Provider``, a line here, a line in wiring.delivery.
"""

from closedwon.delivery.providers.files import Files
from closedwon.delivery.providers.stripe import Stripe
from closedwon.delivery.providers.webhook import InvoiceWebhook

__all__ = ["Files", "InvoiceWebhook", "Stripe"]
