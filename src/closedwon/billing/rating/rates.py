"""Which rate, entitlement and override price a line at an instant (R53-R56, R71-R92)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import Rate
from closedwon.billing.contracts.overrides import (
    Multiplier,
    Override,
    OverrideTarget,
    Overwrite,
    Prioritization,
    TieredMultiplier,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.pricing import Price, minimum_of, ranged, scaled
from closedwon.billing.rating.matching import Subject, is_about, payers

LAST = Decimal("Infinity")


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A price and the override it comes from; None is the rate's own."""

    price: Price
    override_id: str | None = None


class Paying(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit-specific override makes of the price while certain balances pay (R87, R88)."""

    tariff: Tariff
    target: OverrideTarget
    """COMMIT_RATE holds where a balance pays the commit rate, LIST_RATE where it does not."""
    balance_ids: frozenset[str] | None
    """Commits, credits and generators it is about; None is any (R87)."""


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What a line costs in a slice: at list, after the winning override, and while balances pay."""

    list_price: Price
    price: Price
    """Where no balance pays (R81)."""
    commit_price: Price | None
    """While a COMMIT_RATE balance pays; None falls back to ``price`` (R71, R72)."""
    credit_type_id: str
    rate_id: str | None
    """None of a conversion, which the card's unit price makes (R249)."""
    override_id: str | None
    paying: tuple[Paying, ...] = ()
    """Commit-specific prices, the one that wins first (R81)."""

    @property
    def is_list(self) -> bool:
        """Whether every unit costs its list price, whatever balance pays."""
        return self.commit_price is None and not self.paying and self.price is self.list_price

    def while_paying(self, commit: Commit) -> Tariff:
        """The price of a unit that ``commit`` pays.

        A balance on the commit rate knows only overrides of that rate; where there is none, or for
        a balance on the list rate, commit-specific overrides come before general ones (R72, R81).
        """
        target = OverrideTarget.LIST_RATE
        if commit.rate_type == "COMMIT_RATE" and self.commit_price is not None:
            target = OverrideTarget.COMMIT_RATE
        for one in self.paying:
            if one.target is target and _names(one.balance_ids, commit):
                return one.tariff
        if target is OverrideTarget.COMMIT_RATE and self.commit_price is not None:
            return Tariff(price=self.commit_price)
        return Tariff(price=self.price, override_id=self.override_id)


def priced_at(
    contract: Contract, rates: Iterable[Rate], subject: Subject, instant: datetime
) -> Priced | None:
    """The price of ``subject`` at ``instant``; None when it is not sold or not entitled (R55)."""
    rate = rate_at(rates, subject.pricing_group_values, instant, subject.billing_frequency)
    if rate is None:
        return None
    matching = matching_at(contract, subject, instant)
    if not is_entitled(rate, matching):
        return None
    winner = winning(matching, contract.prioritization)
    price = overridden(rate.price, winner)
    return Priced(
        list_price=rate.price,
        price=price,
        commit_price=rate.commit_price,
        credit_type_id=rate.credit_type_id,
        rate_id=rate.id,
        override_id=None if winner is None else winner.id,
        paying=()
        if minimum_of(price) is not None  # R66
        else tuple(_paying(rate, subject, matching, contract.prioritization)),
    )


def rate_at(
    rates: Iterable[Rate],
    pricing_group_values: Mapping[str, str],
    instant: datetime,
    billing_frequency: str | None = None,
) -> Rate | None:
    """The rate in force; the last one added wins where windows overlap (R53, R54)."""
    found = None
    for rate in rates:
        if (
            rate.pricing_group_values == pricing_group_values
            and rate.billing_frequency == billing_frequency
            and rate.window.covers(instant)
        ):
            found = rate
    return found


def matching_at(contract: Contract, subject: Subject, instant: datetime) -> tuple[Override, ...]:
    """Overrides in force that are about ``subject``, in the order they were added (R79)."""
    return tuple(
        override
        for override in contract.overrides
        if override.window.covers(instant) and is_about(override.applicability, subject)
    )


def is_entitled(rate: Rate, matching: Iterable[Override]) -> bool:
    """The last added override that says so, else the rate (R55, R86)."""
    said = [o.entitled for o in matching if o.entitled is not None]
    return said[-1] if said else rate.entitled


def winning(matching: Sequence[Override], scheme: Prioritization) -> Override | None:
    """The one general override that prices what no balance pays (R80-R83); None for the rate."""
    general = [o for o in matching if not o.is_commit_specific and o.rate is not None]
    return _by_precedence(general, scheme)[0] if general else None


def overridden(price: Price, override: Override | None) -> Price:
    """``price`` under ``override``: replaced, multiplied, or multiplied by ranges (R73, R84)."""
    match override.rate if override is not None else None:
        case Overwrite(price=replaced):
            return replaced
        case Multiplier(multiplier=multiplier):
            return scaled(price, multiplier)
        case TieredMultiplier(tiers=tiers):
            return ranged(price, tuple((tier.size, tier.multiplier) for tier in tiers))
        case _:
            return price


def _paying(
    rate: Rate, subject: Subject, matching: Iterable[Override], scheme: Prioritization
) -> Iterator[Paying]:
    """Prices under commit-specific overrides, the one that wins first (R81).

    They change the list rate or the commit rate as the card has it: nothing stacks (R80), and one
    of a commit rate means nothing without it (R88).
    """
    specific = [o for o in matching if o.is_commit_specific and o.rate is not None]
    for override in _by_precedence(specific, scheme):
        on_commit_rate = override.target is OverrideTarget.COMMIT_RATE
        base = rate.commit_price if on_commit_rate else rate.price
        if base is not None:
            yield Paying(
                tariff=Tariff(price=overridden(base, override), override_id=override.id),
                target=override.target,
                balance_ids=payers(override.applicability, subject),
            )


def _by_precedence(overrides: list[Override], scheme: Prioritization) -> list[Override]:
    """Overrides that change a rate, the winner first (R81-R83).

    Overwrites come before multipliers, which go by multiplier or priority; of equals the last added
    wins.
    """

    def order(numbered: tuple[int, Override]) -> tuple[int, Decimal, int]:
        number, override = numbered
        if isinstance(override.rate, Overwrite):
            return 0, LAST, -number
        if scheme is Prioritization.EXPLICIT:
            return 1, LAST if override.priority is None else override.priority, -number
        return 1, _lowest(override), -number

    if len(overrides) < 2:
        return overrides
    return [override for _, override in sorted(enumerate(overrides), key=order)]


def _lowest(override: Override) -> Decimal:
    """What LOWEST_MULTIPLIER compares (R82); a TIERED one needs EXPLICIT and comes last (R84)."""
    return override.rate.multiplier if isinstance(override.rate, Multiplier) else LAST


def _names(balance_ids: frozenset[str] | None, commit: Commit) -> bool:
    """Whether the balance, its generator or the balance it rolled over from is named (R87)."""
    if balance_ids is None:
        return True
    origin = commit.rolled_over_from
    return not balance_ids.isdisjoint(
        {commit.id, commit.recurring_id, None if origin is None else origin.commit_id}
    )
