"""Which products and lines a balance or override is about (R74-R76, R163-R166)."""

from collections.abc import Mapping

import msgspec

from closedwon.billing.contracts.applicability import Applicability, Specifier


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A line, as far as applicability can tell lines apart."""

    product_id: str
    product_tags: frozenset[str]
    pricing_group_values: Mapping[str, str] = {}
    presentation_group_values: Mapping[str, str | None] = {}
    billing_frequency: str | None = None
    """Of subscription lines: which of the product's rates they have (R53, R90)."""


def applies(applicability: Applicability, subject: Subject) -> bool:
    """Whether it is about this line; nothing named means every line (R74, R163)."""
    if applicability.is_everything:
        return True
    if applicability.specifiers:
        return any(_selects(specifier, subject) for specifier in applicability.specifiers)
    return subject.product_id in applicability.product_ids or not subject.product_tags.isdisjoint(
        applicability.product_tags
    )


def is_about(applicability: Applicability, subject: Subject) -> bool:
    """Whether an override means this line; which balances it asks for is ``payers`` (R74, R90).

    A subscription line is meant only by product and billing frequency together, because one
    product may have several rates (R90).
    """
    if subject.billing_frequency is None:
        return applies(applicability, subject)
    return any(
        specifier.product_id is not None
        and specifier.billing_frequency is not None
        and _selects(specifier, subject)
        for specifier in applicability.specifiers
    )


def payers(applicability: Applicability, subject: Subject) -> frozenset[str] | None:
    """Ids of the balances an override of ``subject`` asks for; None is any balance (R87)."""
    named = [s.balance_ids for s in applicability.specifiers if _selects(s, subject)]
    if not named or not all(named):
        return None
    return frozenset(balance for ids in named for balance in ids)


def _selects(specifier: Specifier, subject: Subject) -> bool:
    """AND inside a specifier, a tag list means ALL of them, minus what it excludes (R75, R76)."""
    return (
        specifier.product_id in (None, subject.product_id)
        and specifier.billing_frequency in (None, subject.billing_frequency)
        and subject.product_tags.issuperset(specifier.product_tags)
        and not any(subject.product_tags.issuperset(e.product_tags) for e in specifier.exclude)
        and specifier.pricing_group_values.items() <= subject.pricing_group_values.items()
        and specifier.presentation_group_values.items() <= subject.presentation_group_values.items()
    )


def touches_product(applicability: Applicability, product_id: str, tags: frozenset[str]) -> bool:
    """Whether any line of the product could match; decides where a line must be cut (R131)."""
    if applicability.is_everything:
        return True
    if applicability.specifiers:
        return any(
            specifier.product_id in (None, product_id) and tags.issuperset(specifier.product_tags)
            for specifier in applicability.specifiers
        )
    return product_id in applicability.product_ids or not tags.isdisjoint(
        applicability.product_tags
    )
