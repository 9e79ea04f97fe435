"""What update_* requests of a v2 edit make of a term (metronome.md 2.8; R112, R113, R215).

A field left out stays as it is (``UNSET``); None clears it where the wire says null clears. The
result is a whole new term for ``Revise.replace``; what may not change is refused by the engine,
which knows what is final.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from closedwon.billing.contracts.applicability import Specifier
from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.hierarchy import ChildAccess
from closedwon.billing.contracts.recurring import (
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import AccessSegment, Commit, ScheduledCharge, ScheduleItem
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import Interval

Part = TypeVar("Part", AccessSegment, ScheduleItem)
Term = TypeVar("Term", Commit, ScheduledCharge, RecurringCommit)
SCOPE = ("product_ids", "product_tags", "specifiers")


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """Fields to change; what is UNSET stays."""

    def given(self, *names: str) -> dict[str, Any]:
        """The fields of ``names`` that were given, by name."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not UNSET}


class SegmentUpdate(Patch, frozen=True, kw_only=True):
    """update_schedule_items of an access schedule."""

    id: str
    amount: Decimal | UnsetType = UNSET
    starting_at: datetime | UnsetType = UNSET
    ending_before: datetime | UnsetType = UNSET

    def of(self, segment: AccessSegment) -> AccessSegment:
        """The segment as updated."""
        start = segment.window.start if self.starting_at is UNSET else self.starting_at
        end = segment.window.end if self.ending_before is UNSET else self.ending_before
        return replace(segment, window=Interval(start, end), **self.given("amount"))


class PointUpdate(Patch, frozen=True, kw_only=True):
    """update_schedule_items of an invoice schedule: an amount, or unit_price and quantity."""

    id: str
    timestamp: datetime | UnsetType = UNSET
    amount: Decimal | UnsetType = UNSET
    unit_price: Decimal | UnsetType = UNSET
    quantity: Decimal | UnsetType = UNSET

    def of(self, point: ScheduleItem) -> ScheduleItem:
        """The point as updated; an amount alone is one unit at that price (2.7)."""
        changes = self.given("timestamp", "amount", "unit_price", "quantity")
        priced = {"unit_price", "quantity"} & changes.keys()
        if priced and "amount" not in changes:
            price = changes.get("unit_price", point.unit_price)
            changes["amount"] = price * changes.get("quantity", point.quantity)
        elif "amount" in changes and not priced:
            changes |= {"unit_price": changes["amount"], "quantity": Decimal(1)}
        return replace(point, **changes)


