"""Links to dashboards: made by whoever may read, good for an hour, dead with the token."""

from datetime import datetime, timedelta

from closedwon.engine import customers
from closedwon.engine.command import command
from closedwon.kernel.ids import derive, digest
from closedwon.store.embedded_links import Link, View
from closedwon.store.stores import Stores

VALID = timedelta(hours=1)
"""How long a link opens its page; the vendor names no time, and pages ask for a link anew."""


def make(
    stores: Stores, customer_id: str, view: View, secret: str, *, by: str, now: datetime
) -> Link:
    """Let whoever has ``secret`` see ``view`` of one customer until it expires; raises NotFound.

    Links that have expired are deleted on the way.
    """
    link = Link(
        id=derive("embedded_link", digest(secret.encode())),
        customer_id=customers.get(stores, customer_id).id,
        view=view,
        by=by,
        created_at=now,
        expires_at=now + VALID,
    )
    with command(stores, "create", ("embedded_link", link.id), by=by, now=now) as running:
        stores.embedded_links.forget(now)
        stores.embedded_links.add(link, secret)
        running.changed = True
    return link


def opened(stores: Stores, secret: str, now: datetime) -> Link | None:
    """The link of a secret; None for one that is wrong or expired, or whose token is revoked."""
    link = stores.embedded_links.find(secret)
    if link is None or link.expires_at <= now:
        return None
    token = stores.tokens.live(link.by)
    if token is None or token.created_at > link.created_at:
        return None  # Revoked; a newer one may have taken its name.
    return link
