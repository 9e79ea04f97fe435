"""Commands on named schedules (metronome.md 2.3)."""

from collections.abc import Mapping
from datetime import datetime

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.named_schedules import NamedSegment, segments_of
from closedwon.engine import accounts, customers
from closedwon.engine.command import Author, command
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import on_hour
from closedwon.store.stores import Stores

KINDS = ("customer", "contract", "rate_card")
Name = tuple[str, Mapping[str, str]]
"""A schedule's name and the properties that tell it from others of that name."""


def update(
    stores: Stores,
    catalog: Catalog,
    about: tuple[str, str],
    name: Name,
    told: tuple[NamedSegment, Author],
) -> None:
    """Append an update; one that changes nothing leaves no trace.

    Raises Refused for another kind of owner or an empty name, NotFound for an unknown owner.
    """
    segment, author = told
    kind, owner_id = about
    with command(stores, "update_named_schedule", about, by=author.by, now=author.now) as running:
        if kind not in KINDS:
            raise Refused(f"no named schedules on {kind!r}; one of {', '.join(KINDS)}")
        if not name[0]:
            raise Refused("a named schedule needs its name", owner=owner_id)
        on_hour(segment.window.start, "schedule start")
        if segment.window.end is not None:
            on_hour(segment.window.end, "schedule end")
        _check_owner(stores, catalog, kind, owner_id)
        known = stores.named_schedules.updates(kind, owner_id, name)
        if known and segments_of(known) == segments_of((*known, segment)):
            return
        stores.named_schedules.append(about, name, segment, (author.by, author.now))
        running.changed = True


def read(
    stores: Stores, about: tuple[str, str], name: Name, covering: datetime | None
) -> tuple[NamedSegment, ...]:
    """Segments by start; raises NotFound when the owner has no schedule of that name."""
    kind, owner_id = about
    known = stores.named_schedules.updates(kind, owner_id, name)
    if not known:
        raise NotFound("no such named schedule", owner=owner_id, schedule=name[0])
    found = segments_of(known)
    return tuple(one for one in found if covering is None or one.window.covers(covering))


def _check_owner(stores: Stores, catalog: Catalog, kind: str, owner_id: str) -> None:
    if kind == "customer":
        customers.get(stores, owner_id)
    elif kind == "contract":
        accounts.contract(stores, owner_id)
    elif owner_id not in catalog.rate_cards:
        raise NotFound("no such rate card", rate_card=owner_id)
