"""What a balance or an override is about (metronome.md 2.7 Specifier; R74-R78, R163-R166)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from closedwon.kernel.errors import Refused


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Products with ALL of these tags are left out of a specifier (R76)."""

    product_tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.product_tags:
            raise Refused("an exclusion names the tags it excludes (R76)")


class Specifier(msgspec.Struct, frozen=True, kw_only=True):
    """Selects lines: AND inside, OR across, minus what ``exclude`` matches (R75, R76)."""

    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    """The product has ALL of these tags (R75)."""
    pricing_group_values: Mapping[str, str] = {}
    presentation_group_values: Mapping[str, str] = {}
    exclude: tuple[Exclusion, ...] = ()
    billing_frequency: str | None = None
    """Overrides only: the subscription rate meant (R90)."""
    commit_ids: tuple[str, ...] = ()
    """Overrides only: applies while one of these balances pays (R87)."""
    recurring_commit_ids: tuple[str, ...] = ()
    """Overrides only: applies while a child of one of these generators pays (R87)."""
    any_commit_or_credit_ids: tuple[str, ...] = ()
    """Overrides only: applies while one of these, or a child of one, pays (R87)."""

    @property
    def balance_ids(self) -> tuple[str, ...]:
        """Ids of every commit, credit or generator it names; empty means any balance (R87)."""
        return self.commit_ids + self.recurring_commit_ids + self.any_commit_or_credit_ids


class Applicability(msgspec.Struct, frozen=True, kw_only=True):
    """What a balance or override applies to; all empty means every product (R74, R163)."""

    product_ids: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    """The product has ANY of these tags (R75)."""
    specifiers: tuple[Specifier, ...] = ()

    def __post_init__(self) -> None:
        if self.specifiers and (self.product_ids or self.product_tags):
            raise Refused("specifiers cannot be combined with product ids or tags")

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.product_ids or self.product_tags or self.specifiers)

    def changed(self, given: Mapping[str, Sequence[Any] | None]) -> "Applicability":
        """With the fields given; specifiers take the place of ids and tags, and they of them."""
        changes = {name: tuple(value or ()) for name, value in given.items()}
        if changes.get("specifiers"):
            changes = {"product_ids": (), "product_tags": (), **changes}
        elif changes.get("product_ids") or changes.get("product_tags"):
            changes = {"specifiers": (), **changes}
        return replace(self, **changes)


EVERYTHING = Applicability()