class AccessPatch(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of an access schedule, by segment id."""

    add: tuple[AccessSegment, ...] = ()
    update: tuple[SegmentUpdate, ...] = ()
    remove_ids: tuple[str, ...] = ()


class SchedulePatch(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of an invoice schedule, by point id."""

    add: tuple[ScheduleItem, ...] = ()
    update: tuple[PointUpdate, ...] = ()
    remove_ids: tuple[str, ...] = ()


class CommitPatch(Patch, frozen=True, kw_only=True):
    """update_commits, update_credits and the commit endpoints' edit."""

    id: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    product_id: str | UnsetType = UNSET
    access: AccessPatch = AccessPatch()
    invoice: SchedulePatch = SchedulePatch()
    product_ids: tuple[str, ...] | UnsetType | None = UNSET
    """None, with tags None as well, is every product."""
    product_tags: tuple[str, ...] | UnsetType | None = UNSET
    specifiers: tuple[Specifier, ...] | UnsetType | None = UNSET
    priority: Decimal | UnsetType | None = UNSET
    rollover_fraction: Decimal | UnsetType | None = UNSET
    rate_type: str | UnsetType = UNSET
    """Of current and future drafts (R211)."""
    child_access: ChildAccess | UnsetType = UNSET
    invoice_contract_id: str | UnsetType = UNSET
    echoed: Mapping[str, str | None] = {}
    """What is only kept and shown, by name; None takes it away."""

    def of(self, commit: Commit) -> Commit:
        """The commit as updated; its name, amounts and scope, whatever was given."""
        return replace(
            commit,
            segments=_scheduled(commit.schedule, self.access),
            payments=_scheduled(commit.payments, self.invoice),
            applicability=commit.applicability.changed(self.given(*SCOPE)),
            echoed=_echoed(commit.echoed, self.echoed),
            **self.given(
                "name",
                "description",
                "product_id",
                "priority",
                "rollover_fraction",
                "rate_type",
                "child_access",
                "invoice_contract_id",
            ),
        )


class ChargePatch(msgspec.Struct, frozen=True, kw_only=True):
    """update_scheduled_charges."""

    id: str
    invoice: SchedulePatch
    echoed: Mapping[str, str | None] = {}
    """As that of a commit."""

    def of(self, charge: ScheduledCharge) -> ScheduledCharge:
        """The charge as updated."""
        return replace(
            charge,
            items=_scheduled(charge.items, self.invoice),
            echoed=_echoed(charge.echoed, self.echoed),
        )


class AmountPatch(Patch, frozen=True, kw_only=True):
    """A recurring amount's new price or quantity."""

    unit_price: Decimal | UnsetType = UNSET
    quantity: Decimal | UnsetType = UNSET

    def of(self, amount: RecurringAmount) -> RecurringAmount:
        """The amount as updated."""
        if amount.quantity is None and self.quantity is not UNSET:
            raise Refused("the quantity is that of the subscription (R229)")
        return replace(amount, **self.given("unit_price", "quantity"))


class RecurringPatch(Patch, frozen=True, kw_only=True):
    """update_recurring_commits and update_recurring_credits; of children to come (R114)."""

    id: str
    access: AmountPatch = AmountPatch()
    invoice: AmountPatch = AmountPatch()
    ending_before: datetime | UnsetType | None = UNSET
    rate_type: str | UnsetType = UNSET
    access_rounding: ProrationRounding | UnsetType | None = UNSET
    invoice_rounding: ProrationRounding | UnsetType | None = UNSET

    def of(self, term: RecurringCommit) -> RecurringCommit:
        """The generator as updated; what it was is kept by the fold."""
        end = term.window.end if self.ending_before is UNSET else self.ending_before
        if term.invoice is None and self.invoice != AmountPatch():
            raise Refused("a free recurring term has no invoice_amount", recurring=self.id)
        return replace(
            term,
            access=self.access.of(term.access),
            invoice=None if term.invoice is None else self.invoice.of(term.invoice),
            window=Interval(term.window.start, end),
            **self.given("rate_type", "access_rounding", "invoice_rounding"),
        )


class Patches(msgspec.Struct, frozen=True, kw_only=True):
    """Every update_* of one edit."""

    commits: tuple[CommitPatch, ...] = ()
    charges: tuple[ChargePatch, ...] = ()
    recurring: tuple[RecurringPatch, ...] = ()


def patched(contract: Contract, patches: Patches) -> Added:
    """The contract's terms as updated, for ``Revise.replace``; raises NotFound for another id."""
    return Added(
        commits=_each(contract.commits, ((one.id, one.of) for one in patches.commits)),
        charges=_each(contract.charges, ((one.id, one.of) for one in patches.charges)),
        recurring=_each(contract.recurring, ((one.id, one.of) for one in patches.recurring)),
    )


def ended(commit: Commit, access: datetime | None, invoices: datetime | None) -> Commit:
    """The commit with access until ``access`` and payments before ``invoices`` (R215).

    An earlier end cuts segments and drops those that would begin later; a later one moves the last
    segment's end. None leaves either as it is.
    """
    segments, payments = commit.schedule, commit.payments
    if access is not None:
        last = max(segments, key=lambda segment: segment.window.until)
        segments = tuple(
            replace(one, window=Interval(one.window.start, _end(one, last, access)))
            for one in segments
            if one.window.start < access
        )
    if invoices is not None:
        payments = tuple(point for point in payments if point.timestamp < invoices)
    if not segments:
        raise Refused("access cannot end before it begins; archive it instead", commit=commit.id)
    return replace(commit, segments=segments, payments=payments)


def _end(segment: AccessSegment, last: AccessSegment, access: datetime) -> datetime:
    return access if segment is last else min(segment.window.until, access)


def _each(
    terms: Iterable[Term], changes: Iterable[tuple[str, Callable[[Term], Term]]]
) -> tuple[Term, ...]:
    known = {term.id: term for term in terms}
    changed: dict[str, Term] = {}
    for term_id, change in changes:
        if term_id not in known:
            raise NotFound("no such term on the contract", term=term_id)
        changed[term_id] = change(changed.get(term_id, known[term_id]))
    return tuple(changed.values())


def _scheduled(parts: tuple[Part, ...], patch: AccessPatch | SchedulePatch) -> tuple[Part, ...]:
    """Parts updated, removed and added; raises NotFound for an id that is not there."""
    known = {part.id for part in parts}
    updates: dict[str, Callable[[Any], Any]] = {one.id: one.of for one in patch.update}
    unknown = sorted(({*patch.remove_ids} | updates.keys()) - known)
    if unknown:
        raise NotFound("no such schedule item", items=", ".join(unknown))
    kept: list[Part] = [part for part in parts if part.id not in patch.remove_ids]
    added: Any = patch.add
    return (*(updates[p.id](p) if p.id in updates else p for p in kept), *added)


def _echoed(known: Mapping[str, str], given: Mapping[str, str | None]) -> Mapping[str, str]:
    return {name: value for name, value in {**known, **given}.items() if value is not None}
