"""Contract-specific rates: multipliers on tags or products, and fixed prices (R73-R82)."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite
from closedwon.billing.pricing import Flat
from closedwon.deals.mapping.deal_terms import DealTerms, Group, plain
from closedwon.deals.mapping.outputs import OverrideOutput
from closedwon.kernel.exact import canonical, wire
from closedwon.kernel.instant import Interval, end_of, midnight


class Overrides:
    """Builds the overrides of one deal."""

    def __init__(self, terms: DealTerms) -> None:
        self._terms = terms

    def override(self, output: OverrideOutput, group: Group) -> Override:
        """The override a group of rows forms; raises Unmappable when it cannot be one."""
        terms = self._terms
        first = terms.day(output.start, group.first, group, "the start of the rate")
        last = terms.answers.day(output.end, group.first, group.rows)
        if last is not None and last < first:
            message = f"the rate ends on {last}, before it starts on {first}"
            fix = "Correct the dates of the row."
            raise terms.stop("ends_before_start", message, fix, group, output.end)
        applicability = terms.applicability(output.applies, group)
        rate = self._rate(output, group)
        if isinstance(rate, Overwrite) and (
            applicability.product_tags or not applicability.product_ids
        ):
            message = "a fixed rate needs its products and cannot be given for a tag"
            fix = "Name the products on the row, or give a discount instead."
            raise terms.stop("rate_on_tag", message, fix, group, output.price)
        return Override(
            id=terms.id("override", terms.text(output.key, group) or group.key),
            window=Interval(midnight(first), None if last is None else end_of(last)),
            applicability=applicability,
            rate=rate,
            priority=terms.priority(output.applies, group),
            source=terms.source(group),
        )

    def _rate(self, output: OverrideOutput, group: Group) -> Multiplier | Overwrite:
        terms = self._terms
        value = output.multiplier if output.multiplier is not None else output.price
        found = terms.agreed(value, group)
        if not isinstance(found, Decimal):
            message = "the rate is blank"
            fix = "Fill in the discount or the price on the row."
            raise terms.stop("missing_value", message, fix, group, value)
        if found < 0:
            message = f"the rate comes to {canonical(found)}, below zero"
            fix = "Correct the discount: 10 means 10 % off, 100 is free."
            raise terms.stop("rate_range", message, fix, group, value)
        if output.multiplier is not None:
            return Multiplier(multiplier=plain(found))
        price = Flat(price=plain(wire(found, terms.header.currency)))
        return Overwrite(price=price, credit_type_id=terms.header.credit_type_id)


def overlapping(overrides: Iterable[Override]) -> Iterator[tuple[Override, Override]]:
    """Multipliers that are live together on one tag or product, each with one it meets (F172).

    They never stack: the lowest one wins (R80, R82). Mostly it is a forgotten end date.
    """
    by_target: dict[str, list[Override]] = {}
    for one in overrides:
        if isinstance(one.rate, Multiplier):
            for target in _targets(one):
                by_target.setdefault(target, []).append(one)
    told: set[tuple[str, str]] = set()
    for target in sorted(by_target):
        ordered = sorted(by_target[target], key=lambda one: (one.window.start, one.id))
        longest = ordered[0]
        for one in ordered[1:]:
            pair = (longest.id, one.id)
            if one.window.overlaps(longest.window) and pair not in told:
                told.add(pair)
                yield longest, one
            longest = max(longest, one, key=lambda each: each.window.until)


def _targets(override: Override) -> tuple[str, ...]:
    applies = override.applicability
    tags = tuple(f"tag {tag}" for tag in applies.product_tags)
    products = tuple(f"product {product_id}" for product_id in applies.product_ids)
    return (*tags, *products) or ("everything",)
