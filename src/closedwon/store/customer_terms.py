"""Edits of commits and credits that belong to a customer itself, stored once for good (R109)."""

from collections.abc import Iterable

from sqlite_utils import Database

from closedwon.billing.contracts.customer_terms import CustomerEdit
from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import decoded, encoded, insert, insert_new, listing, select


@migrations()
def m040_customer_terms(db: Database) -> None:
    """``customer_term`` says who holds the id of a commit, segment or payment."""
    create(
        db,
        "create table customer_term_edit ("
        " customer_id text not null references customer (id),"
        " position integer not null check (position >= 1), id text not null unique,"
        " commit_id text not null, at text not null, by text not null, kind text not null,"
        " content text not null, primary key (customer_id, position)) strict",
        *append_only("customer_term_edit"),
        "create table customer_term ("
        " term_id text primary key, customer_id text not null references customer (id)) strict",
    )


@migrations()
def m073_customer_commits(db: Database) -> None:
    """Who holds a commit is asked by the commit."""
    create(db, "create index customer_term_edit_commit on customer_term_edit (commit_id)")


class CustomerTerms:
    """Edits by customer; the terms are their fold."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, edit: CustomerEdit, term_ids: Iterable[str]) -> None:
        """Store one more edit of its customer and who holds ``term_ids`` now."""
        last = select(
            self._db,
            "select coalesce(max(position), 0) as last from customer_term_edit"
            " where customer_id = :id",
            id=edit.customer_id,
        )[0]["last"]
        row: dict[str, str | int | None] = {
            "customer_id": edit.customer_id,
            "position": last + 1,
            "id": edit.id,
            "commit_id": edit.commit_id,
            "at": format_instant(edit.at),
            "by": edit.by,
            "kind": str(edit.change.__struct_config__.tag),
            "content": encoded(edit),
        }
        insert(self._db, "customer_term_edit", [row])
        insert_new(
            self._db,
            "customer_term",
            [{"term_id": term, "customer_id": edit.customer_id} for term in term_ids],
        )

    def edits(self, customer_ids: Iterable[str]) -> dict[str, list[CustomerEdit]]:
        """Edits by customer id, oldest first."""
        found: dict[str, list[CustomerEdit]] = {}
        for row in select(
            self._db,
            "select customer_id, content from customer_term_edit"
            " where customer_id in (select value from json_each(:ids))"
            " order by customer_id, position",
            ids=listing(customer_ids),
        ):
            found.setdefault(row["customer_id"], []).append(decoded(row["content"], CustomerEdit))
        return found

    def edit(self, edit_id: str) -> CustomerEdit | None:
        """One edit by its id."""
        rows = select(self._db, "select content from customer_term_edit where id = :id", id=edit_id)
        return decoded(rows[0]["content"], CustomerEdit) if rows else None

    def customer_of(self, commit_id: str) -> str | None:
        """Customer whose own commit or credit it is."""
        rows = select(
            self._db,
            "select customer_id from customer_term_edit where commit_id = :id limit 1",
            id=commit_id,
        )
        return str(rows[0]["customer_id"]) if rows else None

    def holders_of_terms(self, term_ids: Iterable[str]) -> dict[str, str]:
        """Customer id by term id, for terms any customer has or had itself."""
        return {
            row["term_id"]: row["customer_id"]
            for row in select(
                self._db,
                "select term_id, customer_id from customer_term"
                " where term_id in (select value from json_each(:ids))",
                ids=listing(term_ids),
            )
        }
