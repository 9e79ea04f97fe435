"""Making derived tables anew from what they are derived from, and proving that they match (D1).

Terms come from edits; invoice lines from the frozen bytes of invoices; ledger entries from terms
and frozen invoices. Only caches of edits are ever written anew: what is final is compared.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.contracts.customer_terms import ArchiveCommit
from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.fold import states
from closedwon.engine.checks import ids_of
from closedwon.kernel.instant import parse_instant
from closedwon.store.database import writing
from closedwon.store.derived import CACHES, DerivedTables, ledger_cell
from closedwon.store.stores import Stores

CUSTOMERS_TOGETHER = 200


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A derived table: its rows, and how many are not what they are derived from."""

    table: str
    rows: int
    wrong: int
    """For a cache that differs at all: 1, the whole of it."""


class _Undone(Exception):
    """Ends a transaction without keeping it."""


def rebuild(stores: Stores) -> tuple[Derived, ...]:
    """Drop the caches and make them anew; says which were not what they should have been."""
    with writing(stores.db):
        return _remade(stores)


def verify(stores: Stores, bills: Callable[[list[str]], dict[str, Bill]]) -> tuple[Derived, ...]:
    """Make every derived table anew, compare byte for byte, and keep nothing of it.

    ``bills`` makes today's bills of customers; those that cannot be made are left out.
    """
    found: list[Derived] = []
    with suppress(_Undone), writing(stores.db):
        found += _remade(stores)
        _undo()
    lines, wrong = DerivedTables(stores.db).wrong_lines()
    found.append(Derived(table="invoice_line", rows=lines, wrong=wrong))
    found.append(_ledger(stores, bills))
    return tuple(found)


def _remade(stores: Stores) -> tuple[Derived, ...]:
    tables = DerivedTables(stores.db)
    before = {table: tables.digest(table) for table in CACHES}
    dues = tables.drop_caches()
    for contract_id in tables.contract_ids():
        due = dues.get(contract_id)
        for state in states(stores.contracts.edits(contract_id)):
            stores.contracts.put_state(state, None if due is None else parse_instant(due))
    for customer_id in tables.customer_ids():
        for edit in stores.customer_terms.edits([customer_id])[customer_id]:
            change = edit.change
            kept = () if isinstance(change, ArchiveCommit) else (change.commit,)
            tables.add_customer_terms(customer_id, ids_of(Added(commits=kept)))
    after = {table: tables.digest(table) for table in CACHES}
    return tuple(
        Derived(table=table, rows=after[table][0], wrong=int(before[table] != after[table]))
        for table in CACHES
    )


def _undo() -> None:
    raise _Undone


def _ledger(stores: Stores, bills: Callable[[list[str]], dict[str, Bill]]) -> Derived:
    """Every entry that counts is one that terms and frozen invoices make, to the instant."""
    rows = wrong = 0
    ids = list(stores.customers.ids())
    for start in range(0, len(ids), CUSTOMERS_TOGETHER):
        for customer_id, bill in bills(ids[start : start + CUSTOMERS_TOGETHER]).items():
            made = {e.id: ledger_cell(e.segment_id, e.timestamp, e.amount) for e in bill.entries}
            stored = DerivedTables(stores.db).ledger(customer_id)
            rows += len(stored)
            wrong += sum(made.get(entry) != cell for entry, cell in stored.items())
    return Derived(table="ledger_entry", rows=rows, wrong=wrong)
