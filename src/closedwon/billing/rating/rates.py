"""Which rate, entitlement and override price a line at an instant (R53-R56, R73-R92)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import Rate
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite, Prioritization
from closedwon.billing.contracts.state import Contract
from closedwon.billing.pricing import Price, scaled
from closedwon.billing.rating.matching import Subject, applies
from closedwon.kernel.exact import ZERO


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What a line costs in a slice: the list price and the price after the winning override."""

    list_price: Price
    price: Price
    commit_price: Price | None
    """While a COMMIT_RATE balance pays; None falls back to ``price`` (R71, R72)."""
    credit_type_id: str
    rate_id: str | None
    """None for a conversion, which has no rate."""
    override_id: str | None

    @property
    def is_list(self) -> bool:
        """Whether every unit costs its list price, whatever balance pays."""
        return self.commit_price is None and self.price is self.list_price


def priced_at(
    contract: Contract, rates: Iterable[Rate], subject: Subject, instant: datetime
) -> Priced | None:
    """The price of ``subject`` at ``instant``; None when it is not sold or not entitled (R55)."""
    rate = rate_at(rates, subject.pricing_group_values, instant)
    if rate is None:
        return None
    live = [o for o in contract.overrides if o.window.covers(instant)]
    matching = [o for o in live if applies(o.applicability, subject)]
    if not _entitled(rate, matching):
        return None
    winner = _winner(matching, contract.prioritization)
    return Priced(
        list_price=rate.price,
        price=_overridden(rate.price, winner),
        commit_price=rate.commit_price,
        credit_type_id=rate.credit_type_id,
        rate_id=rate.id,
        override_id=None if winner is None else winner.id,
    )


def rate_at(
    rates: Iterable[Rate], pricing_group_values: Mapping[str, str], instant: datetime
) -> Rate | None:
    """The rate in force; the last one added wins where windows overlap (R53, R54)."""
    found = None
    for rate in rates:
        if rate.pricing_group_values == pricing_group_values and rate.window.covers(instant):
            found = rate
    return found


def _entitled(rate: Rate, matching: Iterable[Override]) -> bool:
    """The last added override that says so, else the rate (R55, R86)."""
    said = [o.entitled for o in matching if o.entitled is not None]
    return said[-1] if said else rate.entitled


def _winner(matching: Iterable[Override], scheme: Prioritization) -> Override | None:
    """At most one override prices a slice: overwrites beat multipliers, never both (R80-R83)."""
    pricing = [o for o in matching if o.rate is not None]
    overwrites = [o for o in pricing if isinstance(o.rate, Overwrite)]
    if overwrites:
        return overwrites[-1]
    if not pricing:
        return None
    if scheme is Prioritization.EXPLICIT:
        return min(reversed(pricing), key=lambda o: o.priority or Decimal("Infinity"))
    return min(reversed(pricing), key=_multiplier)


def _multiplier(override: Override) -> Decimal:
    return override.rate.multiplier if isinstance(override.rate, Multiplier) else ZERO


def _overridden(price: Price, override: Override | None) -> Price:
    match override.rate if override is not None else None:
        case Overwrite(price=replaced):
            return replaced
        case Multiplier(multiplier=multiplier):
            return scaled(price, multiplier)
        case _:
            return price
