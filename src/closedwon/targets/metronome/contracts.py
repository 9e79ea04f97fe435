"""Contracts as the remote has them: found by key, read, compared with what we did to them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from closedwon.billing.contracts.edits import Added
from closedwon.kernel.errors import Conflict, Refused
from closedwon.store.line.remote import RemoteBook
from closedwon.targets.metronome.contract import LISTS, added_bodies, added_ids
from closedwon.targets.metronome.meaning import Meaning
from closedwon.targets.metronome.pairing import paired, paired_rows
from closedwon.targets.metronome.remote import PAGES_MAX, Remote
from closedwon.targets.metronome.terms import point_body, segment_body

DERIVED = (
    "recurring_commit_id",
    "recurring_credit_id",
    "rolled_over_from",
)
"""Fields of balances nobody sent: children of generators and what rolled over."""
END_DATE_EDIT = frozenset({"id", "timestamp", "update_contract_end_date"})
"""All that the end a renewal gives the old contract says in its history."""
Ids = dict[str, dict[str, str]]
"""Remote ids by kind and our id."""


class Contracts:
    """Reads of contracts; nothing is written."""

    def __init__(self, book: RemoteBook, remote: Remote) -> None:
        self._book = book
        self._remote = remote

    def with_key(self, customer: str, key: str) -> str | None:
        """Remote id of the customer's contract with that uniqueness key."""
        for row in self._listed(customer):
            if row.get("uniqueness_key") == key:
                return str(row["id"])
        return None

    def shown(self, customer: str, contract: str) -> dict[str, Any]:
        """The contract, flat (2.9)."""
        body = {"customer_id": customer, "contract_id": contract}
        found: dict[str, Any] = self._remote.ask("/v2/contracts/get", body)["data"]
        return found

    def history(self, customer: str, contract: str) -> list[dict[str, Any]]:
        """Every edit after the creation."""
        body = {"customer_id": customer, "contract_id": contract}
        found: list[dict[str, Any]] = self._remote.ask("/v2/contracts/getEditHistory", body)["data"]
        return found

    def edit_with_key(self, customer: str, contract: str, key: str) -> str | None:
        """Remote id of the contract's edit with that uniqueness key."""
        for row in self.history(customer, contract):
            if row.get("uniqueness_key") == key:
                return str(row["id"])
        return None

    def foreign_edits(self, customer: str, contract: str) -> list[dict[str, Any]]:
        """Edits there that are none of ours."""
        rows = self.history(customer, contract)
        ours = self._book.known("edit", [str(row["id"]) for row in rows])
        return [row for row in rows if str(row["id"]) not in ours]

    def check_drift(self, customer: str, contract: str, our_id: str, key: str = "") -> None:
        """Raise Conflict when somebody else changed the contract there.

        An edit with the uniqueness ``key`` is ours, made before our state was restored (F104).
        """
        foreign = [
            row
            for row in self.foreign_edits(customer, contract)
            if not key or row.get("uniqueness_key") != key
        ]
        if foreign:
            what = sorted({name for row in foreign for name in row} - {"id", "timestamp"})
            raise Conflict(
                f"somebody changed the contract on the target ({', '.join(what) or 'an edit'});"
                " take over what they did there, then `closedwon target accept` it",
                contract=our_id,
                there=contract,
                edits=", ".join(str(row["id"]) for row in foreign),
            )

    def follow_edits(self, customer: str, contract: str) -> list[str]:
        """Edits that gave a contract which is followed its end, and are not known yet."""
        return [
            str(row["id"])
            for row in self.foreign_edits(customer, contract)
            if {name for name, value in row.items() if value is not None} <= END_DATE_EDIT
        ]

    def noted(self, shown: Mapping[str, Any], meant: Meaning, new: Added, changed: Added) -> Ids:
        """Remote ids of the terms that are ``new`` and of the rows of their schedules and changed.

        Raises Refused unless each is found exactly as it was sent.
        """
        terms = self._terms(shown, meant, new)
        rows = {str(row["id"]): row for name in LISTS for row in shown.get(name) or ()}
        segments: dict[str, str] = {}
        payments: dict[str, str] = {}
        for commit in (*new.commits, *changed.commits):
            there = rows[terms.get(commit.id) or meant.there("term", commit.id)]
            access = {one.id: segment_body(one) for one in commit.schedule}
            told = f"access schedule of {commit.name!r}"
            segments |= self._rows("segment", access, there["access_schedule"], told)
            paid = {one.id: point_body(one) for one in commit.payments}
            told = f"invoice schedule of {commit.name!r}"
            payments |= self._rows("payment", paid, there.get("invoice_schedule") or {}, told)
        for charge in (*new.charges, *changed.charges):
            there = rows[terms.get(charge.id) or meant.there("term", charge.id)]
            paid = {one.id: point_body(one) for one in charge.items}
            told = f"schedule of {charge.name!r}"
            payments |= self._rows("payment", paid, there["schedule"], told)
        return {"term": terms, "segment": segments, "payment": payments}

    def _terms(self, shown: Mapping[str, Any], meant: Meaning, new: Added) -> dict[str, str]:
        bodies, ids = added_bodies(meant, new), added_ids(new)
        terms: dict[str, str] = {}
        for name in LISTS:
            if not ids[name]:
                continue
            rows = [row for row in shown.get(name) or () if not any(row.get(d) for d in DERIVED)]
            ours = self._book.known("term", [str(row["id"]) for row in rows])
            kept = {None, *ids[name]}
            left = [row for row in rows if ours.get(str(row["id"])) in kept]
            sent = list(zip(ids[name], bodies[name], strict=True))
            found = paired(sent, left, name.replace("_", " "))
            terms |= {our_id: str(row["id"]) for our_id, row in found.items()}
        return terms

    def _rows(
        self, kind: str, ours: Mapping[str, Any], schedule: Mapping[str, Any], what: str
    ) -> dict[str, str]:
        there: Iterable[Any] = schedule.get("schedule_items") or ()
        known = {our_id: self._book.there(kind, our_id) or "" for our_id in ours}
        return paired_rows(ours, there, known, what)

    def _listed(self, customer: str) -> Iterator[dict[str, Any]]:
        """Every contract of a customer; the cursor goes in the body here (2.1)."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            body: dict[str, Any] = {"customer_id": customer, "include_archived": True}
            body |= {} if cursor is None else {"cursor": cursor}
            page = self._remote.ask("/v2/contracts/list", body)
            yield from page["data"]
            cursor = page.get("next_page")
            if not cursor:
                return
        raise Refused("the customer has more contracts on the target than can be listed")
