"""The catalogue: credit types, metrics, products with dated versions, rate cards with rates."""

from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.catalog.types import (
    FIAT,
    Alias,
    Catalog,
    CreditType,
    Metric,
    Product,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.kernel.ids import digest
from closedwon.kernel.instant import Interval, format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import (
    Row,
    change,
    decoded,
    encoded,
    insert,
    instant_or_none,
    select,
    upsert,
)

T = TypeVar("T")


@migrations()
def m001_catalogue(db: Database) -> None:
    """Definitions are JSON; what has to be unique or searched is a column."""
    create(
        db,
        "create table catalogue_revision ("
        " singleton integer primary key check (singleton = 1), digest text not null) strict",
        "create table credit_type (id text primary key, name text not null unique,"
        " content text not null) strict",
        "create table metric (id text primary key, name text not null, content text not null)"
        " strict",
        "create table product (id text primary key, type text not null, content text not null)"
        " strict",
        "create table product_version ("
        " product_id text not null references product (id), starting_at text not null,"
        " content text not null, primary key (product_id, starting_at)) strict",
        "create table rate_card (id text primary key, name text not null, content text not null)"
        " strict",
        "create table rate_card_alias ("
        " rate_card_id text not null references rate_card (id), position integer not null,"
        " name text not null, starting_at text not null, ending_before text,"
        " assigned integer not null unique,"
        " primary key (rate_card_id, position),"
        " check (ending_before is null or ending_before > starting_at)) strict",
        "create index rate_card_alias_name on rate_card_alias (name)",
        "create table rate ("
        " id text primary key, rate_card_id text not null references rate_card (id),"
        " position integer not null, product_id text not null references product (id),"
        " starting_at text not null, ending_before text, content text not null,"
        " unique (rate_card_id, position),"
        " check (ending_before is null or ending_before > starting_at)) strict",
    )


class Catalogue:
    """Definitions, each stored whole; a write gives the catalogue a new revision."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def revision(self) -> str:
        """Digest over every write so far: equal revisions hold equal catalogues."""
        rows = select(self._db, "select digest from catalogue_revision")
        return str(rows[0]["digest"]) if rows else ""

    def catalog(self) -> Catalog:
        """Everything, by id; rates and aliases in the order they were added."""
        return Catalog(
            metrics={metric.id: metric for metric in self._all("metric", Metric)},
            products=self._products(),
            rate_cards=self._rate_cards(),
            credit_types={
                **FIAT,
                **{kind.id: kind for kind in self._all("credit_type", CreditType)},
            },
        )

    def add_credit_type(self, kind: CreditType) -> None:
        """Store a new currency or pricing unit."""
        row: Row = {"id": kind.id, "name": kind.name, "content": encoded(kind)}
        self._add("credit_type", [row])

    def put_credit_type(self, kind: CreditType) -> None:
        """Store a pricing unit in the place of the one with its id."""
        row: Row = {"id": kind.id, "name": kind.name, "content": encoded(kind)}
        upsert(self._db, "credit_type", ("id",), [row])
        self._revise("credit_type", [row])

    def add_metric(self, metric: Metric) -> None:
        """Store a new metric."""
        row: Row = {"id": metric.id, "name": metric.name, "content": encoded(metric)}
        self._add("metric", [row])

    def put_metric(self, metric: Metric) -> None:
        """Store a metric in the place of the one with its id (R37)."""
        row: Row = {"id": metric.id, "name": metric.name, "content": encoded(metric)}
        upsert(self._db, "metric", ("id",), [row])
        self._revise("metric", [row])

    def add_product(self, product: Product) -> None:
        """Store a new product with its versions."""
        first = replace(product, versions=product.versions[:1])
        row: Row = {"id": product.id, "type": product.type, "content": encoded(first)}
        self._add("product", [row])
        self._add(
            "product_version", [_version_row(product.id, version) for version in product.versions]
        )

    def put_product(self, product: Product) -> None:
        """Store a product, without its later versions, in the place of the one with its id."""
        first = replace(product, versions=product.versions[:1])
        row: Row = {"id": product.id, "type": product.type, "content": encoded(first)}
        upsert(self._db, "product", ("id",), [row])
        self._revise("product", [row])

    def put_product_version(self, product_id: str, version: ProductVersion) -> None:
        """Add a version; one with the same start replaces it (R48)."""
        row = _version_row(product_id, version)
        upsert(self._db, "product_version", ("product_id", "starting_at"), [row])
        self._revise("product_version", [row])

    def add_rate_card(self, card: RateCard) -> None:
        """Store a new card with its aliases and rates."""
        self.put_rate_card(card)
        self.add_rates(card.id, card.rates)

    def put_rate_card(self, card: RateCard) -> None:
        """Store a card without its rates, in the place of the one with its id.

        An alias it had with the same window keeps the moment it was assigned (R57).
        """
        bare = replace(card, aliases=(), rates=())
        row: Row = {"id": card.id, "name": card.name, "content": encoded(bare)}
        upsert(self._db, "rate_card", ("id",), [row])
        kept = {
            (held["name"], held["starting_at"], held["ending_before"]): held["assigned"]
            for held in select(
                self._db, "select * from rate_card_alias where rate_card_id = :id", id=card.id
            )
        }
        last = select(self._db, "select coalesce(max(assigned), 0) as last from rate_card_alias")
        change(self._db, "delete from rate_card_alias where rate_card_id = :id", id=card.id)
        rows: list[Row] = []
        for position, alias in enumerate(card.aliases, start=1):
            start, end = format_instant(alias.window.start), instant_or_none(alias.window.end)
            rows.append(
                {
                    "rate_card_id": card.id,
                    "position": position,
                    "name": alias.name,
                    "starting_at": start,
                    "ending_before": end,
                    "assigned": kept.get((alias.name, start, end), last[0]["last"] + position),
                }
            )
        insert(self._db, "rate_card_alias", rows)
        self._revise("rate_card", [row, *rows])

    def add_rates(self, card_id: str, rates: tuple[Rate, ...]) -> None:
        """Append rates to a card; the last one added wins (R54)."""
        last = select(
            self._db,
            "select coalesce(max(position), 0) as last from rate where rate_card_id = :id",
            id=card_id,
        )[0]["last"]
        self._add(
            "rate",
            [
                {
                    "id": rate.id,
                    "rate_card_id": card_id,
                    "position": last + number,
                    "product_id": rate.product_id,
                    "starting_at": format_instant(rate.window.start),
                    "ending_before": instant_or_none(rate.window.end),
                    "content": encoded(rate),
                }
                for number, rate in enumerate(rates, start=1)
            ],
        )

    def card_with_alias(self, name: str, at: datetime) -> str | None:
        """The card that has the alias at ``at``, of several the one it was given to last (R57)."""
        rows = select(
            self._db,
            "select rate_card_id, starting_at, ending_before from rate_card_alias"
            " where name = :name order by assigned desc",
            name=name,
        )
        return next((row["rate_card_id"] for row in rows if _window(row).covers(at)), None)

    def _all(self, table: str, kind: type[T]) -> list[T]:
        rows = select(self._db, f"select content from {table} order by rowid")  # noqa: S608 ours
        return [decoded(row["content"], kind) for row in rows]

    def _products(self) -> dict[str, Product]:
        versions: dict[str, list[ProductVersion]] = {}
        for row in select(
            self._db,
            "select product_id, content from product_version order by product_id, starting_at",
        ):
            found = versions.setdefault(row["product_id"], [])
            found.append(decoded(row["content"], ProductVersion))
        return {
            product.id: replace(product, versions=tuple(versions[product.id]))
            for product in self._all("product", Product)
        }

    def _rate_cards(self) -> dict[str, RateCard]:
        rates: dict[str, list[Rate]] = {}
        for row in select(
            self._db, "select rate_card_id, content from rate order by rate_card_id, position"
        ):
            rates.setdefault(row["rate_card_id"], []).append(decoded(row["content"], Rate))
        aliases: dict[str, list[Alias]] = {}
        for row in select(
            self._db, "select * from rate_card_alias order by rate_card_id, position"
        ):
            found = aliases.setdefault(row["rate_card_id"], [])
            found.append(Alias(name=row["name"], window=_window(row)))
        return {
            card.id: replace(
                card,
                aliases=tuple(aliases.get(card.id, ())),
                rates=tuple(rates.get(card.id, ())),
            )
            for card in self._all("rate_card", RateCard)
        }

    def _add(self, table: str, rows: list[Row]) -> None:
        insert(self._db, table, rows)
        self._revise(table, rows)

    def _revise(self, table: str, rows: list[Row]) -> None:
        if not rows:
            return
        seen = digest("\n".join([self.revision(), table, *map(encoded, rows)]).encode())
        upsert(self._db, "catalogue_revision", ("singleton",), [{"singleton": 1, "digest": seen}])


def _version_row(product_id: str, version: ProductVersion) -> Row:
    return {
        "product_id": product_id,
        "starting_at": format_instant(version.starting_at),
        "content": encoded(version),
    }


def _window(row: dict[str, Any]) -> Interval:
    end = row["ending_before"]
    return Interval(parse_instant(row["starting_at"]), None if end is None else parse_instant(end))
