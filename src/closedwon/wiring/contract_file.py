"""Contracts as YAML, for trying terms that no deal has yet (``closedwon whatif``).

Every scalar is read as text, so amounts keep their digits. Amounts are in major units (dollars) of
the rate card's currency; prices of overrides, like those of catalogue files, in its wire unit.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
    Transition,
    TransitionType,
)
from closedwon.billing.pricing import Flat
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.exact import wire
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, parse_instant
from closedwon.wiring.yaml_file import read


class AmountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount paid ``on`` a date."""

    amount: Decimal
    on: str


class AccessEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A window in which an amount can be drawn; the end is exclusive."""

    amount: Decimal
    starting_at: str
    ending_before: str


class CommitEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A commit, or a credit, which nobody pays for."""

    name: str
    product: str
    access: tuple[AccessEntry, ...]
    type: CommitKind = CommitKind.PREPAID
    payments: tuple[AmountEntry, ...] = ()
    products: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: Decimal | None = None
    rollover_fraction: Decimal | None = None


class OverrideEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A multiplier of list prices, or one price, for products or tags; all when none is named."""

    multiplier: Decimal | None = None
    price: Decimal | None = None
    products: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    starting_at: str | None = None
    ending_before: str | None = None


class ChargeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fixed charge at points in time."""

    name: str
    product: str
    payments: tuple[AmountEntry, ...]


class ContractFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; ``rate_card`` is an id or an alias."""

    rate_card: str
    starting_at: str
    currency: str = "USD"
    customer: str = ""
    ending_before: str | None = None
    renews: str | None = None
    """Id of the contract it follows; what is left there rolls over (R121)."""
    commits: tuple[CommitEntry, ...] = ()
    overrides: tuple[OverrideEntry, ...] = ()
    charges: tuple[ChargeEntry, ...] = ()


def read_contract(path: Path) -> ContractFile:
    """Parse a contract file; raises ConfigError with the file and the place in it."""
    return read(path, ContractFile, "contract")


def contract_of_file(found: ContractFile, customer_id: str, now: datetime) -> Create:
    """The contract the file describes."""
    start = parse_instant(_utc(found.starting_at))
    builder = _Builder(found.currency, start, now)
    term = Interval(start, builder.until(found.ending_before))
    return Create(
        customer_id=customer_id,
        term=term,
        rate_card_id=found.rate_card,
        terms=Added(
            commits=tuple(builder.commit(n, one) for n, one in enumerate(found.commits)),
            overrides=tuple(builder.override(n, one) for n, one in enumerate(found.overrides)),
            charges=tuple(builder.charge(n, one) for n, one in enumerate(found.charges)),
        ),
        transition=None
        if found.renews is None
        else Transition(type=TransitionType.RENEWAL, from_contract_id=found.renews),
    )


class _Builder:
    def __init__(self, currency: str, start: datetime, now: datetime) -> None:
        self._currency = currency
        self._start = start
        self._now = now

    def commit(self, number: int, entry: CommitEntry) -> Commit:
        name = f"commit {number}"
        segments = tuple(
            AccessSegment(
                id=derive("file", name, "access", str(n)),
                amount=wire(one.amount, self._currency),
                window=Interval(
                    parse_instant(_utc(one.starting_at)), self.until(one.ending_before)
                ),
            )
            for n, one in enumerate(entry.access)
        )
        return Commit(
            id=derive("file", name),
            kind=entry.type,
            product_id=entry.product,
            name=entry.name,
            segments=segments,
            payments=self._payments(name, entry.payments),
            priority=entry.priority,
            rollover_fraction=entry.rollover_fraction,
            applicability=Applicability(product_ids=entry.products, product_tags=entry.tags),
            created_at=self._now,
        )

    def override(self, number: int, entry: OverrideEntry) -> Override:
        if (entry.multiplier is None) == (entry.price is None):
            raise ConfigError("an override gives a multiplier or a price", override=number + 1)
        rate = (
            Multiplier(multiplier=entry.multiplier)
            if entry.multiplier is not None
            else Overwrite(price=Flat(price=entry.price or Decimal(0)))
        )
        start = self._start
        if entry.starting_at is not None:
            start = parse_instant(_utc(entry.starting_at))
        return Override(
            id=derive("file", f"override {number}"),
            window=Interval(start, self.until(entry.ending_before)),
            applicability=Applicability(product_ids=entry.products, product_tags=entry.tags),
            rate=rate,
        )

    def charge(self, number: int, entry: ChargeEntry) -> ScheduledCharge:
        name = f"charge {number}"
        return ScheduledCharge(
            id=derive("file", name),
            product_id=entry.product,
            name=entry.name,
            items=self._payments(name, entry.payments),
        )

    def until(self, text: str | None) -> datetime | None:
        return None if text is None else parse_instant(_utc(text))

    def _payments(self, name: str, entries: Iterable[AmountEntry]) -> tuple[ScheduleItem, ...]:
        amounts = [(one, wire(one.amount, self._currency)) for one in entries]
        return tuple(
            ScheduleItem(
                id=derive("file", name, "payment", str(n)),
                timestamp=parse_instant(_utc(one.on)),
                amount=amount,
                unit_price=amount,
            )
            for n, (one, amount) in enumerate(amounts)
        )


def _utc(text: str) -> str:
    """A date stands for its midnight, UTC."""
    return f"{text}T00:00:00Z" if len(text) == len("2025-01-01") else text
