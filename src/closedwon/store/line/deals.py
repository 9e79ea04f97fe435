"""Every deal ever seen: what came of it, and which step it waits for.

``outcome`` is what a person sees (seen = provisioned + parked + excluded + waiting, G2);
``waits_for`` is the step that has work with it, None when nothing is to do. A provisioned deal that
changed keeps its outcome while it goes down the line again.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from closedwon.deals.types import Deal, Terms
from closedwon.kernel.errors import InvariantBroken, NotFound
from closedwon.kernel.instant import format_instant
from closedwon.store.line.deal_row import (
    Counts,
    DealRow,
    Outcome,
    content_of,
    deal_of,
    follows,
    row_of,
)
from closedwon.store.rows import (
    Cell,
    change,
    decoded,
    encoded,
    insert_new,
    listing,
    select,
)

COLUMNS = (
    "opportunity_id, name, outcome, waits_for, reason, marks, reads, forced, fingerprint, read_at,"
    " mapping_version, kind, account_id, customer_id, contract_id, follows, provisioned_at,"
    " seen_at, marked_at"
)


class Deals:
    """The deal table. Every change of a deal's place on the line is one of these commands."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def mark(self, opportunity_ids: Iterable[str], now: datetime, *, forced: bool = False) -> int:
        """These deals changed: read them again. New ones are added; returns how many were new."""
        new = 0
        for opportunity_id in opportunity_ids:
            at = format_instant(now)
            first = {"opportunity_id": opportunity_id, "waits_for": "assemble"}
            stamps = {"seen_at": at, "marked_at": at, "changed_at": at}
            new += insert_new(self._db, "deal", [{**first, **stamps}])
            change(
                self._db,
                "update deal set waits_for = 'assemble', marks = marks + 1, reads = 0,"
                " marked_at = :at, forced = max(forced, :forced) where opportunity_id = :id",
                at=at,
                forced=int(forced),
                id=opportunity_id,
            )
        return new

    def find(self, opportunity_id: str) -> DealRow | None:
        """One deal; None when it was never seen."""
        rows = self._select("where opportunity_id = :id", id=opportunity_id)
        return rows[0] if rows else None

    def get(self, opportunity_id: str) -> DealRow:
        """One deal; raises NotFound when it was never seen."""
        row = self.find(opportunity_id)
        if row is None:
            raise NotFound("no such deal was ever seen", opportunity=opportunity_id)
        return row

    def waiting(self, step: str, limit: int) -> tuple[DealRow, ...]:
        """Deals that wait for ``step``, longest waiting first."""
        return self._select(
            "where waits_for = :step order by reads, marked_at, opportunity_id limit :limit",
            step=step,
            limit=limit,
        )

    def all(self, outcome: str | None = None) -> tuple[DealRow, ...]:
        """Deals with an outcome, or every deal, by opportunity id."""
        return self._select(
            "where :outcome is null or outcome = :outcome order by opportunity_id", outcome=outcome
        )

    def of_account(self, account_id: str) -> tuple[DealRow, ...]:
        """Deals whose account is ``account_id``."""
        return self._select("where account_id = :id order by opportunity_id", id=account_id)

    def ids(self) -> frozenset[str]:
        """Every opportunity id ever seen."""
        rows = select(self._db, "select opportunity_id from deal")
        return frozenset(row["opportunity_id"] for row in rows)

    def content(self, opportunity_id: str) -> Deal:
        """The deal as last read whole; raises NotFound before its first read."""
        rows = select(
            self._db, "select content from deal where opportunity_id = :id", id=opportunity_id
        )
        if not rows or rows[0]["content"] is None:
            raise NotFound("the deal was never read", opportunity=opportunity_id)
        return deal_of(rows[0]["content"])

    def terms(self, opportunity_id: str) -> Terms:
        """What the deal asks of billing; raises NotFound before it was mapped."""
        rows = select(
            self._db, "select terms from deal where opportunity_id = :id", id=opportunity_id
        )
        if not rows or rows[0]["terms"] is None:
            raise NotFound("the deal was never mapped", opportunity=opportunity_id)
        return decoded(rows[0]["terms"], Terms)

    def outdated(self, versions: Iterable[str]) -> tuple[str, ...]:
        """Idle deals settled under a mapping version that is no longer loaded; to be read again.

        A deal settled under an older file that is still loaded keeps its rules (design 5).
        """
        rows = select(
            self._db,
            "select opportunity_id from deal where waits_for is null and outcome != 'excluded'"
            " and mapping_version is not null"
            " and mapping_version not in (select value from json_each(:versions))"
            " order by opportunity_id",
            versions=listing(versions),
        )
        return tuple(row["opportunity_id"] for row in rows)

    def unready(self, row: DealRow, reason: str, now: datetime) -> None:
        """The deal could not be read consistently; it stays and is read again."""
        self._set(row, now, reason=reason, reads=row.reads + 1)

    def unchanged(self, row: DealRow, now: datetime) -> None:
        """The deal was read again and says the same: nothing waits."""
        self._set(row, now, waits_for=None, reads=0, reason="", read_at=format_instant(now))

    def assembled(self, row: DealRow, deal: Deal, name: str, now: datetime) -> None:
        """Keep the deal as read; it now waits for the mapping."""
        self._set(
            row,
            now,
            waits_for="map",
            name=name,
            reads=0,
            reason="",
            fingerprint=deal.fingerprint,
            content=content_of(deal),
            read_at=format_instant(deal.read_at),
        )

    def mapped(self, row: DealRow, terms: Terms, version: str, now: datetime) -> None:
        """Keep the terms; the deal now waits for a plan."""
        self._set(
            row,
            now,
            waits_for="plan",
            reason="",
            mapping_version=version,
            terms=encoded(terms),
            kind=terms.kind.value,
            account_id=terms.customer.account_id,
            contract_id=terms.contract_id,
            follows=follows(terms),
        )

    def waits(self, row: DealRow, step: str, reason: str, now: datetime) -> None:
        """The deal waits for ``step``; ``reason`` says for what, empty when nothing hinders."""
        self._set(row, now, waits_for=step, reason=reason)

    def parked(self, row: DealRow, now: datetime, version: str | None = None) -> None:
        """A person is needed; the parked rows say why. Billing keeps what it has."""
        cells: dict[str, Cell] = {} if version is None else {"mapping_version": version}
        self._set(row, now, waits_for=None, outcome="parked", reason="", forced=0, **cells)

    def on_the_line(self, step: str | None = None) -> int:
        """How many deals wait for ``step``, or for any."""
        rows = select(
            self._db,
            "select count(*) as n from deal where waits_for is not null"
            " and (:step is null or waits_for = :step)",
            step=step,
        )
        return int(rows[0]["n"])

    def are_waiting(self, step: str) -> bool:
        """Whether any deal waits for ``step``."""
        return bool(self.waiting(step, 1))

    def forgotten(self, row: DealRow) -> None:
        """The record never was a won deal: it is none of those we have seen."""
        forgotten = change(
            self._db,
            "delete from deal where opportunity_id = :id and content is null and marks = :marks",
            id=row.opportunity_id,
            marks=row.marks,
        )
        if forgotten:
            change(self._db, "delete from parked where subject = :id", id=row.opportunity_id)

    def excluded(self, row: DealRow, reason: str, now: datetime) -> None:
        """A named rule says that the deal is none of billing's business."""
        self._set(row, now, waits_for=None, outcome="excluded", reason=reason, forced=0)

    def owner(self, contract_id: str) -> DealRow | None:
        """The deal that creates ``contract_id``; None when none was mapped to it."""
        rows = self._select(
            "where contract_id = :id and kind in ('new', 'renewal')", id=contract_id
        )
        return rows[0] if rows else None

    def contracts(self) -> dict[str, str]:
        """Contract id by opportunity id, of every deal ever mapped."""
        rows = select(
            self._db, "select opportunity_id, contract_id from deal where contract_id is not null"
        )
        return {row["opportunity_id"]: row["contract_id"] for row in rows}

    def parked_for(self, codes: Iterable[str], step: str) -> int:
        """Parked deals with one of these open reasons try again from ``step``; how many."""
        return change(
            self._db,
            "update deal set waits_for = :step where outcome = 'parked' and waits_for is null"
            " and opportunity_id in (select subject from parked where resolved_at is null"
            "  and code in (select value from json_each(:codes)))",
            step=step,
            codes=listing(codes),
        )

    def provisioned(self, row: DealRow, now: datetime, customer_id: str, contract_id: str) -> None:
        """Billing holds what the deal asks for."""
        at = row.provisioned_at or now
        self._set(
            row,
            now,
            waits_for=None,
            outcome="provisioned",
            reason="",
            forced=0,
            customer_id=customer_id,
            contract_id=contract_id,
            provisioned_at=format_instant(at),
        )

    def released(self, row: DealRow, step: str, now: datetime) -> None:
        """A person lets a parked deal try again from ``step``, whatever its fingerprint says."""
        outcome = "waiting" if row.provisioned_at is None else "provisioned"
        self._set(row, now, waits_for=step, outcome=outcome, reason="", forced=1)

    def counts(self) -> Counts:
        """Deals by outcome."""
        rows = select(self._db, "select outcome, count(*) as n from deal group by outcome")
        found = {row["outcome"]: int(row["n"]) for row in rows}
        return Counts(seen=sum(found.values()), **{o.value: found.get(o.value, 0) for o in Outcome})

    def check(self) -> Counts:
        """The counts, after asserting that every parked deal has an open reason, and only they.

        Raises InvariantBroken otherwise (G2): a deal is never parked without telling why.
        """
        wrong = select(
            self._db,
            "select d.opportunity_id from deal d where (d.outcome = 'parked') != exists"
            " (select 1 from parked p where p.subject = d.opportunity_id"
            "  and p.resolved_at is null)",
        )
        if wrong:
            raise InvariantBroken(
                "parked deals and parked reasons disagree",
                opportunity=wrong[0]["opportunity_id"],
                deals=len(wrong),
            )
        return self.counts()

    def _select(self, tail: str, **parameters: Cell) -> tuple[DealRow, ...]:
        sql = f"select {COLUMNS} from deal {tail}"  # noqa: S608 both are literals of this file
        rows = select(self._db, sql, **parameters)
        return tuple(row_of(row) for row in rows)

    def _set(self, row: DealRow, now: datetime, **cells: Cell) -> None:
        """Write ``cells``; a deal marked again since ``row`` was read goes back to assemble."""
        cells["changed_at"] = format_instant(now)
        slots = ", ".join(f"{name} = :{name}" for name in cells)
        sql = f"update deal set {slots} where opportunity_id = :key"  # noqa: S608 names are ours
        change(self._db, sql, key=row.opportunity_id, **cells)
        change(
            self._db,
            "update deal set waits_for = 'assemble' where opportunity_id = :id and marks != :marks",
            id=row.opportunity_id,
            marks=row.marks,
        )
