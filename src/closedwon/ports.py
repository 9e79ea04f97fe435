"""What the line needs from the outside, as protocols; ``testing`` ships a suite for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from closedwon.deals.types import Deal, Plan, Record
from closedwon.formula.schema import FieldInfo


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open stretch ``[since, until)`` of SystemModstamp to read of one object."""

    object_name: str
    since: datetime
    until: datetime


class ChangedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row the CRM changed, deleted rows included."""

    object_name: str
    id: str
    modstamp: datetime
    deleted: bool
    opportunity_ids: tuple[str, ...]
    """Deals this row belongs to; empty when it belongs to none we watch."""
    record: Record


class Unready(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that cannot be read consistently yet; the next cycle tries again."""

    opportunity_id: str
    reason: str
    is_fresh: bool = False
    """It was saved a moment ago and only has to stand still; nothing is wrong with it."""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that is deleted, or no longer visible to us; never proof that it was deleted."""

    opportunity_id: str
    deleted: bool


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one pushed row, in the order sent."""

    ok: bool
    id: str | None = None
    created: bool = False
    code: str = ""
    """Salesforce status code of a failure."""
    message: str = ""
    fields: tuple[str, ...] = ()
    retryable: bool = False


class ApiUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Calls used and allowed in the org's rolling day, and calls made by us since start."""

    used: int
    allowed: int
    ours: int


class Crm(Protocol):
    """A CRM the line can poll, read deals from and write figures to.

    Raises RetryLater when it is away, LimitReached when our share of its API is spent, AuthFailed
    when credentials are refused.
    """

    def org_id(self) -> str:
        """18-character id of the org; part of every derived key."""
        ...

    def server_now(self) -> datetime:
        """The CRM's own clock (HTTP Date), whole seconds."""
        ...

    def changes(self, windows: Sequence[Window]) -> Iterable[ChangedRow]:
        """Every row changed inside the windows, oldest first per object; one call where it fits."""
        ...

    def won(self, since: datetime, until: datetime) -> Iterable[str]:
        """Ids of deals matching the trigger and closed in ``[since, until)``, for backfill."""
        ...

    def visible(self) -> Iterable[tuple[str, datetime]]:
        """(id, SystemModstamp) of every deal matching the trigger, for the full sweep."""
        ...

    def deal(self, opportunity_id: str, now: datetime) -> Deal | Unready | Gone:
        """The deal read as a whole and checked for consistency (salesforce.md 7.3)."""
        ...

    def deals(self, ids: Iterable[str], now: datetime) -> Iterator[Deal | Unready | Gone]:
        """One outcome per id, in the order given, read many at a time; as ``deal`` otherwise."""
        ...

    def matching(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of ``ids`` (18 characters) that match the trigger now."""
        ...

    def upsert(
        self, object_name: str, key_field: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[RowResult, ...]:
        """Upsert at most 200 rows by external id; one result per row, in order."""
        ...

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of an object by name."""
        ...

    def usage(self) -> ApiUsage:
        """API calls used in the org's rolling day."""
        ...


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a plan did."""

    changed: bool
    """False when all of it was there already."""


class Target(Protocol):
    """Where terms are provisioned: the embedded engine, or another billing system.

    Plans are always made against our own copy. What leaves the process goes first, by ``send``;
    what it did is then applied to the copy, with the deal's own rows, in one transaction (D5).
    """

    @property
    def is_remote(self) -> bool:
        """Whether plans leave the process."""
        ...

    def begun(self) -> tuple[Plan, ...]:
        """Plans that may have happened outside and not here yet; each has to be finished first."""
        ...

    def send(self, plan: Plan, *, now: datetime) -> None:
        """Let the plan happen outside, in no transaction of the caller; again the same is nothing.

        Raises Refused when it did not and will not happen, Conflict when somebody else changed the
        contract there, RetryLater when it may have happened: sent again, it finds out.
        """
        ...

    def check(self) -> str:
        """Where plans go, once it answered; raises RetryLater when it is away, or AuthFailed."""
        ...

    def base(self, contract_id: str) -> str:
        """Digest a plan for this contract is made against; empty when there is no contract."""
        ...

    def apply(self, plan: Plan, *, by: str, now: datetime) -> Applied:
        """Carry a plan out; again the same changes nothing.

        Raises Conflict when what it was made against moved, Refused when it cannot be done.
        """
        ...
