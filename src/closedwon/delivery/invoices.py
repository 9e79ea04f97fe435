"""Finalized invoices to one provider: every one as a copy, or those whose contract names it.

A billing provider is chosen by the contract as it stood when the invoice was finalized (R102,
R103), and an invoice has one for ever: its intent's id follows from the invoice alone (R299).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.hierarchy import Party
from closedwon.billing.contracts.provider_schedule import active_segment
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.delivery.channel import ExternalStatus, Intent, Outcome, Verdict
from closedwon.delivery.documents import Issued
from closedwon.delivery.provider import Delivery, Provider
from closedwon.engine import Engine
from closedwon.engine.events import INVOICE_FINALIZED, emit
from closedwon.kernel import strict_json
from closedwon.kernel.errors import ClosedwonError
from closedwon.kernel.ids import derive
from closedwon.store.events import Event
from closedwon.store.outbox import Effect
from closedwon.store.providers import ExternalInvoice, ProviderConfiguration

KIND = "invoice"
PROVIDER_ERROR = "invoice.billing_provider_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceChannel:
    """``is_billing_provider``: it collects the money, so it gets only invoices assigned to it."""

    provider: Provider
    engine: Engine
    is_billing_provider: bool = False
    seller: str = ""
    kind: str = KIND
    listens_to: tuple[str, ...] = (INVOICE_FINALIZED,)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    def intent(self, event: Event) -> Intent | None:
        """Deliver the finalized invoice, unless it is not for this provider."""
        invoice_id = str(strict_json.loads(event.body)["properties"]["invoice_id"])
        if not self.is_billing_provider:
            payload = strict_json.dumps({"invoice_id": invoice_id})
            return Intent(id=derive("copy", self.name, invoice_id), payload=payload)
        chosen = self._chosen(self.engine.invoice(invoice_id), event.at)
        if chosen is None:
            return None
        payload = strict_json.dumps({"invoice_id": invoice_id, "configuration_id": chosen.id})
        return Intent(id=_key(invoice_id), payload=payload)

    def send(self, effect: Effect) -> Outcome:
        """Have the provider deliver it; one that was voided meanwhile is not sent any more.

        An invoice that cannot be drawn is refused, so that it holds up no other (G13).
        """
        wanted = strict_json.loads(effect.payload)
        try:
            delivery = self._delivery(effect, wanted)
            is_void = delivery.issued.invoice.status is InvoiceStatus.VOID
            if self.is_billing_provider and is_void and not delivery.is_repeat:
                return Outcome(verdict=Verdict.DONE, external_status=ExternalStatus.SKIPPED)
            return self.provider.deliver(delivery)
        except (ClosedwonError, ArithmeticError, LookupError) as error:
            told = str(error) or type(error).__name__
            return Outcome(verdict=Verdict.REFUSED, error=f"cannot be drawn: {told}")

    def settled(self, effect: Effect, outcome: Outcome, now: datetime) -> None:
        """Keep what became of it; a failure for good is told as an event (metronome.md 2.11)."""
        if not self.is_billing_provider or outcome.verdict is Verdict.AGAIN:
            return
        invoice = self.engine.invoice(str(strict_json.loads(effect.payload)["invoice_id"]))
        external = ExternalInvoice(
            invoice_id=invoice.id,
            billing_provider=self.name,
            external_id=outcome.external_id,
            external_status=outcome.external_status,
            error=outcome.error,
            updated_at=now,
        )
        self.engine.stores.providers.put_external(external)
        if outcome.verdict is not Verdict.DONE:
            properties = {
                "invoice_id": invoice.id,
                "customer_id": invoice.customer_id,
                "billing_provider": self.name,
                "billing_provider_error": outcome.error,
            }
            emit(self.engine.stores, PROVIDER_ERROR, properties, now)

    def _chosen(self, invoice: Invoice, at: datetime) -> ProviderConfiguration | None:
        """The configuration that was in force for its payer ``at`` its finalization (R103, R303).

        None for an unbillable customer's invoice (R290) and for one that is collected by another.
        """
        payer = invoice.payer or Party(
            customer_id=invoice.customer_id, contract_id=invoice.contract_id
        )
        edits = self.engine.edits(payer.contract_id)
        contract = contract_of([edit for edit in edits if edit.at <= at])
        segment = active_segment(contract.settings.providers, invoice)
        if segment is None or not invoice.is_billable or self._is_collected(invoice, contract):
            return None
        found = self.engine.stores.providers.get(segment.configuration_id)
        if found is None or found.billing_provider != self.name:
            return None
        in_force = found.created_at <= at and (found.archived_at is None or at < found.archived_at)
        return found if in_force and found.customer_id == payer.customer_id else None

    def _is_collected(self, invoice: Invoice, paying: Contract) -> bool:
        """Whether its lines are collected by another invoice: a consolidated one or its parts.

        A consolidated invoice goes out instead of its constituents, unless one of them has gone
        out already (R299, R304).
        """
        stores = self.engine.stores
        if invoice.constituents:
            return any(stores.outbox.get(_key(part)) for part in invoice.constituents)
        if paying.settings.hierarchy is None:
            return False
        others = stores.invoices.all(contract_id=paying.id)
        return any(invoice.id in one.constituents for one in others)

    def _delivery(self, effect: Effect, wanted: dict[str, Any]) -> Delivery:
        invoice = self.engine.invoice(str(wanted["invoice_id"]))
        found = self.engine.stores.providers.get(str(wanted.get("configuration_id")))
        return Delivery(
            key=effect.id,
            issued=Issued(
                invoice=invoice,
                customer=self.engine.customer(invoice.customer_id),
                catalog=self.engine.catalog(),
                seller=self.seller,
            ),
            configuration={} if found is None else found.configuration,
            is_repeat=effect.attempts > 0,
        )


def _key(invoice_id: str) -> str:
    """One billing provider per invoice for ever (R299)."""
    return derive("delivery", invoice_id)
