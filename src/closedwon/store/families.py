"""Who has to be billed together with whom: customers of one hierarchy (R301)."""

from collections.abc import Iterable

from sqlite_utils import Database

from closedwon.store.migrations import create, migrations
from closedwon.store.rows import listing, select


@migrations()
def m070_hierarchies(db: Database) -> None:
    """A child's contract names its parent's customer."""
    create(
        db,
        "alter table contract add column parent_customer_id text references customer (id)",
        "create index contract_parent on contract (parent_customer_id, customer_id)"
        " where parent_customer_id is not null",
        "create index contract_child on contract (customer_id, parent_customer_id)"
        " where parent_customer_id is not null",
    )


class Families:
    """Read from the states of contracts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, customer_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """By customer, everyone its contracts are in a hierarchy with, itself included, by id.

        Customers without a hierarchy are left out.
        """
        links: dict[str, set[str]] = {}
        waiting = set(customer_ids)
        while waiting:
            found = [
                pair for child, parent in self._links(waiting) for pair in _both(child, parent)
            ]
            new = {(one, other) for one, other in found if other not in links.get(one, ())}
            for one, other in new:
                links.setdefault(one, {one}).add(other)
            waiting = {other for _, other in new}
        return {one: tuple(sorted(_connected(links, one))) for one in links}

    def children(self, customer_id: str, contract_id: str) -> tuple[str, ...]:
        """Live contracts whose parent is this one, by id."""
        rows = select(
            self._db,
            "select id from contract where parent_customer_id = :customer"
            " and json_extract(state, '$.settings.hierarchy.parent_contract_id') = :contract"
            " and json_extract(state, '$.archived_at') is null order by id",
            customer=customer_id,
            contract=contract_id,
        )
        return tuple(row["id"] for row in rows)

    def _links(self, customer_ids: Iterable[str]) -> list[tuple[str, str]]:
        rows = select(
            self._db,
            "select distinct customer_id, parent_customer_id as parent from contract"
            " where parent_customer_id is not null"
            " and (customer_id in (select value from json_each(:ids))"
            " or parent_customer_id in (select value from json_each(:ids)))",
            ids=listing(sorted(customer_ids)),
        )
        return [(row["customer_id"], row["parent"]) for row in rows]


def _both(child: str, parent: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (child, parent), (parent, child)


def _connected(links: dict[str, set[str]], start: str) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for other in links.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found
