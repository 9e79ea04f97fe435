"""Links to dashboards that are embedded elsewhere: whoever has one sees that page for a while.

Only a digest of the secret in the link is kept, as of API tokens.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlite_utils import Database

from closedwon.billing.invoices.types import InvoiceStatus, InvoiceType
from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, decoded, encoded, insert, select


class Dashboard(StrEnum):
    """What a page is about (metronome.md 2.3)."""

    INVOICES = "invoices"
    USAGE = "usage"
    CREDITS = "credits"
    COMMITS_AND_CREDITS = "commits_and_credits"


class GroupNames(msgspec.Struct, frozen=True, kw_only=True):
    """What a group key and its values are called on the page."""

    name: str
    values: Mapping[str, str] = {}
    """By value; one that is not here is called what it is."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard, and what of it is shown."""

    dashboard: Dashboard
    colors: Mapping[str, str] = {}
    """Hexadecimal colours by the vendor's names of them."""
    groups: Mapping[str, GroupNames] = {}
    """USAGE: group keys it is also told by."""
    shows_zero_lines: bool = False
    """INVOICES: whether documents have lines of nothing."""
    contract_id: str | None = None
    """INVOICES: of this contract only; None for every one."""
    invoice_type: InvoiceType | None = None
    statuses: tuple[InvoiceStatus, ...] = tuple(InvoiceStatus)
    is_billable: bool | None = None
    """INVOICES: only those that are collected, or only the others; None for all (R290)."""
    hides_names: bool = False
    """Balances are told by their kind alone."""
    credit_type_id: str | None = None
    """Balances in this unit only; None for every one."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link without its secret."""

    id: str
    customer_id: str
    view: View
    by: str
    """Name of the token that made it."""
    created_at: datetime
    expires_at: datetime
    """It opens nothing from then on."""


@migrations()
def m081_embedded_links(db: Database) -> None:
    """A secret is found by its digest; what a link shows never changes."""
    create(
        db,
        "create table embedded_link ("
        " id text primary key, digest text not null unique, customer_id text not null,"
        " view text not null, made_by text not null, created_at text not null,"
        " expires_at text not null, check (created_at < expires_at)) strict",
        "create index embedded_link_expires on embedded_link (expires_at)",
        "create trigger embedded_link_never_changed before update on embedded_link"
        " begin select raise(abort, 'embedded_link rows are never changed'); end",
    )


class EmbeddedLinks:
    """Links by the digest of their secret; deleted once they have expired."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, link: Link, secret: str) -> None:
        """Keep a new link; of the secret, which has 256 random bits, only its SHA-256."""
        row = {
            "id": link.id,
            "digest": digest(secret.encode()),
            "customer_id": link.customer_id,
            "view": encoded(link.view),
            "made_by": link.by,
            "created_at": format_instant(link.created_at),
            "expires_at": format_instant(link.expires_at),
        }
        insert(self._db, "embedded_link", [row])

    def find(self, secret: str) -> Link | None:
        """The link of a secret, expired or not; looked up by its digest, as tokens are."""
        sql = "select * from embedded_link where digest = :digest"
        found = select(self._db, sql, digest=digest(secret.encode()))
        return _link(found[0]) if found else None

    def forget(self, now: datetime) -> int:
        """Delete links that have expired; how many."""
        sql = "delete from embedded_link where expires_at <= :now"
        return change(self._db, sql, now=format_instant(now))


def _link(row: dict[str, str]) -> Link:
    return Link(
        id=row["id"],
        customer_id=row["customer_id"],
        view=decoded(row["view"], View),
        by=row["made_by"],
        created_at=parse_instant(row["created_at"]),
        expires_at=parse_instant(row["expires_at"]),
    )
