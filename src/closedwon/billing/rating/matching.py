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


def applies(applicability: Applicability, subject: Subject) -> bool:
    """Whether it is about this line; nothing named means every line (R74, R163)."""
    if applicability.is_everything:
        return True
    if applicability.specifiers:
        return any(_selects(specifier, subject) for specifier in applicability.specifiers)
    return subject.product_id in applicability.product_ids or not subject.product_tags.isdisjoint(
        applicability.product_tags
    )


def _selects(specifier: Specifier, subject: Subject) -> bool:
    """AND inside a specifier; a tag list means ALL of the tags (R75, R76)."""
    return (
        specifier.product_id in (None, subject.product_id)
        and subject.product_tags.issuperset(specifier.product_tags)
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
