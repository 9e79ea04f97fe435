"""What can happen to a customer, one change at a time (the reference's sections 3.B to 3.P)."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from oracle.history import Commit, Contract, Definition, Event, Filter, Rate, Recurring, Terms


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A contract is created; one that follows another ends that one (R120)."""

    contract: Contract


@dataclass(frozen=True, kw_only=True)
class Add:
    """Terms are added (R111, R112)."""

    contract: str
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Overrides are removed, as if they had never been (R116)."""

    contract: str
    overrides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class End:
    """The contract's end moves (R117, R118)."""

    contract: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Route:
    """A usage filter is scheduled (R106)."""

    contract: str
    filter: Filter


@dataclass(frozen=True, kw_only=True)
class Retune:
    """A generator changes for children that have not begun (R114)."""

    contract: str
    recurring: Recurring


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A customer-level commit or credit is given (R109)."""

    commit: Commit


@dataclass(frozen=True, kw_only=True)
class Reprice:
    """Rates are added to the card; the last one added wins (R54, R56)."""

    rates: tuple[Rate, ...]


@dataclass(frozen=True, kw_only=True)
class Redefine:
    """A product is defined anew from some instant on (R48)."""

    product: str
    definition: Definition


@dataclass(frozen=True, kw_only=True)
class Use:
    """Events arrive, in this order; an id that came before counts once (R5)."""

    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class Adjust:
    """A manual ledger entry (R198)."""

    name: str
    segment: str
    amount: Fraction


@dataclass(frozen=True, kw_only=True)
class Finalize:
    """What is due at the step's instant becomes final (R130, R151)."""


@dataclass(frozen=True, kw_only=True)
class Void:
    """A final usage invoice is voided: the one of ``contract`` that began at ``start`` (R283)."""

    contract: str
    start: datetime


@dataclass(frozen=True, kw_only=True)
class Regenerate:
    """A voided usage invoice is made anew with today's terms (R284)."""

    contract: str
    start: datetime


@dataclass(frozen=True, kw_only=True)
class Crash:
    """The program dies and starts again; nothing may change."""


Change = (
    Sign
    | Add
    | Drop
    | End
    | Route
    | Retune
    | Grant
    | Reprice
    | Redefine
    | Use
    | Adjust
    | Finalize
    | Void
    | Regenerate
    | Crash
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change and the instant the world learnt of it; instants never go back."""

    at: datetime
    change: Change
