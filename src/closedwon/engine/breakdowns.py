"""Invoices seen closer: by hour or day, and by any group key of their metrics (R287, R288)."""

from collections.abc import Sequence

from msgspec.structs import replace

from closedwon.billing.bill import demands_of
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.breakdown import Breakdown, WindowSize, broken_down, finer
from closedwon.billing.invoices.spend import Spend, grouped, spend_by
from closedwon.billing.invoices.types import Invoice
from closedwon.billing.invoices.usage import OpenPeriod, period_of
from closedwon.engine import accounts
from closedwon.engine.types import Meter
from closedwon.kernel.instant import Interval
from closedwon.store.stores import Stores


def breakdown(
    stores: Stores, meter: Meter, catalog: Catalog, invoice: Invoice, size: WindowSize
) -> tuple[Breakdown, ...]:
    """Parts of a stored invoice or draft, with all usage that is known now."""
    period = finer(_period(stores, catalog, invoice), invoice, size)
    return broken_down(invoice, period, meter.measure(demands_of([period])), size)


def _period(stores: Stores, catalog: Catalog, invoice: Invoice) -> OpenPeriod:
    window = Interval(invoice.start or invoice.issued_at, invoice.end)
    account = accounts.account(stores, invoice.customer_id)
    return period_of(account, catalog, invoice.contract_id, window, invoice.id)


def spend(
    stores: Stores, meter: Meter, catalog: Catalog, invoice: Invoice, keys: Sequence[str]
) -> tuple[Spend, ...]:
    """What the usage of an invoice's period cost by group, balances left out (R288)."""
    plain = _period(stores, catalog, invoice)
    split = _period(stores, grouped(catalog, keys), replace(invoice, id=f"{invoice.id}/by"))
    quantities = meter.measure(demands_of([plain, split]))
    return tuple(spend_by(plain, split, quantities))
