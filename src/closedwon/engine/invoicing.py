"""The part of ``Engine`` that is about invoices once they are made (metronome.md 3.P)."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from closedwon.billing.account import Billable, BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.breakdown import Breakdown, WindowSize
from closedwon.billing.invoices.historical import PastInvoice
from closedwon.billing.invoices.listing import InvoiceFilter, listed
from closedwon.billing.invoices.spend import Spend
from closedwon.billing.invoices.types import Correction, Invoice, InvoiceStatus
from closedwon.engine import (
    accounts,
    breakdowns,
    corrections,
    historical,
    lifecycle,
    marks,
    services,
)
from closedwon.engine.command import API
from closedwon.engine.contracts import EditNote, EditOptions
from closedwon.engine.corrections import CorrectedLine
from closedwon.engine.finalize import Finalizer
from closedwon.engine.services import Work
from closedwon.store.stores import Stores


class Invoicing:
    """Commands and queries on invoices; ``Engine`` has them all."""

    stores: Stores
    settings: BillingSettings
    _finalizer: Finalizer

    @abstractmethod
    def catalog(self) -> Catalog:
        """Metrics, products, rate cards and credit types by id."""

    def void_invoice(self, invoice_id: str, now: datetime, by: str = API) -> Invoice:
        """FINALIZED -> VOID: what it drew returns, and it is not billed again by itself (R283)."""
        return lifecycle.void(self.stores, invoice_id, by=by, now=now)

    def regenerate_invoice(self, invoice_id: str, now: datetime, by: str = API) -> Invoice:
        """Bill a VOID invoice anew, finalized at ``now``; its id is new (R284)."""
        return lifecycle.regenerate(
            self.stores, self._finalizer, self.catalog(), invoice_id, by=by, now=now
        )

    def invoice_service(
        self,
        contract_id: str,
        work: Sequence[Work],
        issued_at: datetime,
        **note: Unpack[EditOptions],
    ) -> Contract:
        """Schedule an invoice for professional services that were done (R159).

        Keywords as of ``edit_contract``. Raises Refused when a service's max_amount is passed.
        """
        return services.invoice(
            self.stores, self.catalog(), contract_id, work, issued_at, EditNote(**note)
        )

    def list_invoices(
        self, customer_id: str, now: datetime, wanted: InvoiceFilter | None = None
    ) -> tuple[Invoice, ...]:
        """Stored invoices, void ones included, and the drafts of ``now`` (R129, R144, R289)."""
        account = accounts.account(self.stores, customer_id).at(now)
        drafts = self._finalizer.bill(account, self.catalog(), now).invoices
        every = (*account.finalized, *account.voided, *drafts)
        mine = (invoice for invoice in every if invoice.customer_id == customer_id)
        return listed(mine, wanted or InvoiceFilter())

    def update_issue_date(
        self, customer_id: str, invoice_id: str, issued_at: datetime, now: datetime, by: str = API
    ) -> None:
        """Move when a DRAFT is issued, and so when it becomes final (R291)."""
        drafts = self.list_invoices(customer_id, now, InvoiceFilter(status=InvoiceStatus.DRAFT))
        marks.move(self.stores, drafts, invoice_id, issued_at, by=by, now=now)

    def set_billable(
        self, customer_id: str, change: Billable, now: datetime, by: str = API
    ) -> None:
        """Say whether the customer's invoices are to be collected; not is a flag only (R290)."""
        marks.set_billable(self.stores, customer_id, change, by=by, now=now)

    def breakdown(
        self, invoice: Invoice, size: WindowSize = WindowSize.DAY
    ) -> tuple[Breakdown, ...]:
        """A usage invoice, stored or draft, by day or hour of its events (R287)."""
        return breakdowns.breakdown(
            self.stores, self._finalizer.usage, self.catalog(), invoice, size
        )

    def spend_breakdown(self, invoice: Invoice, keys: Sequence[str]) -> tuple[Spend, ...]:
        """What the usage of an invoice's period cost by group keys, before balances (R288)."""
        return breakdowns.spend(self.stores, self._finalizer.usage, self.catalog(), invoice, keys)

    def preview_historical(self, wanted: PastInvoice, now: datetime) -> Invoice:
        """A usage invoice another system issued, priced by the contract; stores nothing (R286)."""
        return historical.preview(self.stores, self._finalizer, self.catalog(), wanted, now)

    def create_historical(self, wanted: PastInvoice, now: datetime, by: str = API) -> Invoice:
        """Write it as FINALIZED at its issue date, with what it draws from balances (R286)."""
        return historical.create(
            self.stores, self._finalizer, self.catalog(), wanted, by=by, now=now
        )

    def correct_invoice(
        self, lines: Sequence[CorrectedLine], record: Correction, by: str = API
    ) -> Invoice:
        """Charge more, or give back, on an invoice that stands; off by default (R285)."""
        return corrections.correct(self.stores, self.catalog(), self.settings, lines, record, by=by)
