"""Plans: what would change in billing for one deal, waiting, held, applied or overtaken."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlite_utils import Database

from closedwon.deals.types import Plan
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant
from closedwon.store.rows import Row, change, select, upsert


class PlanState(StrEnum):
    """open or released may be applied; held waits for a person; the others are history."""

    OPEN = "open"
    HELD = "held"
    RELEASED = "released"
    APPLIED = "applied"
    SUPERSEDED = "superseded"


class StoredPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, its digest and where it stands."""

    digest: str
    plan: Plan
    state: PlanState

    @property
    def may_apply(self) -> bool:
        """Whether nobody has to release it first."""
        return self.state in (PlanState.OPEN, PlanState.RELEASED)


class Plans:
    """At most one live plan per deal; the schema enforces it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def live(self, opportunity_id: str) -> StoredPlan | None:
        """The plan that waits for apply or for a person; None when there is none."""
        rows = select(
            self._db,
            "select * from plan where opportunity_id = :id"
            " and state in ('open', 'held', 'released')",
            id=opportunity_id,
        )
        for row in rows:
            return _stored(row)
        return None

    def newest(self, opportunity_id: str) -> StoredPlan | None:
        """The live plan of a deal, else the last one made of it; None when there never was one."""
        rows = select(
            self._db,
            "select * from plan where opportunity_id = :id"
            " order by state in ('open', 'held', 'released') desc, created_at desc, digest limit 1",
            id=opportunity_id,
        )
        return _stored(rows[0]) if rows else None

    def all_live(self) -> tuple[StoredPlan, ...]:
        """Every live plan by opportunity id."""
        rows = select(
            self._db,
            "select * from plan where state in ('open', 'held', 'released')"
            " order by opportunity_id",
        )
        return tuple(_stored(row) for row in rows)

    def applied_at(self, now: datetime) -> tuple[Plan, ...]:
        """Plans applied by the run whose instant is ``now``."""
        rows = select(
            self._db,
            "select content from plan where state = 'applied' and applied_at = :at"
            " order by opportunity_id",
            at=format_instant(now),
        )
        return tuple(plan_of(row["content"]) for row in rows)

    def save(self, plan: Plan, now: datetime) -> StoredPlan:
        """Make ``plan`` the live one of its deal; an equal one keeps its release."""
        content = plan_text(plan)
        key = digest(content.encode())
        known = self.live(plan.opportunity_id)
        if known is not None and known.digest == key:
            return known
        self.supersede(plan.opportunity_id)
        state = PlanState.HELD if plan.holds else PlanState.OPEN
        row: Row = {
            "digest": key,
            "opportunity_id": plan.opportunity_id,
            "content": content,
            "state": state.value,
            "created_at": format_instant(now),
            "released_at": None,
            "released_by": None,
            "applied_at": None,
        }
        upsert(self._db, "plan", ["digest"], [row])
        return StoredPlan(digest=key, plan=plan, state=state)

    def supersede(self, opportunity_id: str) -> None:
        """The live plan of a deal, if any, is overtaken."""
        change(
            self._db,
            "update plan set state = 'superseded' where opportunity_id = :id"
            " and state in ('open', 'held', 'released')",
            id=opportunity_id,
        )

    def release(self, opportunity_id: str, by: str, now: datetime) -> bool:
        """Let a held plan through; False when none is held."""
        released = change(
            self._db,
            "update plan set state = 'released', released_by = :by, released_at = :at"
            " where opportunity_id = :id and state = 'held'",
            by=by,
            at=format_instant(now),
            id=opportunity_id,
        )
        return bool(released)

    def applied(self, plan_digest: str, now: datetime) -> None:
        """Note that the plan's effect is in this transaction."""
        change(
            self._db,
            "update plan set state = 'applied', applied_at = :at where digest = :digest",
            at=format_instant(now),
            digest=plan_digest,
        )


def plan_text(plan: Plan) -> str:
    """Canonical JSON of a plan, as stored and as written to a plan file; decimals are text."""
    return _SORTED.encode(msgspec.to_builtins(plan, str_keys=True)).decode()


_SORTED = msgspec.json.Encoder(order="sorted")


def plan_of(text: str | bytes) -> Plan:
    """The plan back from its JSON; raises Refused when the text is not a plan."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"not a plan: {error}") from error


def _stored(row: dict[str, str]) -> StoredPlan:
    return StoredPlan(
        digest=row["digest"],
        plan=plan_of(row["content"]),
        state=PlanState(row["state"]),
    )
