"""Contract edits, stored once for good, and the current state derived from them (D1)."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from closedwon.billing.contracts.edits import Edit
from closedwon.billing.contracts.state import Contract
from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import (
    change,
    decoded,
    encoded,
    insert,
    insert_new,
    instant_or_none,
    listing,
    select,
    upsert,
)

DUE = (
    "from contract c where c.due_at <= :now and not exists (select 1 from billing_problem p"
    " where p.customer_id = c.customer_id and p.retry_at > :now)"
)
"""Contracts that have something to finalize, of customers who are not parked."""


@migrations()
def m005_contracts(db: Database) -> None:
    """``contract`` and ``contract_term`` are caches of ``contract_edit``; nothing else is kept."""
    create(
        db,
        "create table contract_edit ("
        " contract_id text not null, position integer not null check (position >= 1),"
        " id text not null unique, at text not null, by text not null, kind text not null,"
        " content text not null, primary key (contract_id, position)) strict",
        *append_only("contract_edit"),
        "create table contract ("
        " id text primary key, customer_id text not null references customer (id),"
        " rate_card_id text references rate_card (id), created_at text not null,"
        " starting_at text not null, ending_before text, state text not null,"
        " digest text not null, due_at text) strict",
        "create index contract_customer on contract (customer_id, created_at, id)",
        "create index contract_due on contract (due_at, customer_id) where due_at is not null",
        "create table contract_term ("
        " term_id text primary key, contract_id text not null references contract (id)) strict",
    )


@migrations()
def m040_thresholds(db: Database) -> None:
    """Contracts with a threshold are asked after every batch of usage."""
    create(
        db,
        "alter table contract add column has_threshold integer not null default 0",
        "create index contract_threshold on contract (customer_id) where has_threshold",
    )


class Contracts:
    """Edits are appended; the state is put beside them in the same transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, edit: Edit) -> None:
        """Store one more edit of its contract."""
        last = select(
            self._db,
            "select coalesce(max(position), 0) as last from contract_edit where contract_id = :id",
            id=edit.contract_id,
        )[0]["last"]
        insert(
            self._db,
            "contract_edit",
            [
                {
                    "contract_id": edit.contract_id,
                    "position": last + 1,
                    "id": edit.id,
                    "at": format_instant(edit.at),
                    "by": edit.by,
                    "kind": str(edit.change.__struct_config__.tag),
                    "content": encoded(edit),
                }
            ],
        )

    def put_state(self, contract: Contract, due_at: datetime | None) -> None:
        """Replace the cached state; ``due_at`` is when something of it can finalize next."""
        state = encoded(contract)
        row = {
            "id": contract.id,
            "customer_id": contract.customer_id,
            "rate_card_id": contract.rate_card_id,
            "created_at": format_instant(contract.created_at),
            "starting_at": format_instant(contract.term.start),
            "ending_before": instant_or_none(contract.term.end),
            "state": state,
            "digest": digest(state.encode()),
            "due_at": instant_or_none(due_at),
            "has_threshold": int(_has_threshold(contract)),
            "parent_customer_id": _parent(contract),
        }
        upsert(self._db, "contract", ("id",), [row])
        insert_new(
            self._db,
            "contract_term",
            [{"term_id": term, "contract_id": contract.id} for term in _ids(contract)],
        )

    def set_due(self, dues: Iterable[tuple[str, datetime | None]]) -> None:
        """Set when each contract is due next; None is never."""
        for contract_id, due_at in dues:
            change(
                self._db,
                "update contract set due_at = :due where id = :id",
                id=contract_id,
                due=instant_or_none(due_at),
            )

    def get(self, contract_id: str) -> Contract | None:
        """Current state, None when there is no such contract."""
        rows = select(self._db, "select state from contract where id = :id", id=contract_id)
        return decoded(rows[0]["state"], Contract) if rows else None

    def digest(self, contract_id: str) -> str:
        """Digest of the current state, empty when there is no such contract."""
        rows = select(self._db, "select digest from contract where id = :id", id=contract_id)
        return str(rows[0]["digest"]) if rows else ""

    def digests(self, customer_ids: Iterable[str]) -> dict[str, list[str]]:
        """Digests of contracts by customer id, oldest contract first."""
        found: dict[str, list[str]] = {}
        for row in select(
            self._db,
            "select customer_id, digest from contract"
            " where customer_id in (select value from json_each(:ids))"
            " order by customer_id, created_at, id",
            ids=listing(customer_ids),
        ):
            found.setdefault(row["customer_id"], []).append(row["digest"])
        return found

    def of_customers(self, customer_ids: Iterable[str]) -> dict[str, list[Contract]]:
        """Contracts by customer id, oldest first."""
        found: dict[str, list[Contract]] = {}
        for row in select(
            self._db,
            "select customer_id, state from contract"
            " where customer_id in (select value from json_each(:ids))"
            " order by customer_id, created_at, id",
            ids=listing(customer_ids),
        ):
            found.setdefault(row["customer_id"], []).append(decoded(row["state"], Contract))
        return found

    def ids(self) -> tuple[str, ...]:
        """Every contract id, oldest first."""
        return tuple(
            row["id"] for row in select(self._db, "select id from contract order by created_at, id")
        )

    def edits(self, contract_id: str) -> tuple[Edit, ...]:
        """All edits of a contract, oldest first."""
        rows = select(
            self._db,
            "select content from contract_edit where contract_id = :id order by position",
            id=contract_id,
        )
        return tuple(decoded(row["content"], Edit) for row in rows)

    def customers_mentioning(self, text: str) -> tuple[str, ...]:
        """Customers whose edits have ``text`` somewhere, by id; reads every edit."""
        rows = select(
            self._db,
            "select customer_id from contract where id in"
            " (select contract_id from contract_edit where instr(content, :text) > 0)"
            " union select customer_id from customer_term_edit where instr(content, :text) > 0"
            " order by customer_id",
            text=text,
        )
        return tuple(row["customer_id"] for row in rows)

    def edit(self, edit_id: str) -> Edit | None:
        """One edit by its id."""
        rows = select(self._db, "select content from contract_edit where id = :id", id=edit_id)
        return decoded(rows[0]["content"], Edit) if rows else None

    def holders_of_terms(self, term_ids: Iterable[str]) -> dict[str, str]:
        """Contract id by term id, for terms any contract has or had."""
        rows: list[dict[str, Any]] = select(
            self._db,
            "select term_id, contract_id from contract_term"
            " where term_id in (select value from json_each(:ids))",
            ids=listing(term_ids),
        )
        return {row["term_id"]: row["contract_id"] for row in rows}

    def customers_due(self, now: datetime, customers_max: int) -> tuple[str, ...]:
        """Customers with a contract due by ``now`` who are not parked, longest due first.

        The index on ``due_at`` is read in its order and only as far as needed.
        """
        found: dict[str, None] = {}
        sql = f"select c.customer_id {DUE} order by c.due_at, c.customer_id"
        with closing(self._db.conn.execute(sql, {"now": format_instant(now)})) as rows:
            for (customer_id,) in rows:
                if len(found) == customers_max:
                    break
                found[customer_id] = None
        return tuple(found)

    def customers_with_thresholds(self, customer_ids: Iterable[str] | None) -> tuple[str, ...]:
        """Customers with a threshold on a contract, by id; of ``customer_ids`` only, when given."""
        narrow = (
            ""
            if customer_ids is None
            else "customer_id in (select value from json_each(:ids)) and "
        )
        rows = select(
            self._db,
            f"select distinct customer_id from contract where {narrow}has_threshold"  # noqa: S608 ours
            " order by customer_id",
            ids=listing(customer_ids or ()),
        )
        return tuple(row["customer_id"] for row in rows)

    def next_due(self, after: datetime) -> datetime | None:
        """The first instant later than ``after`` at which any contract is due."""
        sql = "select min(due_at) as due from contract where due_at > :after"
        found = select(self._db, sql, after=format_instant(after))[0]["due"]
        return None if found is None else parse_instant(found)

    def count_due(self, now: datetime) -> int:
        """How many customers ``customers_due`` would name without a limit."""
        sql = f"select count(distinct c.customer_id) as due {DUE}"
        return int(select(self._db, sql, now=format_instant(now))[0]["due"])


def _ids(contract: Contract) -> Iterator[str]:
    """Ids of every term and of every point of its schedules; each belongs to one contract."""
    yield from contract.edit_of
    for commit in contract.commits:
        yield from (segment.id for segment in commit.segments)
        yield from (payment.id for payment in commit.payments)
    for charge in contract.charges:
        yield from (point.id for point in charge.items)
    for discount in contract.discounts:
        yield from (point.id for point in discount.items)


def _parent(contract: Contract) -> str | None:
    place = contract.settings.hierarchy
    return None if place is None else place.parent_customer_id


def _has_threshold(contract: Contract) -> bool:
    settings = contract.settings
    return settings.spend_threshold is not None or settings.balance_threshold is not None
