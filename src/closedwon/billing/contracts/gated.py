"""Client-gated terms: discounts, professional services, royalties, providers (2.7; R102, R158)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import ScheduleItem
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """Takes its schedule's amounts off the invoice of each date; may make it negative (R158)."""

    id: str
    product_id: str
    name: str
    items: tuple[ScheduleItem, ...]
    """Amounts as positive numbers."""
    credit_type_id: str = USD
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: netsuite_sales_order_id, salesforce_opportunity_id."""
    source: Source | None = None

    def __post_init__(self) -> None:
        if any(item.amount < 0 for item in self.items):
            raise Refused("a discount gives what it takes off as positive (R158)", id=self.id)


class ProfessionalService(msgspec.Struct, frozen=True, kw_only=True):
    """Work that is invoiced as it is done, up to ``max_amount`` (R159)."""

    id: str
    product_id: str
    unit_price: Decimal
    quantity: Decimal
    max_amount: Decimal
    """Most that may be invoiced, in the wire unit of USD."""
    description: str = ""
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: netsuite_sales_order_id, salesforce_opportunity_id."""
    source: Source | None = None

    def __post_init__(self) -> None:
        if min(self.unit_price, self.quantity, self.max_amount) < 0:
            raise Refused("a professional service has no negative amounts (R159)", id=self.id)


class Royalty(msgspec.Struct, frozen=True, kw_only=True):
    """A reseller's share of what it resells; kept and shown, not rated (2.7)."""

    id: str
    reseller_type: str
    fraction: Decimal
    window: Interval
    netsuite_reseller_id: str = ""
    product_ids: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    options: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise Refused("a royalty fraction must lie in 0..1", found=str(self.fraction))


class ProviderSegment(msgspec.Struct, frozen=True, kw_only=True):
    """From ``effective_at`` invoices go to this billing provider configuration (R102, R103)."""

    effective_at: datetime
    configuration_id: str
    billing_provider: str = ""
    delivery_method: str = ""
