"""CRM = billing: every difference in exactly one class, and the classes add up (G2, G7).

For each deal the difference is what the CRM says it is worth minus what billing charges for it.
A deal that is not provisioned differs whole, for one reason. A provisioned one can differ in two
places: between the CRM's value and the terms the mapping made of it, and between those terms and
what billing holds. The parts of a deal sum to its difference by construction. Deals and billing
meet by the Salesforce ids that the mapping puts on customers, contracts and commits (R355).
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.kernel.exact import ZERO


class DealState(StrEnum):
    """Where a deal stands on the line."""

    PROVISIONED = "provisioned"
    PARKED = "parked"
    WAITING = "waiting"
    HELD = "held"
    EXCLUDED = "excluded"
    GONE = "gone"
    """No longer won, deleted, or not visible any more."""


class DifferenceClass(StrEnum):
    """Why CRM and billing disagree; the classes are exhaustive and exclude one another."""

    PARKED = "parked"
    WAITING = "waiting"
    HELD = "held for release"
    EXCLUDED = "excluded by rule"
    NOT_MAPPED = "in the quote, but mapped to no charge"
    NOT_APPLIED = "changed after provisioning"
    NOT_WON = "billed, but no longer won"
    UNKNOWN_DEAL = "billed, but never seen in the CRM"


class CrmValue(msgspec.Struct, frozen=True, kw_only=True):
    """What the CRM says of one deal; amounts in the wire unit of ``currency``."""

    opportunity_id: str
    name: str
    state: DealState
    currency: str
    worth: Decimal
    """Value of the deal in the CRM; 0 when it is not won any more."""
    terms_value: Decimal | None = None
    """Payments and charges of the terms last mapped; None when it never was mapped."""
    reason: str = ""
    """Park code, waiting reason or exclusion rule."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One classed part of one deal's disagreement: CRM minus billing, in the wire unit."""

    opportunity_id: str
    name: str
    currency: str
    kind: DifferenceClass
    amount: Decimal
    reason: str = ""


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of one currency and everything between them."""

    currency: str
    crm_total: Decimal
    billing_total: Decimal
    matched: int
    """Deals that agree exactly."""
    differences: tuple[Difference, ...]

    @property
    def explained(self) -> Decimal:
        """Sum of all classed differences."""
        return sum((difference.amount for difference in self.differences), ZERO)

    @property
    def unexplained(self) -> Decimal:
        """What no class holds; anything but zero is our own error."""
        return self.crm_total - self.billing_total - self.explained


UNSETTLED = (DealState.PARKED, DealState.WAITING, DealState.HELD)
"""A deal that is not settled is an exception even when nobody knows what it is worth."""
WHOLE = {
    DealState.PARKED: DifferenceClass.PARKED,
    DealState.WAITING: DifferenceClass.WAITING,
    DealState.HELD: DifferenceClass.HELD,
    DealState.EXCLUDED: DifferenceClass.EXCLUDED,
    DealState.GONE: DifferenceClass.NOT_WON,
}


def reconcile(
    deals: Iterable[CrmValue], billed: Iterable[tuple[str, str, Decimal]]
) -> tuple[Reconciliation, ...]:
    """Compare what the CRM is worth with what billing charges, per currency.

    ``billed`` are (opportunity id, currency, payments and charges brought by that deal). The order
    of either side does not matter.
    """
    charged: dict[tuple[str, str], Decimal] = {}
    for opportunity_id, currency, value in billed:
        key = (currency, opportunity_id)
        charged[key] = charged.get(key, ZERO) + value
    known = {(deal.currency, deal.opportunity_id): deal for deal in deals}
    return tuple(
        _currency(currency, known, charged)
        for currency in sorted({currency for currency, _ in known.keys() | charged.keys()})
    )


def _currency(
    currency: str,
    known: dict[tuple[str, str], CrmValue],
    charged: dict[tuple[str, str], Decimal],
) -> Reconciliation:
    deals = {key: deal for key, deal in sorted(known.items()) if key[0] == currency}
    billing = {key: value for key, value in sorted(charged.items()) if key[0] == currency}
    differences: list[Difference] = []
    matched = 0
    for key, deal in deals.items():
        parts = [
            part
            for part in _parts(deal, billing.get(key, ZERO))
            if part.amount or deal.state in UNSETTLED
        ]
        differences += parts
        matched += not parts
    for key, value in billing.items():
        if key not in deals and value:
            differences.append(
                Difference(
                    opportunity_id=key[1],
                    name="",
                    currency=currency,
                    kind=DifferenceClass.UNKNOWN_DEAL,
                    amount=-value,
                )
            )
    return Reconciliation(
        currency=currency,
        crm_total=sum((deal.worth for deal in deals.values()), ZERO),
        billing_total=sum(billing.values(), ZERO),
        matched=matched,
        differences=tuple(differences),
    )


def _parts(deal: CrmValue, billed: Decimal) -> Iterator[Difference]:
    if deal.state is not DealState.PROVISIONED or deal.terms_value is None:
        kind = WHOLE.get(deal.state, DifferenceClass.WAITING)
        yield _difference(deal, kind, deal.worth - billed)
        return
    yield _difference(deal, DifferenceClass.NOT_MAPPED, deal.worth - deal.terms_value)
    yield _difference(deal, DifferenceClass.NOT_APPLIED, deal.terms_value - billed)


def _difference(deal: CrmValue, kind: DifferenceClass, amount: Decimal) -> Difference:
    return Difference(
        opportunity_id=deal.opportunity_id,
        name=deal.name,
        currency=deal.currency,
        kind=kind,
        amount=amount,
        reason=deal.reason,
    )
