"""What a provider is given and what it must promise."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from closedwon.delivery.channel import Outcome
from closedwon.delivery.documents import Issued


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One finalized invoice on its way to one provider."""

    key: str
    """Derived from the invoice; the same on every try, so that the provider can drop repeats."""
    issued: Issued
    configuration: Mapping[str, str] = {}
    """The customer's own settings at the provider, such as ``stripe_customer_id``."""
    is_repeat: bool = False
    """A call was made before and its outcome may be unknown: look it up before anything else."""


class Provider(Protocol):
    """A place invoices go to."""

    @property
    def name(self) -> str:
        """The provider's name on the wire (billing_provider_type) or in the settings."""
        ...

    def deliver(self, delivery: Delivery) -> Outcome:
        """Deliver one invoice, whole or not at all as far as the provider allows.

        Again with the same ``key`` makes no second invoice there. Transient failures are AGAIN,
        what can never work is REFUSED; nothing is raised for what the provider answers.
        """
        ...
