"""Overrides as they are sent (2.7 OverrideInput; R73-R92)."""

from enum import StrEnum
from typing import Annotated

from pydantic import AliasChoices, Field

from closedwon.api.model import Instant, Number, Texts, Wire, one_of, word
from closedwon.api.prices import PriceSent, price_of
from closedwon.api.terms.making import Making
from closedwon.api.terms.scopes import ExclusionSent
from closedwon.billing.contracts.applicability import Applicability, Exclusion, Specifier
from closedwon.billing.contracts.overrides import (
    Multiplier,
    MultiplierTier,
    Override,
    OverrideTarget,
    Overwrite,
    TieredMultiplier,
)
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval


class OverrideType(StrEnum):
    """What an override does to the rate."""

    OVERWRITE = "OVERWRITE"
    MULTIPLIER = "MULTIPLIER"
    TIERED = "TIERED"


class MultiplierTierSent(Wire):
    """``size`` units at ``multiplier``; the last one has no size."""

    multiplier: Number
    size: Number | None = None


class OverwriteSent(PriceSent):
    """The price instead of the list price."""

    credit_type_id: str | None = None


class OverrideSpecifierSent(Wire):
    """AND inside, OR across."""

    product_id: str | None = None
    product_tags: list[str] = []
    pricing_group_values: Texts = {}
    presentation_group_values: Texts = {}
    billing_frequency: Annotated[str, one_of("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")] | None = (
        None
    )
    commit_ids: list[str] = []
    recurring_commit_ids: list[str] = []
    any_commit_or_credit_ids: list[str] = []
    exclude: list[ExclusionSent] = []


class OverrideSent(Wire):
    """One override."""

    starting_at: Instant
    ending_before: Instant | None = None
    entitled: bool | None = None
    type: Annotated[OverrideType, word(OverrideType)] | None = None
    multiplier: Number | None = None
    priority: Number | None = None
    overwrite_rate: OverwriteSent | None = None
    tiers: list[MultiplierTierSent] | None = None
    product_id: str | None = Field(
        default=None, validation_alias=AliasChoices("product_id", "product")
    )
    applicable_product_tags: list[str] = []
    override_specifiers: list[OverrideSpecifierSent] = []
    is_commit_specific: bool = False
    target: Annotated[OverrideTarget, word(OverrideTarget)] = Field(
        default=OverrideTarget.LIST_RATE, validation_alias=AliasChoices("target", "rate_target")
    )


NEEDS = {
    OverrideType.OVERWRITE: "overwrite_rate",
    OverrideType.MULTIPLIER: "multiplier",
    OverrideType.TIERED: "tiers",
}
"""The field that goes with each type, and with no other."""


def override(make: Making, sent: OverrideSent, where: str) -> Override:
    """One override with a new id."""
    if sent.ending_before is not None and sent.ending_before <= sent.starting_at:
        raise Refused(f"{where}.ending_before: must be after starting_at (R100)")
    return Override(
        id=make.own_id(),
        window=Interval(sent.starting_at, sent.ending_before),
        applicability=_target(make, sent, where),
        rate=_rate(make, sent, where),
        entitled=sent.entitled,
        priority=sent.priority,
        is_commit_specific=sent.is_commit_specific,
        target=sent.target,
    )


def _rate(
    make: Making, sent: OverrideSent, where: str
) -> Overwrite | Multiplier | TieredMultiplier | None:
    given = [kind for kind, name in NEEDS.items() if getattr(sent, name) is not None]
    wanted = given if sent.type is None else [sent.type]
    if given != wanted or len(given) > 1:
        told = ", ".join(f"{name} with type {kind.value}" for kind, name in NEEDS.items())
        raise Refused(f"{where}: give exactly one of {told}")
    if sent.overwrite_rate is not None:
        price = price_of(sent.overwrite_rate, f"{where}.overwrite_rate")
        return Overwrite(price=price, credit_type_id=make.unit(sent.overwrite_rate.credit_type_id))
    if sent.multiplier is not None:
        return Multiplier(multiplier=sent.multiplier)
    if sent.tiers is not None:
        return TieredMultiplier(
            tiers=tuple(MultiplierTier(multiplier=t.multiplier, size=t.size) for t in sent.tiers)
        )
    return None


def _target(make: Making, sent: OverrideSent, where: str) -> Applicability:
    given = [sent.product_id, sent.applicable_product_tags, sent.override_specifiers]
    if sum(bool(one) for one in given) > 1:
        raise Refused(
            f"{where}: target by product_id, applicable_product_tags or override_specifiers"
        )
    return Applicability(
        product_ids=() if sent.product_id is None else (sent.product_id,),
        product_tags=tuple(sent.applicable_product_tags),
        specifiers=tuple(_specifier(make, one) for one in sent.override_specifiers),
    )


def _specifier(make: Making, sent: OverrideSpecifierSent) -> Specifier:
    def ids(names: list[str]) -> tuple[str, ...]:
        return tuple(make.meant(name) for name in names)

    return Specifier(
        product_id=sent.product_id,
        product_tags=tuple(sent.product_tags),
        pricing_group_values=sent.pricing_group_values,
        presentation_group_values=sent.presentation_group_values,
        exclude=tuple(Exclusion(product_tags=tuple(one.product_tags)) for one in sent.exclude),
        billing_frequency=sent.billing_frequency,
        commit_ids=ids(sent.commit_ids),
        recurring_commit_ids=ids(sent.recurring_commit_ids),
        any_commit_or_credit_ids=ids(sent.any_commit_or_credit_ids),
    )
