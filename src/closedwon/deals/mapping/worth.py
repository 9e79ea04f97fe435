"""What the CRM says a deal is worth, read with the mapping's own formula; for reconciliation."""

from decimal import Decimal

import msgspec

from closedwon.deals.mapping.answers import Answers, Unmappable
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.types import Deal
from closedwon.kernel.exact import ZERO, wire

FALLBACK_CURRENCY = "USD"


class Worth(msgspec.Struct, frozen=True):
    """An amount in the wire unit of ``currency``; zero when the CRM has no total."""

    currency: str
    amount: Decimal


def worth_of(mapping: DealMapping, deal: Deal) -> Worth:
    """The deal's total as the CRM has it. Pure, and never raises: a parked deal has a worth too."""
    answers = Answers(mapping, deal, deal.read_at)
    try:
        currency = answers.text(mapping.contract.currency, answers.deal) or FALLBACK_CURRENCY
        asked = mapping.contract.worth or mapping.contract.total
        total = answers.number(asked, answers.deal)
    except Unmappable:
        return Worth(FALLBACK_CURRENCY, ZERO)
    return Worth(currency, ZERO if total is None else wire(total, currency))
