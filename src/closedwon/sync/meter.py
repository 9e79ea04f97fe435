"""meter: customers on a marketplace have their growth reported, once an hour (R295-R298)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from closedwon.billing.account import Account, Bill
from closedwon.billing.contracts.provider_schedule import active_segment
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice
from closedwon.delivery.metering import hour_of, increment, running_total, takes_reports
from closedwon.delivery.meters import KIND, payload_of
from closedwon.engine import Engine
from closedwon.engine.events import emit
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import format_instant
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.providers import ProviderConfiguration

CUSTOMERS_TOGETHER = 500
"""Customers whose bills are made with one question to the usage store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Writes intents for reports; the ``deliver`` step sends them."""

    engine: Engine
    marketplaces: Sequence[str]
    """Names of the marketplaces that credentials are configured for."""
    name: str = "meter"

    def run(self, now: datetime) -> StepReport:
        """At most one report per customer, marketplace and hour."""
        done = 0
        notes: list[str] = []
        for provider in self.marketplaces:
            ids = self._unreported(provider, hour_of(now))
            for at in range(0, len(ids), CUSTOMERS_TOGETHER):
                bills = self.engine.bills(ids[at : at + CUSTOMERS_TOGETHER], now)
                for customer_id, bill in bills.bills.items():
                    done += self._report(provider, bills.accounts[customer_id], bill, now)
                notes += [f"{who}: {why}" for who, why in bills.failures.items()]
        return StepReport(step=self.name, done=done, notes=tuple(notes))

    def _unreported(self, provider: str, hour: datetime) -> list[str]:
        stores = self.engine.stores
        return [
            customer_id
            for customer_id in stores.providers.customers_at(provider)
            if not stores.meter_reports.has((customer_id, provider), hour)
        ]

    def _report(self, provider: str, account: Account, bill: Bill, now: datetime) -> bool:
        stores, key = self.engine.stores, (account.customer.id, provider)
        hour = hour_of(now)
        own = {contract.id: contract for contract in account.contracts}
        metered = [
            (invoice, configuration)
            for invoice in collected((*account.finalized, *bill.invoices))
            if (configuration := self._configuration(own, invoice, provider)) is not None
        ]
        if not metered:
            return False
        total = running_total((invoice for invoice, _ in metered), now)
        quantity = increment(total, stores.meter_reports.reported(key))
        if not quantity:
            return False
        configuration = metered[-1][1]
        ends_at = _end(own[invoice.contract_id] for invoice, _ in metered)
        if not takes_reports(provider, ends_at, now):
            self._tell_lost(configuration, now)
            return False
        report_id = derive("metering", *key, format_instant(hour))
        with writing(stores.db):
            payload = payload_of(configuration.id, hour, quantity)
            stores.outbox.add(report_id, KIND, provider, payload, now)
            stores.meter_reports.add(report_id, key, hour, quantity)
        return True

    def _configuration(
        self, own: dict[str, Contract], invoice: Invoice, provider: str
    ) -> ProviderConfiguration | None:
        """The customer's configuration at ``provider`` when the invoice goes there (R103)."""
        contract = own.get(invoice.contract_id)
        if contract is None:
            return None
        segment = active_segment(contract.settings.providers, invoice)
        if segment is None:
            return None
        found = self.engine.stores.providers.get(segment.configuration_id)
        if found is None or found.billing_provider != provider or found.archived_at is not None:
            return None
        return found if found.customer_id == contract.customer_id else None

    def _tell_lost(self, configuration: ProviderConfiguration, now: datetime) -> None:
        """Once per configuration: what was not reported in time is lost (R297, R298)."""
        short = configuration.billing_provider.removesuffix("_marketplace")
        properties = {
            "customer_id": configuration.customer_id,
            **dict(sorted(configuration.configuration.items())),
        }
        with writing(self.engine.db):
            emit(self.engine.stores, f"marketplaces.{short}_metering_disabled", properties, now)


def collected(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Billable ones the customer pays itself; a consolidated one instead of its parts (R304)."""
    parts = {part for invoice in invoices for part in invoice.constituents}
    return [
        invoice
        for invoice in invoices
        if invoice.is_billable and invoice.payer is None and invoice.id not in parts
    ]


def _end(contracts: Iterable[Contract]) -> datetime | None:
    """The latest end; None when one of them is open."""
    ends = [contract.term.end for contract in contracts]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
