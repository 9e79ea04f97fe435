"""Does the whole make sense: total against the CRM, dates against the contract, rates together."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.state import Contract
from closedwon.deals.mapping.answers import Answers, Unmappable, finding_of
from closedwon.deals.mapping.deal_terms import DealTerms
from closedwon.deals.mapping.header import Header
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.overrides import overlapping
from closedwon.deals.money import scheduled
from closedwon.deals.subscribed import price_at, recurs_between, sides
from closedwon.deals.terms import all_terms, starts_at
from closedwon.deals.types import DealKind, Finding, Severity, Terms
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical, major


def cross_checks(
    mapping: DealMapping, answers: Answers, ground: DealTerms, terms: Terms
) -> Iterator[Finding]:
    """Findings about the terms as a whole; the total and rates park, the rest are warnings."""
    header, added = ground.header, terms.contract.terms
    _, after = sides(terms, ground.facts.contracts.get(header.contract_id))
    unrated = list(_unrated(after, added, ground.facts.catalog))
    yield from unrated
    if not unrated:  # What is not charged never adds up.
        try:
            billed = scheduled(added) + recurring_value(ground, terms)
        except Refused as error:  # Fewer seats than there are (R224).
            fix = "Correct the quantities of the lines."
            yield finding_of("refused", error.message, fix, answers.deal)
            return
        yield from _total(mapping, answers, header, billed)
    yield from _outside(header, added)
    for one, other in overlapping(added.overrides):
        yield _warning(
            "multipliers_overlap",
            f"two discounts are live together: {_told(one)} and {_told(other)}; "
            "they never stack, the lowest rate wins",
            "End the first where the second begins, unless this is meant.",
            one.source,
        )


def recurring_value(ground: DealTerms, terms: Terms) -> Decimal:
    """What recurs because of a deal, billed in all; raises Refused for fewer seats than none."""
    facts = ground.facts
    before, after = sides(terms, facts.contracts.get(terms.contract_id))
    return sum(recurs_between(before, after, facts.catalog).billed.values(), ZERO)


def _unrated(contract: Contract | None, added: Added, catalog: Catalog) -> Iterator[Finding]:
    """Subscriptions nobody would be charged for: their rate is not enabled (R216, seed 004)."""
    if contract is None:
        return
    for one in added.subscriptions:
        start = max(one.window.start, contract.term.start)
        if price_at(contract, one, catalog, start) is None:
            finding = _warning(
                "subscription_without_rate",
                f"{one.name}: the contract has no enabled {one.frequency} rate of product "
                f"{one.product_id} on {start:%Y-%m-%d}, so nothing would be charged",
                "Add the rate to the rate card, or enable it with a price on the line.",
                one.source,
            )
            yield msgspec.structs.replace(finding, severity=Severity.PARK)


def _total(
    mapping: DealMapping, answers: Answers, header: Header, billed: Decimal
) -> Iterator[Finding]:
    """What we would invoice is what the CRM says it sold (F169: dollars, not cents)."""
    value = mapping.contract.total
    try:
        expected = answers.number(value, answers.deal)
    except Unmappable as error:
        yield error.finding
        return
    if expected is None:
        return
    mapped = major(billed, header.currency)
    if abs(mapped - expected) > mapping.contract.total_tolerance:
        yield finding_of(
            "total_mismatch",
            f"the CRM sold {canonical(expected)} {header.currency}, the mapped terms bill "
            f"{canonical(mapped)}: {canonical(mapped - expected)} apart",
            "Recalculate the quote; if it is right, a line is mapped wrongly or not at all.",
            answers.deal,
            value,
        )


def _outside(header: Header, added: Added) -> Iterator[Finding]:
    """Access outside the contract pays nothing (R93); an amendment's own term says little."""
    if header.kind is DealKind.AMENDMENT:
        yield from _dated_early(header, added)
        return
    for commit in added.commits:
        for segment in commit.segments:
            window = segment.window
            if window.start < header.term.start or window.until > header.term.until:
                yield _warning(
                    "access_outside_contract",
                    f"access of {commit.name} from {window.start:%Y-%m-%d} to "
                    f"{window.until:%Y-%m-%d} reaches outside the contract term",
                    "Correct the dates of the line or of the quote.",
                    commit.source,
                )


def _dated_early(header: Header, added: Added) -> Iterator[Finding]:
    """An amendment dated before anything it brings; the terms' own dates count (R111, F170)."""
    terms = all_terms(added)
    first = min((starts_at(term) for term in terms), default=header.term.start)
    if header.term.start < first:
        yield _warning(
            "amendment_dated_early",
            f"the amendment is dated {header.term.start:%Y-%m-%d}, its first term starts on "
            f"{first:%Y-%m-%d}; nothing changes before that",
            "Nothing to do if this is meant; else correct the dates of the lines.",
            terms[0].source,
        )


def _warning(code: str, message: str, fix: str, source: Source | None) -> Finding:
    finding = Finding(code=code, message=message, fix=fix, severity=Severity.WARN)
    if source is None:
        return finding
    record_id = source.line_ids[0] if source.line_ids else source.opportunity_id
    return msgspec.structs.replace(finding, record_id=record_id, place=source.place)


def _told(override: Override) -> str:
    rate = override.rate
    factor = canonical(rate.multiplier) if isinstance(rate, Multiplier) else "a price"
    window = override.window
    until = "on" if window.end is None else f"until {window.end:%Y-%m-%d}"
    tags = ", ".join((*override.applicability.product_tags, *override.applicability.product_ids))
    return f"x{factor} for {tags or 'everything'} from {window.start:%Y-%m-%d} {until}"
