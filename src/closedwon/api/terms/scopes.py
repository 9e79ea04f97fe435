"""What a balance applies to and which children may draw it, as sent (2.7; R163-R166, R302)."""

from typing import Annotated

from closedwon.api.model import Texts, Wire, word
from closedwon.billing.contracts.applicability import Applicability, Exclusion, Specifier
from closedwon.billing.contracts.hierarchy import AccessType, ChildAccess


class ExclusionSent(Wire):
    """Products with all of these tags are left out."""

    product_tags: list[str]


class SpecifierSent(Wire):
    """AND inside, OR across."""

    product_id: str | None = None
    product_tags: list[str] = []
    pricing_group_values: Texts = {}
    presentation_group_values: Texts = {}
    exclude: list[ExclusionSent] = []


class ChildAccessSent(Wire):
    """Who may draw a parent's balance."""

    type: Annotated[AccessType, word(AccessType)]
    contract_ids: list[str] = []


class BalanceHierarchySent(Wire):
    """hierarchy_configuration of a balance."""

    child_access: ChildAccessSent

    @property
    def access(self) -> ChildAccess:
        """As the engine knows it."""
        sent = self.child_access
        return ChildAccess(type=sent.type, contract_ids=tuple(sent.contract_ids))


def specifier(sent: SpecifierSent) -> Specifier:
    """One specifier."""
    return Specifier(
        product_id=sent.product_id,
        product_tags=tuple(sent.product_tags),
        pricing_group_values=sent.pricing_group_values,
        presentation_group_values=sent.presentation_group_values,
        exclude=tuple(Exclusion(product_tags=tuple(one.product_tags)) for one in sent.exclude),
    )


def applicability(
    product_ids: list[str] | None, tags: list[str] | None, specifiers: list[SpecifierSent] | None
) -> Applicability:
    """What a balance applies to; nothing given is everything."""
    return Applicability(
        product_ids=tuple(product_ids or ()),
        product_tags=tuple(tags or ()),
        specifiers=tuple(specifier(one) for one in specifiers or ()),
    )


def child_access(sent: BalanceHierarchySent | None) -> ChildAccess:
    """Nobody unless said otherwise."""
    return ChildAccess() if sent is None else sent.access
