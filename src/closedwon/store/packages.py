"""Packages, immutable once stored, and the windows of their aliases (R308)."""

from datetime import datetime

from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.catalog.types import Alias
from closedwon.billing.contracts.packages import Package
from closedwon.kernel.instant import Interval, format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, decoded, encoded, insert, instant_or_none, select


@migrations()
def m041_packages(db: Database) -> None:
    """Only ``archived_at`` of a package and the end of an alias window ever change."""
    create(
        db,
        "create table package ("
        " id text primary key, name text not null, created_at text not null, archived_at text,"
        " content text not null) strict",
        "create trigger package_is_frozen before update on package when not ("
        " new.id is old.id and new.name is old.name and new.created_at is old.created_at"
        " and new.content is old.content and old.archived_at is null)"
        " begin select raise(abort, 'a package is immutable'); end",
        "create trigger package_never_goes before delete on package"
        " begin select raise(abort, 'packages are archived, not deleted'); end",
        "create table package_alias ("
        " assigned integer primary key, package_id text not null references package (id),"
        " name text not null, starting_at text not null, ending_before text) strict",
        "create index package_alias_name on package_alias (name, assigned)",
    )


class Packages:
    """Packages by id and alias."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, package: Package) -> None:
        """Store a new package; it takes its aliases over from the holders before it (R308)."""
        bare = replace(package, aliases=(), archived_at=None)
        insert(
            self._db,
            "package",
            [
                {
                    "id": package.id,
                    "name": package.name,
                    "created_at": format_instant(package.created_at),
                    "archived_at": None,
                    "content": encoded(bare),
                }
            ],
        )
        for alias in package.aliases:
            change(
                self._db,
                "update package_alias set ending_before = :start where name = :name"
                " and starting_at < :start"
                " and (ending_before is null or ending_before > :start)",
                name=alias.name,
                start=format_instant(alias.window.start),
            )
            insert(
                self._db,
                "package_alias",
                [
                    {
                        "package_id": package.id,
                        "name": alias.name,
                        "starting_at": format_instant(alias.window.start),
                        "ending_before": instant_or_none(alias.window.end),
                    }
                ],
            )

    def archive(self, package_id: str, now: datetime) -> None:
        """No new contract may use it; those that do go on (R308)."""
        change(
            self._db,
            "update package set archived_at = :now where id = :id",
            id=package_id,
            now=format_instant(now),
        )

    def get(self, package_id: str) -> Package | None:
        """One package with the alias windows it has now."""
        return next((found for found in self.all() if found.id == package_id), None)

    def all(self) -> tuple[Package, ...]:
        """Every package, oldest first, archived ones included."""
        aliases: dict[str, list[Alias]] = {}
        for row in select(self._db, "select * from package_alias order by assigned"):
            end = row["ending_before"]
            window = Interval(
                parse_instant(row["starting_at"]), None if end is None else parse_instant(end)
            )
            aliases.setdefault(row["package_id"], []).append(Alias(name=row["name"], window=window))
        return tuple(
            replace(
                decoded(row["content"], Package),
                aliases=tuple(aliases.get(row["id"], ())),
                archived_at=row["archived_at"] and parse_instant(row["archived_at"]),
            )
            for row in select(self._db, "select * from package order by created_at, id")
        )

    def with_alias(self, name: str, at: datetime) -> str | None:
        """Id of the package that has the alias at an instant, the last one that took it."""
        rows = select(
            self._db,
            "select package_id from package_alias where name = :name and starting_at <= :at"
            " and (ending_before is null or ending_before > :at) order by assigned desc limit 1",
            name=name,
            at=format_instant(at),
        )
        return str(rows[0]["package_id"]) if rows else None

    def contracts_on(self, package_id: str) -> tuple[str, ...]:
        """Ids of contracts made from it, oldest first."""
        rows = select(
            self._db,
            "select id from contract where json_extract(state, '$.package_id') = :id"
            " order by created_at, id",
            id=package_id,
        )
        return tuple(row["id"] for row in rows)
