"""What the mapping must know about billing and the org; passed in, never looked up."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from closedwon.billing.catalog.types import USD, Catalog
from closedwon.billing.contracts.state import Contract


class RateCardFact(msgspec.Struct, frozen=True, kw_only=True):
    """A rate card an alias stands for."""

    id: str
    currency: str
    """ISO 4217 code of the card's fiat credit type."""


class MappingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one moment; the same facts and the same deal always give the same terms."""

    org_id: str
    """18 characters; part of every derived id (F137)."""
    as_of: datetime
    product_ids: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    """Every product tag the catalogue knows."""
    rate_cards: Mapping[str, RateCardFact] = {}
    """By alias."""
    contract_of: Mapping[str, str] = {}
    """Opportunity id (18) -> id of the contract it created or amended."""
    contract_ends: Mapping[str, datetime | None] = {}
    """Contract id -> its exclusive end, None when open."""
    contracts: Mapping[str, Contract] = {}
    """By id, as far as deals that amend them need it."""
    catalog: Catalog = Catalog()
    """Products and rates of subscriptions; what they bill is priced as invoices are."""
    credit_types: Mapping[str, str] = msgspec.field(default_factory=lambda: {"USD": USD})
    """ISO 4217 code -> credit type id."""
